/** Recommenders without language on the same test users. What does it is fetched when the stage begins (compareBaselines.ts). */
import { BASELINE_NAMES } from '../../evaluate/baselines/names';
import type { BaselinesInputs, BaselinesMade } from '../compareBaselines';
import type { WholeStage } from '../stage';

export const baselines: WholeStage<'baselines', BaselinesInputs, BaselinesMade, BaselinesMade> = {
  name: 'baselines',
  reads: [
    'seed',
    'text.history_length',
    'optimizer',
    'evaluate.baselines',
    'evaluate.sasrec_steps',
    'evaluate.sasrec_batch_size',
    'evaluate.sasrec_hidden_size',
    'evaluate.sasrec_learning_rate',
  ],
  steps: ({ evaluate }) => BASELINE_NAMES.length + (evaluate.baselines === 'all' ? evaluate.sasrec_steps : 0),
  async run(inputs, tools) {
    const { compareBaselines } = await import('../compareBaselines');
    return compareBaselines(inputs, tools);
  },
  open: (made) => made,
  report: ({ report }) => ({ baselines: report }),
  judged: ({ judged }) => judged,
  *events({ baselines: report }) {
    if (report !== undefined) yield { type: 'baselines', baselines: report };
  },
};
