import type { AnswersRow } from '../evaluate/metrics';
import type { RunConfig } from '../run/config';
import type { Report } from '../run/report';
import type { TestSlices } from '../run/testSlices';

/** One method at one seed. */
export interface Cell {
  method: string;
  seed: number;
  /** Versions of the app and its kernels that made it: others give other bits. */
  app: string;
  kernels: string;
  config: RunConfig;
  link: string;
  exact: string;
  row: AnswersRow;
  /** `[users, OUTCOMES]`, row by row. */
  outcomes: number[];
  /** Of the users; left out where the data tells none. */
  slices?: TestSlices;
  /** How RL fails, step by step: see `frac_reward_zero_std`; the curve has distinct answers and their concentration. */
  gauges: { reward: number[]; frac_reward_zero_std: number[]; curve: Report['popo']['curve'] };
}
