/** The judge of taste: a ranker of clicks and conversions, frozen into the offline table of ID rewards. */
import type { RunConfig } from '../config';
import { JUDGES, type JudgeTask, type RankerTables } from '../judging';
import type { WholeStage } from '../stage';
import type { Data } from './data';
import type { Text } from './tokenizer';

export const ranker: WholeStage<'ranker', { data: Data; tokenizer: Text }, RankerTables, RankerTables> = {
  name: 'ranker',
  reads: ['seed', 'ranker'],
  steps: (config) => config.ranker.steps,
  async run({ data, tokenizer }, { config, own, hooks, emit }) {
    // The next stage that trains the model finds its kernels compiled.
    tokenizer.model.prepare(tokenizer.warmupRows, tokenizer.length);
    const { made, losses } = await JUDGES.ranker(judgeTask(data, config), hooks);
    own.loss.push(...losses);
    emit({ type: 'ranker', auc: made.auc });
    return made;
  },
  beside: ({ data }, config) => judgeTask(data, config),
  open: (made) => made,
  report: ({ auc }) => ({ ranker: { auc } }),
  *events({ ranker }) {
    if (ranker !== undefined) yield { type: 'ranker', auc: ranker.auc };
  },
};

/** What both judges are trained from. */
export function judgeTask({ dataset, draw }: Data, config: RunConfig): JudgeTask {
  const { policy, curve, test } = draw;
  return {
    dataset,
    config,
    rewarded: [...policy, ...curve],
    chances: dataset.oracle ? null : [...test, ...curve],
  };
}
