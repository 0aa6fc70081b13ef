/** What the gate of a world runs for each seed, in the order in which it shares most of the way. */
import { fixedWeight, type Method, methodNamed } from './methods';

/** Where the policy turns over from needs to treats, found with a prototype on other seeds. */
const BETWEEN = [0.2, 0.25, 0.3, 0.35, 0.4, 0.5];

export const GATE: readonly Method[] = [
  methodNamed('orft'),
  methodNamed('answers-only'),
  methodNamed('fixed-1'),
  methodNamed('fixed-0'),
  ...BETWEEN.map((weight) => fixedWeight(weight, `semantic weight ${weight}`)),
];
