/** What a run tells while it goes (events) and when it ends (the report, `report.json`, schema 1). */
import type { BaselinesReport } from '../evaluate/baselines/report';
import type { AnswersRow, MetricsRow } from '../evaluate/metrics';
import type { RankingReport } from '../evaluate/ranking';
import type { RowSpread } from '../evaluate/rowSpread';
import type { Compiling } from '../gpu/device';
import type { PopoStep } from '../popo/trainer';
import type { EndpointNews, TeacherCounts } from '../sft/cot';
import type { FilterQuality } from '../sft/filterQuality';
import type { CotExample } from '../sft/orft';
import type { RunChange } from './changes';
import type { RunConfig } from './config';
import type { DecidedDivergence, Divergence } from './divergence';
import { STAGE_NAMES, type StageName } from './stageNames';

export type { PopoStep, StageName };
export { STAGE_NAMES };

export type NoticeLevel = 'info' | 'warning' | 'error';

export interface DeviceInfo {
  backend: 'webgpu' | 'wasm' | 'cpu' | 'tfjs-webgpu';
  vendor: string;
  architecture: string;
  description: string;
  limits: Record<string, number>;
  /** How products were shared out here, where that was found out by time; no bit depends on it (gpu/tuner.ts). */
  products?: Record<string, string>;
}

/** By which two devices are told apart. */
export function deviceKey({ backend, vendor, architecture, description }: DeviceInfo): string {
  return [backend, vendor, architecture, description].join(' ');
}

export interface StageReport {
  name: StageName;
  seconds: number;
  steps: number;
  /** Training loss per step; empty for stages without one. */
  loss: number[];
  /**
   * Held-out −log P per token of the true answer before and after a supervised stage, asked the way the stage trains: after
   * the prompt in warm-up; in SFT after the prompt and the told embedded teacher's best CoT, where that concludes rightly, as those
   * do that ORFT is to keep. Validation users; empty for other stages.
   */
  heldOutLoss: number[];
  /** Of each step that has a loss, before clipping; reports of older versions lack it, and it is empty for POPO, whose steps have it. */
  gradNorm?: number[];
}

export interface Sample {
  sampleId: string;
  stage: StageName;
  step: number;
  prompt: string;
  completion: string;
  /** Title of the catalogue item the answer resolves to, or null. */
  resolvedItem: string | null;
  /** Title of the true next item. */
  target: string;
  rewards: number[];
}

/** Rolling hashes of one stage: `hashes[i]` covers its steps 0 to `(i + 1)·every` (the last one, all). */
export interface FingerprintBlocks {
  stage: StageName;
  every: number;
  /** Six hex digits each. */
  hashes: string[];
}

/** A row of the model at weights of the run's rewards, [K]. */
export interface FrontRow {
  weights: number[];
  row: MetricsRow;
}

/** See fingerprint.ts for what each part hashes and how two are compared. */
export interface Fingerprint {
  /** Of all that determines a run: resolved config, data, versions of app and kernels. 32 hex digits. */
  inputs: string;
  /** Of the bits of every loss, POPO step and table row. 32 hex digits. */
  exact: string;
  /** To name the first step that differs; in the order the stages ran. */
  blocks: FingerprintBlocks[];
  /** Rounded samples of losses and metrics, to compare across adapters whose bits differ. */
  close: number[];
}

export interface Report {
  schema: 1;
  app: string;
  kernels: string;
  config: RunConfig;
  link: string;
  device: DeviceInfo;
  dataset: {
    id: string;
    sha256: string;
    users: number;
    items: number;
    interactions: number;
    notes: string[];
  };
  stages: StageReport[];
  /** What became of the CoTs that the teacher was to give. */
  rupr: TeacherCounts;
  orft: {
    threshold: number;
    scored: number;
    kept: number;
    /** Whether the kept reasoning is sound; null where the data does not know. */
    quality: FilterQuality | null;
    examples: CotExample[];
  };
  /** On held-out impressions; 0.5 also where there are none of one kind. */
  ranker: { auc: { ctr: number; cvr: number; ctcvr: number } };
  /** What was changed while the run went on; the config is that of its beginning. Older reports lack it. */
  changes?: RunChange[];
  /** Where training ran away, and what was decided then. Older reports lack it. */
  divergences?: DecidedDivergence[];
  popo: {
    rewardNames: string[];
    steps: PopoStep[];
    /** Held-out validation rows while POPO trains: after `step` updates. */
    curve: { step: number; row: MetricsRow }[];
    /** After how many steps the model stood that is handed over, where `popo.keep` is `best`. */
    best?: { step: number; score: number };
  };
  table: MetricsRow[];
  /**
   * Of one run whose model is composed of ends (`popo.weighting: conditioned`): test users at several weights of its rewards. Left out by
   * other runs.
   */
  front?: FrontRow[];
  /**
   * For comparison: what counting comes to, without a model. The embedded teacher, not told the item, concludes a need from the newest
   * behaviour, and the item of that need that is bought most often is shown. Older reports lack it.
   */
  counting?: AnswersRow;
  /** Intervals of the table's rows, and of what changed from each to the next. In no fingerprint. Older reports lack it. */
  spreads?: RowSpread[];
  /** Recommenders without language on the same users. In no fingerprint. Older reports lack it. */
  baselines?: BaselinesReport;
  /** What the model's reasoning is worth to a ranker; null where `ranking.users` is 0 or there are no requests. */
  ranking: RankingReport | null;
  samples: Sample[];
  fingerprint: Fingerprint;
  /** Seconds by part, e.g. `total`, `rollout`, `update`. */
  timings: Record<string, number>;
  memory: { bytesPlanned: number; bytesAllocated: number };
}

/** One group of a step of alignment in words. In no report and no checkpoint: whoever watches may keep some. */
export interface GroupWords {
  step: number;
  /** Which of the step's prompts, counted from 0. */
  prompt: number;
  text: string;
  /** [G] */
  answers: {
    /** Its tokens as text, in order; those that begin a word begin with a space. */
    pieces: string[];
    /** P of each when it was sampled, by the model before the temperature. */
    probabilities: number[];
    /** P of each once the step had changed the model; absent where it was not measured. */
    after?: number[];
    /** Title of the item that it names; null where it names none, and earns nothing. */
    item: string | null;
  }[];
}

export type RunEvent =
  | { type: 'stage'; name: StageName; status: 'started' | 'resumed'; steps: number }
  /** `seconds` it took, those of earlier sessions included. */
  | { type: 'stage'; name: StageName; status: 'finished'; steps: number; seconds: number }
  /** `secondsLeft` is this stage's; null while unknown. */
  | { type: 'progress'; name: StageName; step: number; steps: number; secondsLeft: number | null }
  | { type: 'loss'; name: StageName; step: number; loss: number; gradNorm: number; learningRate: number }
  | { type: 'ranker'; auc: Report['ranker']['auc'] }
  | { type: 'teacher'; counts: TeacherCounts }
  | Extract<EndpointNews, { type: 'asked' }>
  | ({ type: 'cots'; ppl: number[] } & Report['orft'])
  | { type: 'popo'; step: PopoStep }
  /** Comes just before its step. */
  | { type: 'group'; group: GroupWords }
  | { type: 'sample'; sample: Sample }
  /** A row of the stage table, from test users. */
  | { type: 'metrics'; row: MetricsRow; step: number }
  /** A point of the held-out curve after `step` updates of the policy, from validation users. */
  | { type: 'curve'; row: MetricsRow; step: number }
  /** All mixtures of the model's ends that are judged by now, on test users. */
  | { type: 'front'; front: FrontRow[] }
  /** The row of counting, which no stage trains. */
  | { type: 'counting'; row: AnswersRow }
  /** Of all rows of the stage table that there are by now. */
  | { type: 'spreads'; spreads: RowSpread[] }
  | { type: 'baselines'; baselines: BaselinesReport }
  | { type: 'ranking'; ranking: RankingReport }
  | { type: 'checkpoint'; stage: StageName; step: number; stored: boolean }
  /** Training runs away; `decided` is null while somebody is asked what to do. */
  | { type: 'divergence'; found: Divergence; decided: DecidedDivergence | null }
  /** All that was changed while the run goes on, and what its link says is to be changed yet. */
  | { type: 'changes'; changes: readonly RunChange[] }
  /** The run goes on from an earlier checkpoint, under changes: what was told since it began is void, and what was before is told anew. */
  | { type: 'again' }
  | { type: 'device'; device: DeviceInfo }
  /** Of the pipelines that were asked for so far on the run's device, so many are built. */
  | ({ type: 'compiling' } & Compiling)
  /** The model has its shape: `parameters` trainable weights. */
  | { type: 'model'; parameters: number }
  /** Something a person must know: what happened, what was kept, what to do. It takes the place of one about the same thing. */
  | { type: 'notice'; level: NoticeLevel; message: string; about?: 'keeping' };
