/** Of methods that were to keep a reward at a level: whether they did over their seeds, and what became of it on test users. */
import { type PairedInterval, pairedBootstrap } from '../evaluate/bootstrap';
import { type HeldOutcome, type HeldSteps, heldOutcomeSentence, outcomeOf } from '../evaluate/heldReward';
import { OUTCOMES } from '../evaluate/metrics';
import type { RewardName } from '../popo/rewards';
import type { Cell } from './cell';
import { paired } from './paired';

/** What test users tell of a reward that is paid on prompts of training. */
const TOLD_BY: Partial<Record<RewardName, { metric: (typeof OUTCOMES)[number]; label: string }>> = {
  semantic: { metric: 'Category_L3_ACC', label: 'L3' },
  id: { metric: 'CTCVR', label: 'CTCVR' },
};

export interface HeldMethod {
  method: string;
  outcome: HeldOutcome;
  /** On test users, over the seeds that have SFT too; null where no metric tells of the reward, or no seed has SFT. */
  test: { label: string; before: number; change: PairedInterval } | null;
}

/** The fine-tuned model that RL begins with. */
const SFT = 'orft';

export function heldMethods(cells: readonly Cell[]): HeldMethod[] {
  const methods = [...new Set(cells.flatMap(({ method, held }) => (held === undefined ? [] : [method])))];
  return methods.map((method) => {
    const outcome = overSeeds(
      cells.flatMap((cell) => (cell.method === method && cell.held !== undefined ? [cell.held] : [])),
    );
    const told = TOLD_BY[outcome.reward];
    if (told === undefined) return { method, outcome, test: null };
    const { differences, base } = paired(cells, method, SFT, OUTCOMES.indexOf(told.metric));
    return {
      method,
      outcome,
      test:
        differences.length === 0
          ? null
          : { label: told.label, before: base, change: pairedBootstrap(differences, 1) },
    };
  });
}

/** @param runs of one method, a seed each; at least one. Seeds and steps are drawn again. */
function overSeeds(runs: readonly HeldSteps[]): HeldOutcome {
  const level = runs.reduce((sum, run) => sum + run.level, 0) / runs.length;
  // Each seed has a level of its own, so it is what is above or below it that is drawn again.
  const above = pairedBootstrap(
    runs.map((run) => run.rewards.map((reward) => reward - run.level)),
    1,
  );
  return outcomeOf({
    reward: runs[0].reward,
    level,
    end: { mean: level + above.mean, low: level + above.low, high: level + above.high },
    steps: Math.min(...runs.map(({ rewards }) => rewards.length)),
    seeds: runs.length,
  });
}

export function heldMethodSentences({ method, outcome, test }: HeldMethod): string[] {
  const rate = (value: number) => value.toFixed(3).replace(/^0/, '');
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${rate(Math.abs(value))}`;
  return [
    `${method}: ${heldOutcomeSentence(outcome)}`,
    ...(test === null
      ? []
      : [
          `On test users ${method} ends at ${test.label} ${rate(test.before + test.change.mean)}, ` +
            `where SFT has ${rate(test.before)}: ${signed(test.change.mean)} [${signed(test.change.low)}, ${signed(test.change.high)}].`,
        ]),
  ];
}
