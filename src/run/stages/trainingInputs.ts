/** What the first four stages give to every stage that trains or judges the model. */
import type { RankerTables } from '../judging';
import type { Data } from './data';
import type { Meaning } from './encoder';
import type { Text } from './tokenizer';

export interface TrainingInputs {
  data: Data;
  tokenizer: Text;
  ranker: RankerTables;
  encoder: Meaning;
}
