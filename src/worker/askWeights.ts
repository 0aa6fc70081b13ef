/**
 * Which weights answer: those that a run has now, those that its fine-tuning left, or a mixture of several runs that were aligned from
 * one and the same fine-tuned model. Such mixtures answer much as their rewards were mixed (Ramé et al., "Rewarded soups", 2023, eq. 1).
 */
import { mixed } from '../model/mixture';
import { areSame } from '../numeric/same';
import { CheckpointError } from '../run/checkpointError';
import { backboneOf } from '../run/fork';
import type { RunCheckpoint } from '../run/runState';
import type { AskedRun, AskRequest } from './askProtocol';

type Weights = Float32Array<ArrayBuffer>;

/** The model as fine-tuning left it; null where the run has not come so far. */
export function sftWeights({ state, model }: RunCheckpoint): Weights | null {
  const { stage, made, beginning, config } = state;
  const reference = made.popo?.reference ?? null;
  if (reference !== null) return reference;
  if (stage === 'popo') return beginning ?? model?.parameters ?? null;
  // Without alignment nothing has changed since.
  return made.popo !== undefined && config.popo.steps === 0 ? (model?.parameters ?? null) : null;
}

/** The rewards of a run whose model is composed of ends, and the mixture that it is handed over as; null of others. */
export function frontOfRun({ state, model }: RunCheckpoint): { rewards: string[]; weights: number[] } | null {
  const { mixture, rewardNames } = state.made.popo ?? {};
  if (mixture === undefined || rewardNames === undefined || model?.ends === undefined) return null;
  return { rewards: [...rewardNames], weights: [...mixture] };
}

/**
 * @param at of a run whose model is composed of ends: the weights of its rewards
 * @throws {CheckpointError} in one sentence, where the run has no such weights; RangeError as `mixed`
 */
export function askedWeights(
  checkpoint: RunCheckpoint,
  which: NonNullable<AskRequest['weights']>,
  at?: readonly number[],
): Weights {
  const front = frontOfRun(checkpoint);
  if (at !== undefined && front === null)
    throw new CheckpointError(
      'This run has no front of its own, so it cannot be asked at other weights: take a run of popo.weighting=conditioned, or mix it with its fork.',
    );
  if (at !== undefined && at.length !== front?.rewards.length)
    throw new CheckpointError(
      `This run has ${front?.rewards.length} rewards (${front?.rewards.join(', ')}): give a weight for each.`,
    );
  const sum = at?.reduce((total, weight) => total + weight, 0) ?? 1;
  if (at?.some((weight) => !(weight >= 0)) || Math.abs(sum - 1) > 1e-6)
    throw new RangeError('The weights of the rewards must each be from 0 to 1, and come to 1 together.');
  const ends = checkpoint.model?.ends;
  // While its front is judged the model is whatever mixture is judged just now.
  const shares = at ?? front?.weights;
  if (which === 'newest' && shares !== undefined && ends !== undefined)
    return mixed(ends.map(({ parameters }, k) => ({ share: shares[k], weights: parameters })));
  const found = { warmup: backboneOf, sft: sftWeights, newest: newestWeights }[which](checkpoint);
  if (checkpoint.state.made.tokenizer !== undefined && found) return found;
  throw new CheckpointError(MISSING[which]);
}

const newestWeights = ({ model }: RunCheckpoint): Weights | null => model?.parameters ?? null;

const MISSING = {
  warmup: 'This run did not keep what its warm-up left, or has not come to its end: ask its newest weights.',
  sft: 'This run has not come to the end of fine-tuning yet: let it go on, or ask its newest weights.',
  newest: 'This run has no model yet that could answer: let it go on until warm-up has begun.',
} as const;

/** @throws {CheckpointError} in one sentence, where runs cannot be mixed */
export function assertMixable(runs: readonly AskedRun[], checkpoints: readonly RunCheckpoint[]): void {
  if (runs.length === 0) throw new CheckpointError('No run was named: say which one is asked.');
  if (runs.length === 1) return;
  const [first, ...others] = checkpoints.map(sftWeights);
  if (first === null || others.some((weights) => weights === null || !areSame(first, weights)))
    throw new CheckpointError(
      'These runs were not aligned from one and the same fine-tuned model, so their weights cannot be mixed: take a run and its fork.',
    );
}
