/** The embedded teacher that suits a data set: one that knows why people buy is argued in chains, any other from counts. */
import type { Dataset, Example } from '../data/dataset';
import { ChainTeacher } from './chains';
import { type AttributesOptions, AttributesTeacher, type Explanation, TEACHER_WORDS } from './teacher';

export interface Explainer {
  explain(example: Example, sampleIndex: number): Explanation;
}

/** Untold it knows no more than what follows what, whatever the data set is. */
export function embeddedTeacher(dataset: Dataset, options: AttributesOptions, seed: number): Explainer {
  return dataset.lore !== undefined && options.told
    ? new ChainTeacher(dataset, options, seed)
    : new AttributesTeacher(dataset, options, seed);
}

/** Words that it uses beside those of catalogue and profiles, for the tokenizer's corpus. */
export function teacherWords({ lore }: Pick<Dataset, 'lore'>): readonly string[] {
  return [...new Set([...TEACHER_WORDS, ...(lore?.words ?? [])])];
}
