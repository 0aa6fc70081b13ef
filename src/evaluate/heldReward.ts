/**
 * Whether the reward that `constraint` was to keep at a level was kept there: what its sampled answers earned over the last steps, on prompts of
 * training, against that level.
 */
import type { Interval } from '../numeric/interval';
import { type RewardName, rewardWords } from '../popo/rewards';
import { pairedBootstrap } from './bootstrap';

/** Of one run. */
export interface HeldSteps {
  reward: RewardName;
  /** The mean reward that was asked for. */
  level: number;
  /** Mean reward of each of the last steps that asked for it, in their order. */
  rewards: number[];
}

export interface HeldOutcome {
  reward: RewardName;
  /** Mean over seeds. */
  level: number;
  /** What it ended at: mean over seeds and steps; both drawn again. */
  end: Interval;
  steps: number;
  seeds: number;
  /** `unclear`: the level lies within the interval, or there are too few steps for one. */
  verdict: 'held' | 'missed' | 'unclear';
}

/** Steps that the end is the mean of: those of one alone are noise. */
const STEPS = 20;
/** An interval of fewer says nothing. */
const FEWEST = 5;

/**
 * @param levels that each step held the reward at; what is no number says that it held nothing
 * @param means of the reward at each step
 * @returns null where the last step held nothing
 */
export function heldSteps(
  reward: RewardName,
  levels: ArrayLike<number | undefined>,
  means: ArrayLike<number>,
): HeldSteps | null {
  const level = levels[levels.length - 1];
  if (level === undefined || Number.isNaN(level)) return null;
  const rewards: number[] = [];
  for (let at = levels.length - 1; at >= 0 && rewards.length < STEPS && levels[at] === level; at--)
    rewards.unshift(means[at]);
  return { reward, level, rewards };
}

/** @param runs of one method and the same reward, a seed each; at least one */
export function heldOutcome(runs: readonly HeldSteps[]): HeldOutcome {
  const level = runs.reduce((sum, run) => sum + run.level, 0) / runs.length;
  // Each seed has a level of its own, so it is what is above or below it that is drawn again.
  const above = pairedBootstrap(
    runs.map((run) => run.rewards.map((reward) => reward - run.level)),
    1,
  );
  const steps = Math.min(...runs.map(({ rewards }) => rewards.length));
  const end = { ...above, mean: level + above.mean, low: level + above.low, high: level + above.high };
  const isTold = steps >= FEWEST;
  return {
    reward: runs[0].reward,
    level,
    end,
    steps,
    seeds: runs.length,
    verdict: isTold && above.low >= 0 ? 'held' : isTold && above.high < 0 ? 'missed' : 'unclear',
  };
}

const VERDICTS: Record<HeldOutcome['verdict'], string> = {
  held: 'so it was held',
  missed: 'so it was not held',
  unclear: 'so whether it was held cannot be told',
};

export function heldOutcomeSentence({ reward, level, end, steps, seeds, verdict }: HeldOutcome): string {
  const [asked, mean, low, high] = [level, end.mean, end.low, end.high].map(rate);
  return (
    `The ${rewardWords(reward).label} reward was to be kept at ${asked} or above on prompts of training: ` +
    `over the last ${steps} ${steps === 1 ? 'step' : 'steps'}${seeds === 1 ? '' : ` of each of ${seeds} seeds`} it was ${mean} [${low}, ${high}], ${VERDICTS[verdict]}.`
  );
}

function rate(value: number): string {
  return value.toFixed(3).replace(/^(-?)0/, '$1');
}
