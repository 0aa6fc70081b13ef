/** The judge of taste: a ranker of clicks and conversions, frozen into the offline table of ID rewards. */
import { trainRanker } from '../../rank/ranker';
import { camelCased } from '../camelCase';
import type { Report } from '../report';
import type { WholeStage } from '../stage';
import type { Data } from './data';
import type { Text } from './tokenizer';

/** What later stages get is what checkpoints keep. */
export interface RankerTables {
  auc: Report['ranker']['auc'];
  /** [policy, then curve examples × items], in [0, 1]: the ID reward. */
  rewardTable: Float32Array<ArrayBuffer>;
  /** [test, then curve examples × items] P(click ∧ conversion); null where the data itself knows. */
  ctcvr: Float32Array<ArrayBuffer> | null;
}

export const ranker: WholeStage<'ranker', { data: Data; tokenizer: Text }, RankerTables, RankerTables> = {
  name: 'ranker',
  reads: ['seed', 'ranker'],
  steps: (config) => config.ranker.steps,
  async run({ data: { dataset, draw }, tokenizer }, { config, own, hooks, emit }) {
    // The next stage that trains the model finds its kernels compiled.
    tokenizer.model.prepare(tokenizer.warmupRows, tokenizer.length);
    const trained = await trainRanker(dataset, camelCased(config.ranker), config.seed, hooks);
    try {
      own.loss.push(...trained.losses);
      emit({ type: 'ranker', auc: trained.auc });
      // Offline, as in the paper: from here on the ID reward is a look-up.
      return {
        auc: trained.auc,
        rewardTable: await trained.rewardTable([...draw.policy, ...draw.curve]),
        ctcvr: dataset.oracle ? null : await trained.ctcvr([...draw.test, ...draw.curve]),
      };
    } finally {
      trained.dispose();
    }
  },
  open: (made) => made,
  report: ({ auc }) => ({ ranker: { auc } }),
  *events({ ranker }) {
    if (ranker !== undefined) yield { type: 'ranker', auc: ranker.auc };
  },
};
