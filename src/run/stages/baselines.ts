/** Recommenders without language on the same test users. What does it is fetched when the stage begins (compareBaselines.ts). */
import { BASELINE_NAMES } from '../../evaluate/baselines/names';
import type { BaselinesInputs, BaselinesMade } from '../compareBaselines';
import type { ResumableStage } from '../stage';

export const baselines: ResumableStage<'baselines', BaselinesInputs, BaselinesMade, BaselinesMade> = {
  name: 'baselines',
  reads: [
    'seed',
    'optimizer',
    'evaluate.baselines',
    'evaluate.sasrec_steps',
    'evaluate.sasrec_batch_size',
    'evaluate.sasrec_hidden_size',
    'evaluate.sasrec_learning_rate',
  ],
  steps: ({ evaluate }) => BASELINE_NAMES.length + (evaluate.baselines === 'all' ? evaluate.sasrec_steps : 0),
  begin: () => ({ judged: [], training: null, report: null }),
  async run(inputs, tools, made) {
    const { compareBaselines } = await import('../compareBaselines');
    await compareBaselines(inputs, tools, made);
  },
  open: (made) => made,
  report: ({ report }) => (report === null ? {} : { baselines: report }),
  judged: ({ judged }) => judged,
  *events({ baselines: report }) {
    if (report !== undefined) yield { type: 'baselines', baselines: report };
  },
};
