/** A trainer that trains nothing: it plays events with plausible numbers, drawn from the project's own random streams. */
import type { Services } from '../../src/app/state/session';
import type { BaselinesReport, ModelLead } from '../../src/evaluate/baselines/report';
import type { MetricsRow } from '../../src/evaluate/metrics';
import { FEATURE_SETS, type RankingReport } from '../../src/evaluate/ranking';
import type { RowSpread } from '../../src/evaluate/rowSpread';
import { Random } from '../../src/numeric/random';
import { computeAdvantages, covarianceWith, rewardCovariance } from '../../src/popo/advantages';
import { aggregationOf, policyOptions } from '../../src/popo/options';
import type { RewardName } from '../../src/popo/rewards';
import { ruleOf } from '../../src/popo/rules';
import { nextWeights, pairsOf } from '../../src/popo/weighting';
import { type FieldEdit, withEdits } from '../../src/run/changes';
import type { RunConfig } from '../../src/run/config';
import type { DeviceTable } from '../../src/run/deviceTable';
import { type Divergence, type DivergenceChoice, divergenceOf } from '../../src/run/divergence';
import { setLeaf } from '../../src/run/fields/paths';
import { parseLink } from '../../src/run/link';
import { defaultConfig } from '../../src/run/presets';
import type {
  DeviceInfo,
  GroupWords,
  PopoStep,
  Report,
  RunEvent,
  Sample,
  StageName,
  StageReport,
} from '../../src/run/report';
import { STARTERS } from '../../src/run/starters';
import type { TeacherCounts } from '../../src/sft/cot';
import type { FilterQuality } from '../../src/sft/filterQuality';
import type { CotExample } from '../../src/sft/orft';
import type { RunNote } from '../../src/store/runNotes';
import type { Cell } from '../../src/study/cell';
import { studyTables } from '../../src/study/tables';
import type { SavedRun, StudyRequest, StudyResult, TrainerApi } from '../../src/worker/protocol';
import { fakeAnswer, fakeAskable } from './fakeAsk';
import { fakeImporter } from './fakeImporter';

export interface FakeOptions {
  /** Events per timer tick. */
  speed: number;
  backend: 'webgpu' | 'cpu';
  /** Stage in which the run fails, if any. */
  failAt: string | null;
  saved: boolean;
  /** How many more finished runs are kept. */
  more?: number;
  /** Stage in whose midst training runs away, if any. */
  divergeAt: string | null;
  /** Stage in whose midst the run waits until it is resumed, if any. */
  restAt: string | null;
  /** Nothing is kept of how runs stood before they were changed. */
  pointless?: boolean;
  /** Fields that cannot be changed in mid-run. */
  refuse?: readonly string[];
  /** Milliseconds until the device is known. */
  look?: number;
  /** Whether it is long before the trainer stops, as where a command takes seconds. */
  deaf?: boolean;
}

let state = 12345;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
/** Of events that come with every step, or nearly. */
const STEPPED: readonly string[] = ['loss', 'popo', 'progress', 'group', 'sample', 'curve'];
const noise = (size: number) => (random() + random() + random() - 1.5) * size;

function row(stage: string, l3: number, ctcvr: number, distinct: number): MetricsRow {
  return {
    stage,
    Category_L1_ACC: 0.3 + l3 * 0.7,
    Category_L2_ACC: l3 * 1.15 + 0.03,
    Category_L3_ACC: l3,
    'Title_Hit-Rate@50': l3 * 1.2 + 0.05,
    'Title_Hit-Rate@100': l3 * 1.3 + 0.09,
    CTCVR: ctcvr,
    valid_rate: stage === 'warmup' ? 0.91 : 0.993,
    exact_title_rate: l3 / 6,
    'Title_Hit-Rate@25': l3 + 0.03,
    distinct_top1: distinct,
    popularity_share: Math.min(1, 8 / distinct),
    answer_loss: 2.1 - l3 * 3,
    users: 1000,
  };
}

/** What a laptop’s GPU might do. */
const MEASURED: DeviceTable = {
  adapter: 'apple metal-3 | Apple M2',
  kernels: 'tiled k4',
  app: '0.10.0',
  peak: 2_980.4,
  products: [
    { size: 256, rate: 512.4 },
    { size: 512, rate: 1_204.6 },
    { size: 1024, rate: 1_876.2 },
  ],
  shapes: [
    { name: 'tiny', step: 2.41, rate: 40.2, trained: 219_087, sampled: 61_302 },
    { name: 'small', step: 3.12, rate: 214.7, trained: 328_205, sampled: 55_410 },
  ],
};

const sliceNames = ['seen', 'composed', 'cold'] as const;

/** What fine-tuning adds to L3 is beyond doubt, what alignment adds is not. */
function spreads(): RowSpread[] {
  const change = (mean: number) => ({
    Category_L3_ACC: { mean, low: mean - 0.03, high: mean + 0.03, p: 0.1, seeds: 1, users: 1000 },
  });
  const slices = (mean: number) => sliceNames.map((name, at) => ({ name, ...slice(mean * (1 + at)) }));
  const slice = (mean: number) => {
    const { Category_L3_ACC } = change(mean);
    return {
      users: 333,
      changes: { Category_L3_ACC, CTCVR: { ...Category_L3_ACC, mean: 0, low: -0.01, high: 0.01 } },
    };
  };
  return [
    { stage: 'warmup', ctcvr: { low: 0.14, high: 0.158 }, from: null, changes: {} },
    {
      stage: 'sft',
      ctcvr: { low: 0.275, high: 0.303 },
      from: 'warmup',
      changes: change(0.202),
      slices: slices(0.2),
    },
    {
      stage: 'popo',
      ctcvr: { low: 0.32, high: 0.354 },
      from: 'sft',
      changes: change(0.025),
      slices: slices(0.025),
    },
  ];
}

/** Of the world of devices: what was met in training is answered better than what was not. */
function sliced<T extends MetricsRow>(told: T): T {
  const mean = (value: number) => ({ mean: value, low: value - 0.03, high: value + 0.03 });
  const kinds = { all: [1000, 1], seen: [352, 1.2], composed: [299, 1], cold: [349, 0.8] } as const;
  const slices = Object.entries(kinds).map(([name, [users, share]]) => ({
    name,
    users,
    metrics: { Category_L3_ACC: mean(told.Category_L3_ACC * share), CTCVR: mean(told.CTCVR * share) },
  }));
  return { ...told, slices };
}

/** Where fixed weights end, and what has a place of its own beside them, in (L3, CTCVR); the steeper half of them lies near the semantic end. */
const PLACES: Record<string, readonly [number, number]> = {
  orft: [0.71, 0.28],
  'fixed-0': [0.35, 0.5],
  'fixed-0.25': [0.53, 0.47],
  'fixed-0.5': [0.72, 0.32],
  'fixed-0.75': [0.74, 0.3],
  'fixed-1': [0.75, 0.29],
  popo: [0.7, 0.36],
  constraint: [0.6, 0.44],
};

function studyCells({ methods, seeds }: StudyRequest): Cell[] {
  return seeds.flatMap((seed) =>
    methods.map((method, index) => {
      const world = new Random(seed, 'fake study');
      const outcomes = Array.from({ length: 200 }, () => {
        const luck = world.uniform();
        const hit = (rate: number) => Number(luck < rate);
        const [l3, ctcvr] = PLACES[method] ?? [0.2 + 0.02 * index, 0.2 + 0.01 * index];
        return [0.5, 0.4, l3, 0.4, 0.5].map(hit).concat((luck - 0.5) * 0.4 + ctcvr);
      }).flat();
      const gauges = { frac_reward_zero_std: [0.3, 0.4] };
      return {
        method,
        seed,
        link: '#run=1',
        row: row('popo', 0.2, 0.2, 60),
        slices: { names: ['seen', 'composed', 'cold'], of: Array.from({ length: 200 }, (_, at) => at % 3) },
        gauges,
        outcomes,
        spent: { adapter: 'a card', seconds: 41, updates: 100, rollouts: 12_800 },
        // Below its level by .05, give or take .01.
        ...(method === 'constraint' && {
          held: {
            reward: 'semantic',
            level: 0.62,
            rewards: Array.from({ length: 20 }, (_, step) => 0.56 + 0.02 * (step % 2)),
          },
        }),
      } as unknown as Cell;
    }),
  );
}

function studyOf(cells: readonly Cell[], request?: StudyRequest): StudyResult {
  const asked = request?.methods.flatMap((method) => request.seeds.map((seed) => ({ method, seed }))) ?? [];
  return {
    plan: asked
      .filter(({ method, seed }) => !cells.some((cell) => cell.method === method && cell.seed === seed))
      .map((run, index) => ({ ...run, config: defaultConfig(), from: index === 0 ? 'data' : 'popo' })),
    cells: cells.map(({ method, seed, link }) => ({ method, seed, link })),
    tables: studyTables(cells),
  };
}

const AUC = { ctr: 0.702, cvr: 0.611, ctcvr: 0.704 };

function filterQuality(): FilterQuality {
  const judgement = {
    right: 0.44,
    precision: 0.61,
    recall: 0.69,
    kept_of_wrong: 0.35,
    auc: 0.68,
    auc_within: 0.87,
  };
  return { cots: 15_000, evidence: judgement, conclusion: { ...judgement, precision: 0.86 } };
}

function baselinesReport(): BaselinesReport {
  const lead = (over: string, metric: ModelLead['metric'], mean: number): ModelLead => ({
    over,
    metric,
    mean,
    low: mean - 0.03,
    high: mean + 0.03,
    p: 0.01,
    seeds: 1,
    users: 1000,
  });
  return {
    model: 'popo',
    rows: (['popularity', 'ease'] as const).map((name, index) => ({
      ...sliced(row(name, 0.1 + 0.25 * index, 0.2 + 0.05 * index, 1 + 60 * index)),
      'HR@10': 0.2 + 0.1 * index,
      'HR@50': 0.5,
      'NDCG@10': 0.1,
      setting: index === 0 ? null : 100,
    })),
    leads: [
      lead('popularity', 'Category_L3_ACC', 0.2),
      lead('ease', 'Category_L3_ACC', -0.05),
      lead('popularity', 'CTCVR', 0.137),
      lead('ease', 'CTCVR', 0.087),
    ],
    // What is known only by its text is where the model is ahead in both.
    slices: sliceNames.map((name) => ({
      name,
      users: 333,
      leads: [
        lead('popularity', 'Category_L3_ACC', 0.2),
        lead('ease', 'Category_L3_ACC', name === 'cold' ? 0.1 : -0.06),
        lead('popularity', 'CTCVR', 0.137),
        lead('ease', 'CTCVR', 0.087),
      ],
    })),
    notes: ['Left out, because evaluate.baselines is quick: SASRec, and content neighbours.'],
  };
}

function rankingReport(): RankingReport {
  const metrics = (gain: number) => ({
    auc: { ctr: 0.647 + gain / 2, cvr: 0.634 + gain / 2, ctcvr: 0.686 + gain },
    gauc: { ctr: 0.651 + gain / 2, ctcvr: 0.691 + gain },
    log_loss: { ctr: 0.63 - gain / 4, ctcvr: 0.396 - gain / 4 },
    'HR@10': 0.119 + gain,
    'NDCG@10': 0.057 + gain / 2,
    requests: 6306,
    impressions: 24_413,
  });
  const ends = (gain: number) => {
    const { auc, gauc, log_loss, 'HR@10': hit, 'NDCG@10': ndcg } = metrics(gain);
    const about = (value: number): [number, number] => [value - 0.009, value + 0.008];
    return {
      auc: { ctr: about(auc.ctr), cvr: about(auc.cvr), ctcvr: about(auc.ctcvr) },
      gauc: { ctr: about(gauc.ctr), ctcvr: about(gauc.ctcvr) },
      log_loss: { ctr: about(log_loss.ctr), ctcvr: about(log_loss.ctcvr) },
      'HR@10': about(hit),
      'NDCG@10': about(ndcg),
    };
  };
  const around = (mean: number, width: number) => ({ mean, low: mean - width, high: mean + width, p: 0.01 });
  const over = (mean: number) => ({ ctr: around(mean, 0.001), ctcvr: around(mean, 0.001) });
  const gains = [0, 0.0051, 0.0044, 0.0034, 0.0064, -0.0002];
  return {
    requests: { train: 6387, test: 6306 },
    users: { test: 2000, long_tail: 541 },
    short_behaviours: 3,
    crowd: 24.6,
    mean_cosine: 0.31,
    cross_over_answer: { all: over(-0.0017), long_tail: over(0.0001), short: over(0.003) },
    long_tail_behaviours: 4,
    quantisation_error: 0.099,
    similarity: 0.96,
    rankers: FEATURE_SETS.map((features, index) => {
      const gain = { ctr: around(gains[index] / 2, 0.0015), ctcvr: around(gains[index], 0.002) };
      const lift = { randomised: around(2 * gains[index], 0.2), paired: around(3 * gains[index], 0.015) };
      const lifts = { revenue: lift, value: lift };
      return {
        features,
        all: metrics(gains[index]),
        long_tail: metrics(1.2 * gains[index]),
        short: { ...metrics(1.4 * gains[index]), requests: 812 },
        intervals: {
          all: ends(gains[index]),
          long_tail: ends(1.2 * gains[index]),
          short: ends(1.4 * gains[index]),
        },
        gain: index === 0 ? null : { all: gain, long_tail: gain, short: gain },
        gauc_gain: index === 0 ? null : { all: gain, long_tail: gain, short: gain },
        lift: index === 0 ? null : { all: lifts, long_tail: lifts, short: lifts },
        slices: sliceNames.map((name) => ({
          name,
          requests: 2102,
          auc: { ctr: 0.64, ctcvr: 0.686 + gains[index] },
          ends: { ctr: [0.63, 0.65], ctcvr: [0.677 + gains[index], 0.694 + gains[index]] },
          gain: index === 0 ? null : gain,
        })),
      };
    }),
  };
}

/** How each reward's mean goes from the first step to the last. */
const COURSES: Record<RewardName, [from: number, to: number]> = {
  semantic: [0.46, 0.56],
  id: [0.29, 0.45],
  format: [0.7, 0.97],
  novelty: [0.62, 0.55],
};

function popoStep(step: number, { popo }: RunConfig): PopoStep {
  const t = Math.min(1, step / popo.steps);
  const { prompts_per_step: P, num_generations: G, weighting, rewards: names, reward_weights } = popo;
  const means = names.map((name) => COURSES[name][0] + (COURSES[name][1] - COURSES[name][0]) * t);
  const rewards = Array.from({ length: P }, () => {
    const group = names.map(() => noise(0.2));
    return Array.from({ length: G }, () => means.map((mean, k) => mean + group[k] + noise(0.1)));
  });
  const moved = reward_weights.map((weight, k) =>
    weighting === 'fixed' ? weight : weight * Math.exp((k === 0 ? -0.9 : 0.3 * k) * t + noise(0.02)),
  );
  const total = moved.reduce((sum, weight) => sum + weight, 0);
  const weightsBefore = moved.map((weight) => weight / total);
  const isMeasured = weighting === 'popo' || weighting === 'mgda';
  const cosines = isMeasured
    ? pairsOf(names.length).map(([i, j]) => 0.35 - 0.4 * t + 0.1 * (j - i) + noise(0.5))
    : null;
  const influence = isMeasured ? names.map((_, k) => 0.1 * (k + 1)) : null;
  const gradNorms = isMeasured ? names.map((_, k) => 0.8 + 0.3 * k + noise(0.3) - 0.2 * t) : null;
  // As if SFT had had what the course begins at.
  const isHeld = weighting === 'constraint';
  const level = isHeld ? popo.constraint_margin * COURSES[popo.constrained][0] : null;
  const options = policyOptions(popo, 0, level);
  const rule = ruleOf(weighting);
  const evidence = { weights: weightsBefore, rewards: rewards.flat(2), groupSize: G, gram: null, influence };
  const weights = nextWeights(rule, { ...options, ...evidence }, options.minWeight);
  const covariance = Array.from(rewardCovariance(evidence.rewards, G, names.length));
  const advantages = Array.from(
    computeAdvantages(evidence.rewards, {
      ...options,
      aggregation: aggregationOf(options),
      groupSize: G,
      weights,
    }),
  );
  return {
    step,
    sampleIds: Array.from({ length: P }, (_, p) => `x/${p}/3`),
    rewards,
    advantages: rewards.map((_, p) => advantages.slice(p * G, (p + 1) * G)),
    weightsBefore,
    weightsAfter: weights,
    influence,
    gradNorms,
    gradCosine: cosines?.[0] ?? null,
    gradCosines: cosines,
    covariance,
    covarianceWithSum: covarianceWith(covariance, weights),
    ...(level !== null && { level }),
    loss: 0.01,
    pull: weights.map((weight, k) => weight * (0.2 - 0.04 * k + noise(0.02))),
    grad_norm: 0.9,
    reward: 0.4,
    reward_std: 0.2,
    frac_reward_zero_std: 0.12 + 0.2 * t + Math.abs(noise(0.04)),
    kl: 0.18 * t + Math.abs(noise(0.02)),
    entropy: 1.2 - 0.5 * t + noise(0.04),
    clip_ratio: { low_mean: 0.01, high_mean: 0.02, region_mean: 0.03 },
    completions: {
      mean_length: 23,
      clipped_ratio: Math.abs(noise(0.02)),
      valid_rate: 0.98 + noise(0.01),
      duplicate_rate: 0.41 + 0.2 * t + noise(0.05),
    },
  };
}

const PROMPT = [
  'young parent, thrifty, likes home',
  'oak crib by Nordlo Baby Sleep Cribs',
  'soft night lamp by Halla Home Light Lamps',
  'muslin swaddle by Pimo Baby Sleep Swaddles',
  'steel kettle by Brava Kitchen Tea Kettles',
].join(' <sep> ');

const COMPLETIONS: Record<string, [string, string | null, number[]]> = {
  warmup: [
    '<answer> soft night lamp by Halla <sep> Home <sep> Light <sep> Lamps </answer>',
    'soft night lamp by Halla',
    [0.18, 0.31],
  ],
  sft: [
    '<think> saw cribs and swaddles, intend going out, need strollers </think><answer> compact stroller by Pimo <sep> Baby <sep> Out <sep> Strollers </answer>',
    'compact stroller by Pimo',
    [0.83, 0.27],
  ],
  popo: [
    '<think> saw cribs, intend going out, need strollers </think><answer> light stroller by Nordlo <sep> Baby <sep> Out <sep> Strollers </answer>',
    'light stroller by Nordlo',
    [1, 0.52],
  ],
};

/** The words of a prompt of a step; left out, of its third, or of its last where it has fewer. */
function groupWords({ step, rewards }: PopoStep, asked: number | null = null): GroupWords {
  const prompt = Math.min(asked ?? 2, rewards.length - 1);
  const told = [COMPLETIONS.sft, COMPLETIONS.popo, COMPLETIONS.warmup];
  return {
    step,
    prompt,
    text: asked === null ? PROMPT : `shopper ${prompt} <sep> ${PROMPT}`,
    answers: rewards[prompt].map((_, g) => {
      const [completion, item] = told[g % told.length];
      const pieces = completion.split(/(?= )/);
      const probabilities = pieces.map((_, at) => 1 / (1 + ((at * 7 + g * 3) % 11) / 2));
      // What was paid more than half becomes likelier.
      const after = probabilities.map((p) => p ** (rewards[prompt][g][0] > 0.45 ? 0.98 : 1.02));
      return { pieces, probabilities, after, item };
    }),
  };
}

function samples(stage: 'warmup' | 'sft' | 'popo', step: number, { popo }: RunConfig): Sample[] {
  const [completion, resolvedItem, two] = COMPLETIONS[stage];
  const rewards = popo.rewards.map((_, k) => two[k] ?? 0.8);
  return [0, 1, 2].map((user) => ({
    sampleId: `x/${user}/9`,
    stage,
    step,
    prompt: PROMPT,
    completion,
    resolvedItem: user === 2 && stage === 'warmup' ? null : resolvedItem,
    target: 'light stroller by Nordlo',
    rewards: user === 2 && stage === 'warmup' ? rewards.map(() => 0) : rewards,
  }));
}

function cotExamples(): CotExample[] {
  const texts = [
    'saw cribs, intend going out, need strollers',
    'saw swaddles, intend sleeping well, need mobiles',
    'saw kettles, intend hosting, need teapots',
    'saw lamps, intend reading, need kettles',
    'saw cribs, intend cooking, need lamps',
    'saw swaddles, intend hiking, need tents',
  ];
  return texts.map((cot, k) => ({
    sampleId: `x/${k}/4`,
    cot,
    ppl: k < 3 ? 1.2 + k * 0.4 : 9 + k * 6.3,
    kept: k < 3,
  }));
}

function teacherCounts(asked: number): TeacherCounts {
  const [malformed, contradicting] = [Math.floor(asked / 60), Math.floor(asked / 90)];
  const kept = asked - malformed - contradicting;
  return { wanted: 15000, kept, malformed, contradicting, missing: 0, cached: 120, retries: 2 };
}

function isMidway(event: RunEvent): event is Extract<RunEvent, { type: 'progress' }> {
  return event.type === 'progress' && event.step === Math.ceil(event.steps / 2);
}

/** As the run tells it (src/run/divergence.ts), of a loss that fell and then rose. */
function fakeDivergence(stage: StageName, step: number): Divergence {
  const values = Array.from({ length: step }, (_, index) =>
    index < step - 12 ? 2.4 - Math.min(1.2, index / 40) + noise(0.2) : 2 + (index - step + 12) ** 1.3 / 3,
  );
  return divergenceOf(stage, { loss: { values } }, new Set())!;
}

const asEvents = (some: Sample[]): RunEvent[] => some.map((sample) => ({ type: 'sample', sample }));

/** The held-out row after `step` updates. */
function curveRow(step: number, { popo }: RunConfig): MetricsRow {
  const t = step / popo.steps;
  return row('popo', 0.275 + 0.03 * t + noise(0.02), 0.289 + 0.05 * t + noise(0.01), 99 - 18 * t);
}

function* play(config: RunConfig, lookedAt: () => number | null = () => null): Generator<RunEvent> {
  const stage = (name: StageName, status: 'started' | 'finished', steps: number): RunEvent =>
    status === 'started'
      ? { type: 'stage', name, status, steps }
      : { type: 'stage', name, status, steps, seconds: 72 };
  const plain = function* (name: StageName, steps: number): Generator<RunEvent> {
    yield stage(name, 'started', steps);
    for (let step = 1; step <= steps; step++) {
      yield { type: 'progress', name, step, steps, secondsLeft: (steps - step) * 0.1 };
    }
    yield stage(name, 'finished', steps);
  };
  const supervised = function* (
    name: StageName,
    steps: number,
    from: number,
    to: number,
  ): Generator<RunEvent> {
    yield stage(name, 'started', steps);
    for (let step = 1; step <= steps; step++) {
      const loss = to + (from - to) * Math.exp((-5 * step) / steps) + noise(0.3);
      yield { type: 'loss', name, step, loss, gradNorm: 1, learningRate: 1e-3 };
      yield { type: 'progress', name, step, steps, secondsLeft: step < 5 ? null : (steps - step) * 0.05 };
    }
    yield stage(name, 'finished', steps);
  };
  yield* plain('data', 8);
  yield* plain('tokenizer', 10);
  yield* plain('ranker', 30);
  yield { type: 'ranker', auc: AUC };
  yield* plain('encoder', 20);
  yield* supervised('warmup', config.warmup.steps, 6.2, 1.9);
  yield { type: 'metrics', row: sliced(row('warmup', 0.073, 0.149, 66)), step: 0 };
  yield* asEvents(samples('warmup', config.warmup.steps, config));
  yield { type: 'checkpoint', stage: 'warmup', step: config.warmup.steps, stored: true };
  yield stage('rupr', 'started', 20);
  for (let step = 1; step <= 20; step++) {
    yield { type: 'progress', name: 'rupr', step, steps: 20, secondsLeft: (20 - step) * 3 };
    if (config.rupr.teacher !== 'attributes') yield { type: 'teacher', counts: teacherCounts(step * 40) };
  }
  yield stage('rupr', 'finished', 20);
  yield* plain('orft', 40);
  yield {
    type: 'cots',
    scored: 15000,
    kept: 7480,
    threshold: 4.6,
    quality: filterQuality(),
    ppl: Array.from({ length: 4000 }, () => Math.exp(1.5 + noise(1.6) + (random() < 0.4 ? 1.1 : -0.5))),
    examples: cotExamples(),
  };
  yield* supervised('sft', config.sft.steps, 2.4, 1.1);
  yield { type: 'metrics', row: sliced(row('sft', 0.275, 0.289, 99)), step: 0 };
  yield* asEvents(samples('sft', config.sft.steps, config));
  yield { type: 'checkpoint', stage: 'sft', step: config.sft.steps, stored: true };
  yield stage('popo', 'started', config.popo.steps);
  for (let step = 0; step < config.popo.steps; step++) {
    const taken = popoStep(step, config);
    yield { type: 'group', group: groupWords(taken, lookedAt()) };
    yield { type: 'popo', step: taken };
    yield {
      type: 'progress',
      name: 'popo',
      step: step + 1,
      steps: config.popo.steps,
      secondsLeft: (config.popo.steps - step) * 1.3,
    };
    if (step % 10 === 0) {
      yield { type: 'curve', row: curveRow(step, config), step };
      yield* asEvents(samples('popo', step, config));
    }
  }
  yield stage('popo', 'finished', config.popo.steps);
  yield* plain('evaluate', 20);
  yield { type: 'metrics', row: sliced(row('popo', 0.3, 0.337, 81)), step: config.popo.steps };
  yield { type: 'spreads', spreads: spreads() };
  yield { type: 'counting', row: sliced(row('counting', 0.21, 0.2, 58)) };
  yield* plain('baselines', 20);
  yield { type: 'baselines', baselines: baselinesReport() };
  yield* plain('features', 20);
  yield* plain('ranking', 20);
  yield { type: 'ranking', ranking: rankingReport() };
}

/** A finished run's report; its curve and samples are those of the config's steps. */
export function fakeReport(config: RunConfig, stages: StageReport[], steps: PopoStep[]): Report {
  const measured = steps.filter(({ step }) => step % 10 === 0);
  return {
    schema: 1,
    app: '0.1.0',
    kernels: 'fake',
    config,
    link: '#run=1&preset=tiny',
    device: {
      backend: 'webgpu',
      vendor: 'nvidia',
      architecture: 'ada-lovelace',
      description: '',
      limits: {},
    },
    dataset: {
      id: 'world',
      sha256: 'ab'.repeat(32),
      users: 6000,
      items: 384,
      interactions: 60000,
      notes: [],
    },
    stages,
    rupr: teacherCounts(15000),
    orft: { threshold: 4.6, scored: 15000, kept: 7480, quality: filterQuality(), examples: cotExamples() },
    ranker: { auc: AUC },
    popo: {
      rewardNames: config.popo.rewards,
      steps,
      curve: measured.map(({ step }) => ({ step, row: curveRow(step, config) })),
    },
    counting: sliced(row('counting', 0.21, 0.2, 58)),
    baselines: baselinesReport(),
    table: [row('warmup', 0.073, 0.149, 66), row('sft', 0.275, 0.289, 99), row('popo', 0.3, 0.337, 81)].map(
      sliced,
    ),
    spreads: spreads(),
    ranking: rankingReport(),
    samples: (['warmup', 'sft', 'popo'] as const).flatMap((stage) => samples(stage, 100, config)),
    fingerprint: { inputs: 'aa'.repeat(16), exact: 'bb'.repeat(16), blocks: [], close: [1, 2] },
    timings: {},
    memory: { bytesPlanned: 0, bytesAllocated: 0 },
  };
}

/** Alignment of `count` steps, as a report keeps it. */
export function fakePopoSteps(config: RunConfig, count: number): PopoStep[] {
  return Array.from({ length: count }, (_, step) => popoStep(step, config));
}

/** As many finished runs more, each of a seed of its own. */
function moreRuns(config: RunConfig, count = 0): SavedRun[] {
  return Array.from({ length: count }, (_, k) => ({
    id: `more${k}`,
    config: { ...config, seed: 20 + k },
    stage: 'evaluate',
    step: 1,
    savedAt: Date.now() - 100_000_000 * (k + 1),
    finished: true,
    earlier: null,
    isElsewhere: false,
  }));
}

const seedOf = (id: string) => (id.startsWith('more') ? 20 + Number(id.slice(4)) : 7);

export function fakeServices(options: FakeOptions): Services {
  const device: DeviceInfo = {
    backend: options.backend,
    vendor: options.backend === 'cpu' ? '' : 'nvidia',
    architecture: options.backend === 'cpu' ? '' : 'ada-lovelace',
    description: '',
    limits: options.backend === 'cpu' ? {} : { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 31 },
  };
  let paused = false;
  let stopped = false;
  let change: (edits: readonly FieldEdit[]) => void = () => {};
  let answer: ((choice: DivergenceChoice) => void) | null = null;
  /** Where it rests once it comes there. */
  let goal: { stage: StageName; step: number; done(): void } | null = null;
  let lookedAt: number | null = null;
  /** What was said in alignment, of the run that is on or was last, or that was opened last and has its words. */
  const said = new Map<number, PopoStep>();
  let saidBy = '';
  const place = { stage: 'data' as StageName, step: 0 };
  const isAtGoal = () => {
    if (goal === null || place.stage !== goal.stage || place.step < goal.step) return false;
    paused = true;
    goal.done();
    goal = null;
    return true;
  };
  /** A measurement that somebody asked for is on. */
  let isMeasured = false;
  const studied: Cell[] = [];
  const deleted = new Set<string>();
  const notes = new Map<string, RunNote>();
  /** Runs that were paused, as they are kept; the newest last. */
  const rested = new Map<string, SavedRun>();
  /** Keeps the run that is on where it is. */
  let keepRested = () => {};
  /** A run that was stopped because it ran away. */
  let left: SavedRun | null = null;
  const trainer: TrainerApi = {
    async describeDevice() {
      await new Promise((resolve) => setTimeout(resolve, options.look ?? 0));
      return {
        device,
        warning:
          options.backend === 'cpu'
            ? 'This browser offers no WebGPU adapter, so training runs on the CPU in TensorFlow.js, many times slower than in a browser with WebGPU.'
            : null,
      };
    },
    // That of a laptop’s GPU.
    measure: async () => ({ operations: 2e11, dispatch: 1e-5, wait: 5e-4, processor: 1e9 }),
    async measureWhole(onPart) {
      isMeasured = true;
      for (const part of ['products', 'tiny', 'small'] as const) {
        onPart(part);
        for (let i = 0; i < 10 && isMeasured; i++) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (!isMeasured) return null;
      isMeasured = false;
      return MEASURED;
    },
    async endMeasuring() {
      isMeasured = false;
    },
    async start(wanted, from, onEvent, { changes: told = [], id = 'new' } = {}) {
      left = null;
      stopped = false;
      paused = false;
      const config = structuredClone(wanted);
      let changes = [...told];
      let upcoming = 0;
      change = (edits) => {
        changes = withEdits({ config: wanted, changes }, { stage: 'popo', step: upcoming }, edits);
        for (const { field, to } of edits) setLeaf(config, field, to);
        onEvent({ type: 'changes', changes });
        // At rest it is kept.
        if (rested.has(own)) keepRested();
      };
      onEvent({ type: 'device', device });
      const stages: StageReport[] = [];
      const steps: PopoStep[] = [];
      let loss: number[] = [];
      let credit = 0;
      let asked = from?.choice === undefined ? 0 : 1;
      const own = from?.id ?? id;
      Object.assign(place, { stage: 'data', step: 0 });
      const goneTo = rested.get(own);
      let isThere = goneTo === undefined;
      if (goneTo?.changes?.length) {
        changes = [...goneTo.changes];
        onEvent({ type: 'changes', changes });
      }
      keepRested = () => {
        const savedAt = Date.now();
        const run = { id: own, config: wanted, ...place, savedAt, finished: false };
        rested.set(own, { ...run, changes: [...changes], earlier: null, isElsewhere: false });
        onEvent({ type: 'checkpoint', ...place, stored: true });
      };
      for (const event of play(config, () => lookedAt)) {
        onEvent(event);
        if (event.type === 'popo') {
          upcoming = event.step.step + 1;
          said.set(event.step.step, event.step);
          saidBy = own;
        }
        if (event.type === 'progress') Object.assign(place, { stage: event.name, step: event.step });
        // What it told before it was left is told at once.
        isThere ||= place.stage === goneTo?.stage && place.step >= goneTo.step;
        if (!isThere) continue;
        if (isAtGoal()) credit = Number.POSITIVE_INFINITY;
        if (event.type === 'popo') steps.push(event.step);
        if (event.type === 'loss') loss.push(event.loss);
        if (event.type === 'stage' && event.status === 'finished') {
          stages.push({
            name: event.name,
            seconds: event.steps * 0.07,
            steps: event.steps,
            loss,
            heldOutLoss: [],
          });
          loss = [];
        }
        if (event.type === 'stage' && event.name === options.failAt) {
          throw new Error('The GPU device was lost (driver reset) and a new one could not be had.');
        }
        if (asked === 0 && isMidway(event) && event.name === options.divergeAt) {
          asked++;
          const found = fakeDivergence(event.name, event.step);
          onEvent({ type: 'divergence', found, decided: null });
          const choice = await new Promise<DivergenceChoice>((resolve) => {
            answer = resolve;
          });
          onEvent({ type: 'divergence', found, decided: { ...found, choice, backTo: null } });
          if (choice === 'stop') {
            const { name: stage, step } = event;
            const place = { stage, step, savedAt: Date.now(), finished: false, stopped: found };
            left = { id: 'left', config, ...place, earlier: null, isElsewhere: false };
            return null;
          }
        }
        if (isMidway(event) && event.name === options.restAt) {
          paused = true;
          credit = Number.POSITIVE_INFINITY;
        }
        credit += event.type === 'popo' ? 4 : 1;
        // What is no step comes by itself on any device.
        if (credit >= options.speed * 8 || !STEPPED.includes(event.type)) {
          credit = 0;
          await new Promise((resolve) => setTimeout(resolve, 16));
          while (paused && !stopped) await new Promise((resolve) => setTimeout(resolve, 20));
          if (stopped) return null;
        }
      }
      return fakeReport(config, stages, steps);
    },
    async decide(choice) {
      answer?.(choice);
    },
    async change(edits) {
      const refused = edits.find(({ field }) => options.refuse?.includes(field));
      if (refused !== undefined) throw new Error(`${refused.field} must stay as it is`);
      change(edits);
    },
    async fork(from, id) {
      const first = [...rested.values()].at(-1);
      if (typeof from !== 'string') {
        const run = rested.get(id ?? '')!;
        const changes = run.changes!.slice(
          0,
          run.changes!.findIndex(({ step, field }) => step === from.step && field === from.field),
        );
        const begun = options.pointless ? 0 : from.step;
        rested.set('undone', {
          ...run,
          id: 'undone',
          step: begun,
          changes,
          fork: { of: run.id, stage: from.stage, step: from.step },
        });
        return { id: 'undone', generation: 'newest' };
      }
      document.documentElement.dataset.forked = `${from} ${id}`;
      if (from === 'here' && first !== undefined) {
        const { id: of, step } = first;
        rested.set('second', { ...first, id: 'second', fork: { of, stage: 'popo', step } });
        return { id: 'second', generation: 'newest' };
      }
      return { id: 'a', generation: 'newest' };
    },
    async study(request, onEvent) {
      stopped = false;
      for (const cell of studyCells(request)) {
        onEvent({ type: 'cell', event: { ...cell, status: 'started', from: null } });
        for (let step = 0; step <= 20 && !stopped; step++) {
          onEvent({
            type: 'run',
            event: { type: 'progress', name: 'sft', step, steps: 20, secondsLeft: null },
          });
          await new Promise((resolve) => setTimeout(resolve, 1600 / (options.speed * 20)));
          while (paused && !stopped) await new Promise((resolve) => setTimeout(resolve, 20));
        }
        if (stopped) return 0;
        studied.push(cell);
        onEvent({ type: 'cell', event: { method: cell.method, seed: cell.seed, status: 'finished' } });
        onEvent({ type: 'result', result: studyOf(studied, request) });
      }
      return 0;
    },
    studyResult: async (request) => studyOf(studied, request),
    exportStudy: async () => [],
    async deleteStudies() {
      studied.length = 0;
    },
    async pause() {
      paused = true;
      if (options.saved) keepRested();
    },
    async group(id, step, prompt) {
      const taken = id === saidBy ? said.get(step) : undefined;
      if (taken === undefined) return null;
      const words = groupWords(taken, prompt);
      return { ...words, answers: words.answers.map(({ after: _, ...answer }) => answer) };
    },
    async lookAt(prompt) {
      lookedAt = prompt;
    },
    pauseAt: ({ stage, step }) =>
      new Promise((done) => {
        goal = { stage, step, done };
        isAtGoal();
      }),
    async resume() {
      paused = false;
    },
    async step() {},
    async keep() {},
    async stop() {
      if (options.deaf) await new Promise((resolve) => setTimeout(resolve, 4000));
      stopped = true;
    },
    async savedRuns() {
      if (!options.saved) return left === null ? [] : [left];
      const config = defaultConfig();
      const alone = { earlier: null, isElsewhere: false };
      const runs: SavedRun[] = [
        {
          id: 'a',
          config,
          stage: 'popo',
          step: 62,
          savedAt: Date.now() - 400_000,
          finished: false,
          ...alone,
        },
        {
          id: 'b',
          config: { ...config, seed: 7 },
          stage: 'evaluate',
          step: 1,
          savedAt: Date.now() - 90_000_000,
          finished: true,
          result: {
            stage: 'popo',
            users: 1000,
            l3: 0.3,
            ctcvr: 0.337,
            ctcvrInterval: { low: 0.321, high: 0.353 },
          },
          bytes: 12_300_000,
          ...alone,
        },
        ...moreRuns(config, options.more),
        ...(left === null || rested.has(left.id) ? [] : [left]),
        ...rested.values(),
      ];
      return runs
        .filter(({ id }) => !deleted.has(id))
        .map((run) => ({ ...run, note: notes.get(run.id) ?? run.note }));
    },
    async noteRun(id, note) {
      notes.set(id, note);
    },
    async pairRuns(base, others) {
      const of = (mean: number) => ({
        mean,
        low: mean - 0.01,
        high: mean + 0.01,
        p: 0.02,
        seeds: 1,
        users: 1000,
      });
      return others.map((id) =>
        seedOf(id) === seedOf(base)
          ? {
              changes: { Category_L3_ACC: of(0.024), CTCVR: of(-0.004) },
              why: null,
              slices: sliceNames.map((name) => ({
                name,
                users: 333,
                changes: { Category_L3_ACC: of(name === 'cold' ? 0.06 : 0), CTCVR: of(0) },
              })),
            }
          : { changes: null, why: 'Another seed, so other users.' },
      );
    },
    async openRun(id, isShown = true) {
      const config = { ...defaultConfig(), seed: seedOf(id) };
      const report = fakeReport(config, [], fakePopoSteps(config, config.popo.steps));
      const events = [...play(config)];
      // The others came from files.
      if (isShown && id === 'b') {
        saidBy = id;
        for (const event of events) if (event.type === 'popo') said.set(event.step.step, event.step);
      }
      // What is told as it is said is in no report.
      return { report, events: events.filter(({ type }) => type !== 'group') };
    },
    async deleteRun(id) {
      deleted.add(id);
    },
    async exportModel() {
      return [{ name: 'config.json', bytes: new TextEncoder().encode('{}') }];
    },
    async exportCots() {
      return { name: 'cots.jsonl', bytes: new TextEncoder().encode('{}\n') };
    },
    async exportRun() {
      return { name: 'run.zip', bytes: new Uint8Array() };
    },
    async importRun(file) {
      if (file.name.startsWith('bad'))
        throw new Error('This run.zip is damaged: its part “moment2” is not what was written.');
      const [starter] = STARTERS;
      if (file.size === starter.bytes) {
        // The file that lies beside the page.
        const { config } = parseLink(starter.link);
        const where = { stage: 'popo', step: 0, savedAt: Date.now(), finished: false };
        left = { id: 'c', config, ...where, earlier: null, isElsewhere: false };
      }
      return { id: 'c', message: 'The run of tiny, seed 3, finished, is kept here now: open it below.' };
    },
    async continueElsewhere(to) {
      return { name: `continue-on-${to}.zip`, bytes: new Uint8Array(22) };
    },
    ask: async (request) => fakeAnswer(request),
    askable: async (id) => fakeAskable(id),
    async loseDevice() {},
  };
  const importer = fakeImporter(options.saved, deleted);
  return {
    trainer: () => trainer,
    importer: () => importer,
    discardTrainer() {},
    discardImporter() {},
    tabs: { onRuns() {}, runIsFree: () => new Promise(() => {}) },
    disk: {
      room: async () => ({ used: 48_200_000, quota: 10_700_000_000, isPersistent: false }),
      async persist() {},
    },
  };
}
