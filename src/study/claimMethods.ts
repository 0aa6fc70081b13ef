/** What the claim study runs for each seed, in the order in which it shares most of the way: a rule to be judged too is one more name. */
import { type Method, methodNamed, SWEEP } from './methods';

const NAMES = [
  'orft',
  'popo',
  'popo-light',
  ...SWEEP.map(({ name }) => name),
  'soup-0.25',
  'soup-0.5',
  'soup-0.75',
  'soup-mixed-0.25',
  'soup-mixed-0.5',
  'soup-mixed-0.75',
  'geometric-0.5',
  'gdpo',
  'mgda',
  'correlation',
  'constraint',
  'conditioned',
  'conditioned-0',
  'conditioned-0.25',
  'conditioned-0.75',
  'conditioned-1',
];

export const CLAIM: readonly Method[] = NAMES.map(methodNamed);
