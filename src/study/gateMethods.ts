/** What the gate of a world runs for each seed, in the order in which it shares most of the way. */
import type { ConfigDiff } from '../run/diff';
import { fixedWeight, type Method, methodNamed } from './methods';

/** Where the policy turns over from needs to treats, found on other seeds: below .25 it was the end of the ID reward. */
const BETWEEN = [0.25, 0.3, 0.35, 0.4, 0.45, 0.5];

/** What is judged before RL comes to the same whatever RL does then, so these let it be the cheapest, and one that is asked for too. */
function beforeRl(name: string): Method {
  const { diff, ...method } = methodNamed(name);
  return { ...method, diff: { ...(diff as ConfigDiff), ...SEMANTIC_ALONE } };
}

/** Gradients of single rewards and curves on the way are for charts, which the gate has none of. */
const quiet = ({ diff, ...method }: Method): Method => ({
  ...method,
  diff: { ...(diff as ConfigDiff), 'popo.probe_every': 0, 'evaluate.curve_every': 1_000_000 },
});

const SEMANTIC = quiet(methodNamed('fixed-1'));
const SEMANTIC_ALONE = SEMANTIC.diff as ConfigDiff;

export const GATE: readonly Method[] = [
  beforeRl('orft'),
  SEMANTIC,
  beforeRl('answers-only'),
  quiet(methodNamed('fixed-0')),
  ...BETWEEN.map((weight) => quiet(fixedWeight(weight, `semantic weight ${weight}`))),
];
