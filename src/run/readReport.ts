/** Reads a report.json back: what every reader relies on is checked, fields of later versions are let through. */
import * as v from 'valibot';
import { type Report, STAGE_NAMES } from './report';

/** A file that is not a report of this app; the message names the first field that is wrong. */
export class ReportError extends Error {
  override readonly name = 'ReportError';
}

const number = v.pipe(v.number(), v.finite());
const numbers = v.array(number);
const rate = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const popoStep = v.looseObject({
  step: number,
  sampleIds: v.array(v.string()),
  rewards: v.array(v.array(numbers)),
  advantages: v.array(numbers),
  weightsBefore: numbers,
  weightsAfter: numbers,
  influence: v.nullable(numbers),
  gradNorms: v.nullable(numbers),
  gradCosine: v.nullable(number),
  gradCosines: v.optional(v.nullable(v.array(v.nullable(number)))),
  covariance: v.optional(numbers),
  covarianceWithSum: v.optional(numbers),
  level: v.optional(number),
  loss: number,
  reward: number,
  reward_std: number,
  frac_reward_zero_std: rate,
  kl: number,
  entropy: number,
});

const answers = {
  stage: v.string(),
  Category_L1_ACC: rate,
  Category_L2_ACC: rate,
  Category_L3_ACC: rate,
  'Title_Hit-Rate@50': rate,
  'Title_Hit-Rate@100': rate,
  CTCVR: number,
  valid_rate: rate,
  distinct_top1: number,
};
const lead = v.looseObject({ over: v.string(), metric: v.string(), mean: number, low: number, high: number });
const metricsRow = v.looseObject({ ...answers, answer_loss: number });

const report = v.looseObject({
  schema: v.literal(1),
  app: v.string(),
  kernels: v.string(),
  config: v.looseObject({ preset: v.string(), seed: number }),
  link: v.string(),
  device: v.looseObject({ backend: v.string(), vendor: v.string(), architecture: v.string() }),
  dataset: v.looseObject({ id: v.string(), sha256: v.string(), users: number, items: number }),
  stages: v.array(
    v.looseObject({
      name: v.picklist(STAGE_NAMES),
      seconds: number,
      steps: number,
      loss: numbers,
      heldOutLoss: numbers,
    }),
  ),
  orft: v.looseObject({ threshold: number, scored: number, kept: number }),
  ranker: v.looseObject({ auc: v.looseObject({ ctr: number, cvr: number, ctcvr: number }) }),
  popo: v.looseObject({
    rewardNames: v.array(v.string()),
    steps: v.array(popoStep),
    curve: v.array(v.looseObject({ step: number, row: metricsRow })),
  }),
  table: v.array(metricsRow),
  front: v.optional(v.array(v.looseObject({ weights: numbers, row: metricsRow }))),
  counting: v.optional(v.looseObject({ ...answers, exact_title_rate: rate, popularity_share: rate })),
  baselines: v.optional(
    v.looseObject({
      model: v.string(),
      rows: v.array(v.looseObject({ ...answers, 'HR@10': rate, 'HR@50': rate, 'NDCG@10': rate })),
      leads: v.array(lead),
      slices: v.optional(v.array(v.looseObject({ name: v.string(), users: number, leads: v.array(lead) }))),
      notes: v.array(v.string()),
    }),
  ),
  samples: v.array(v.looseObject({ sampleId: v.string(), prompt: v.string(), completion: v.string() })),
  fingerprint: v.looseObject({
    inputs: v.string(),
    exact: v.string(),
    blocks: v.array(
      v.looseObject({ stage: v.picklist(STAGE_NAMES), every: number, hashes: v.array(v.string()) }),
    ),
    close: numbers,
  }),
  timings: v.record(v.string(), number),
  memory: v.looseObject({ bytesPlanned: number, bytesAllocated: number }),
});

/** @throws {ReportError} when the value is not a report of schema 1 */
export function readReport(value: unknown): Report {
  const result = v.safeParse(report, value);
  if (result.success) return result.output as unknown as Report;
  const [issue] = result.issues;
  throw new ReportError(
    `This is not a report of this app: ${v.getDotPath(issue) ?? 'it'} is wrong (${issue.message}).`,
  );
}
