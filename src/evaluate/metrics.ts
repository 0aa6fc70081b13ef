/** One row of the stage table; the keys are the paper's. Rates in [0, 1]. */
export interface MetricsRow {
  stage: 'warmup' | 'sft' | 'popo' | (string & {});
  Category_L1_ACC: number;
  Category_L2_ACC: number;
  Category_L3_ACC: number;
  'Title_Hit-Rate@50': number;
  'Title_Hit-Rate@100': number;
  /** Mean ID reward of the resolved items: the world's true CTCVR where it is known, else the ranker's estimate. */
  CTCVR: number;
  valid_rate: number;
  exact_title_rate: number;
  distinct_top1: number;
  popularity_share: number;
  /** Held-out −log P per token of the true answer given the prompt. */
  answer_loss: number;
  users: number;
}
