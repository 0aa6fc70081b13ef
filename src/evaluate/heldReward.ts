/**
 * Whether the reward that `constraint` was to keep at a level was kept there: what its sampled answers earned over the last steps, on prompts of
 * training, against that level.
 */
import { type RewardName, rewardWords } from '../popo/rewards';
import { meanOf } from './slices';

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
  /** What it ended at, with its 95 % interval over steps, and over seeds where there are several. */
  end: { mean: number; low: number; high: number };
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

/** Of one run, whose steps are taken for independent. */
export function heldOutcome({ reward, level, rewards }: HeldSteps): HeldOutcome {
  return outcomeOf({ reward, level, end: meanOf(rewards), steps: rewards.length, seeds: 1 });
}

/** With the verdict that its interval allows. */
export function outcomeOf(told: Omit<HeldOutcome, 'verdict'>): HeldOutcome {
  const { level, end, steps } = told;
  const isTold = steps >= FEWEST;
  return {
    ...told,
    verdict: isTold && end.low >= level ? 'held' : isTold && end.high < level ? 'missed' : 'unclear',
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
