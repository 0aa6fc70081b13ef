import type { HeldSteps } from '../evaluate/heldReward';
import type { AnswersRow } from '../evaluate/metrics';
import type { TestSlices } from '../evaluate/slices';
import type { RunConfig } from '../run/config';
import type { Report } from '../run/report';

/** What RL took; a step's held-out points are not counted. */
export interface Spent {
  /** What it was trained on, in words. */
  adapter: string;
  /** Wall-clock, of rollouts, rewards and updates. */
  seconds: number;
  updates: number;
  /** Completions that were sampled and paid. */
  rollouts: number;
}

/** One method at one seed. */
export interface Cell {
  method: string;
  seed: number;
  /** Versions of the app and its kernels that made it: others give other bits. */
  app: string;
  kernels: string;
  config: RunConfig;
  /** '' of a model that no run trained. */
  link: string;
  exact: string;
  row: AnswersRow;
  /** `[users, OUTCOMES]`, row by row. */
  outcomes: number[];
  /** Of the users; left out where the data tells none. */
  slices?: TestSlices;
  /** Of its own RL; 0 of a model that was derived. Cells of older versions lack it. */
  spent?: Spent;
  /** Of a derived model: the methods whose runs of this seed it is made from. */
  from?: readonly string[];
  /** Of a run whose rule held a reward at a level until its end. Cells of older versions lack it. */
  held?: HeldSteps;
  /** How RL fails, step by step: see `frac_reward_zero_std`; the curve has distinct answers and their concentration. */
  gauges: { reward: number[]; frac_reward_zero_std: number[]; curve: Report['popo']['curve'] };
}
