/**
 * What a run has told so far, as signals and chart columns. The worker's events wait in a queue and are taken in once per
 * frame, for a few milliseconds at most, so that however fast a device trains, the page stays smooth.
 */
import { batch, computed, signal } from '@preact/signals';
import type { BaselinesReport } from '../../evaluate/baselines/report';
import type { AnswersRow, MetricsRow } from '../../evaluate/metrics';
import type { RankingReport } from '../../evaluate/ranking';
import type { RowSpread } from '../../evaluate/rowSpread';
import type { Compiling } from '../../gpu/device';
import { pairName, REWARDS, type RewardName } from '../../popo/rewards';
import { pairsOf } from '../../popo/weighting';
import type { RunChange } from '../../run/changes';
import type { ConfigPath } from '../../run/config';
import {
  type DeviceInfo,
  type FrontRow,
  type NoticeLevel,
  type Report,
  type RunEvent,
  type Sample,
  STAGE_NAMES,
  type StageName,
} from '../../run/report';
import type { TeacherCounts } from '../../sft/cot';
import { AlignmentRecord } from './alignmentRecord';
import { Columns, type RunColumns } from './columns';

export interface StageState {
  name: StageName;
  status: 'waiting' | 'running' | 'done';
  step: number;
  steps: number;
  secondsLeft: number | null;
  /** Steps of it were timed while it was on show: what it took is what it takes here, and now. */
  isTimed: boolean;
  seconds: number | null;
}

export type Cots = Report['orft'] & { ppl: number[] };

/** Milliseconds a frame may spend on events; the rest waits for the next frame. */
const FRAME_BUDGET = 6;
/** Milliseconds between redraws of the charts. */
const CHART_INTERVAL = 120;

/** Whose losses are the language model's, and so may share an axis. */
const LANGUAGE_STAGES: readonly StageName[] = ['warmup', 'orft', 'sft'];

/** Of every two rewards, so that runs of different rewards name alike what they have in common. */
const PAIRS = pairsOf(REWARDS.length).map(([i, j]) => pairName(REWARDS[i], REWARDS[j]));

export type RunView = ReturnType<typeof createRunView>;

/**
 * @param frame asks for a call at the next frame
 * @param clock milliseconds, only ever used for differences
 * @param rewardNames the rewards of the run that is shown
 * @param say where notices go
 */
export function createRunView(
  frame: (callback: () => void) => void,
  clock: () => number,
  rewardNames: () => readonly RewardName[],
  say: (level: NoticeLevel, message: string, about?: 'keeping') => void,
) {
  const stages = signal<StageState[]>(freshStages());
  const device = signal<DeviceInfo | null>(null);
  /** While pipelines are being built: how many are, of those asked for. */
  const compiling = signal<Compiling | null>(null);
  /** Weights of the run's model, once its tokenizer has said how many tokens there are. */
  const parameters = signal<number | null>(null);
  /** Of the judge behind the ID reward, on held-out impressions. */
  const rankerAuc = signal<Report['ranker']['auc'] | null>(null);
  const samples = signal<Sample[]>([]);
  const cots = signal<Cots | null>(null);
  /** What became of the CoTs that the teacher was to give. */
  const teacher = signal<TeacherCounts | null>(null);
  /** Rows of the stage table: one per stage, test users. */
  const table = signal<MetricsRow[]>([]);
  /** Intervals of those rows, and of what changed from each to the next. */
  const spreads = signal<readonly RowSpread[]>([]);
  /** Of a run whose model is composed of ends: mixtures of them, on the same users. */
  const front = signal<readonly FrontRow[]>([]);
  /** What counting comes to on the same users, once the run is done. */
  const counting = signal<AnswersRow | null>(null);
  /** Recommenders without language on the same users. */
  const baselines = signal<BaselinesReport | null>(null);
  /** What the model's features did to a ranker, once that is known. */
  const ranking = signal<RankingReport | null>(null);
  /** The last checkpoint: where the run can be taken up again. */
  const checkpoint = signal<{ stage: StageName; step: number; stored: boolean } | null>(null);
  /** All that is changed while the run goes on, what is to come included. */
  const changes = signal<readonly RunChange[]>([]);
  /** Where what aligns was changed, on the axis of its steps, and which fields; what happened at one step stands together. */
  const changeMarks = computed(() => {
    const marks = new Map<number, ConfigPath[]>();
    for (const { stage, step, field } of changes.value)
      if (stage === 'popo') marks.set(step, [...(marks.get(step) ?? []), field]);
    return [...marks].map(([step, fields]) => ({ x: step + 1, fields }));
  });
  /** Rises when charts should redraw. */
  const tick = signal(0);
  /** The POPO step under the pointer, counted from 1 as charts have it, shared by all of them. */
  const hovered = signal<number | null>(null);
  const loss = new Columns(['loss']);
  const popo = new Columns([
    ...REWARDS.map((name) => `r_${name}` as const),
    ...REWARDS.map((name) => `w_${name}` as const),
    ...REWARDS.map((name) => `g_${name}` as const),
    ...REWARDS.map((name) => `pull_${name}` as const),
    ...PAIRS.map((pair) => `cosine_${pair}`),
    ...REWARDS.map((name) => `gain_${name}` as const),
    ...PAIRS.map((pair) => `covariance_${pair}`),
    'level',
    'zero_std',
    'kl',
    'entropy',
    'valid',
    'clipped',
    'duplicates',
  ]);
  const heldout = new Columns(['l1', 'l3', 'hr50', 'ctcvr', 'distinct', 'popularity']);
  /** Every step of alignment in full, for whoever looks at one. */
  const alignment = new AlignmentRecord();
  /** Where each stage's first step is on the loss chart's axis. */
  const lossMarks = signal<{ x: number; label: StageName }[]>([]);

  // Judges may go on beside it.
  const currentStage = computed(() => stages.value.findLast((stage) => stage.status === 'running') ?? null);

  let queue: RunEvent[] = [];
  let scheduled = false;
  let drawn = Number.NEGATIVE_INFINITY;

  function clear(): void {
    queue = [];
    batch(() => {
      forget();
      parameters.value = null;
      compiling.value = null;
    });
  }

  /** All that was told of the run's course. */
  function forget(): void {
    batch(() => {
      stages.value = freshStages();
      rankerAuc.value = null;
      samples.value = [];
      cots.value = null;
      teacher.value = null;
      table.value = [];
      spreads.value = [];
      front.value = [];
      counting.value = null;
      baselines.value = null;
      ranking.value = null;
      checkpoint.value = null;
      changes.value = [];
      lossMarks.value = [];
      hovered.value = null;
      for (const columns of [loss, popo, heldout]) columns.clear();
      alignment.clear();
      tick.value++;
    });
  }

  /** What charts draw of it by now. */
  function copy(): RunColumns {
    return { loss: loss.copy(), popo: popo.copy(), heldout: heldout.copy() };
  }

  /** Events in the place of all that was told, at once: nobody sees them half told. */
  function retell(events: readonly RunEvent[]): void {
    queue = [];
    batch(() => {
      forget();
      for (const event of events) take(event);
    });
  }

  function receive(event: RunEvent): void {
    queue.push(event);
    schedule();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    frame(flush);
  }

  function flush(): void {
    scheduled = false;
    const until = clock() + FRAME_BUDGET;
    let taken = 0;
    batch(() => {
      while (taken < queue.length && (taken % 16 !== 15 || clock() < until)) take(queue[taken++]);
    });
    queue = taken === queue.length ? [] : queue.slice(taken);
    if (clock() - drawn >= CHART_INTERVAL) {
      drawn = clock();
      tick.value++;
    } else if (queue.length === 0) {
      // The last events before a quiet spell must reach the charts too.
      schedule();
    }
    if (queue.length > 0) schedule();
  }

  function patchStage(name: StageName, patch: Partial<StageState>): void {
    stages.value = stages.value.map((stage) => (stage.name === name ? { ...stage, ...patch } : stage));
  }

  function take(event: RunEvent): void {
    switch (event.type) {
      case 'stage':
        if (event.status === 'finished') {
          patchStage(event.name, {
            status: 'done',
            step: event.steps,
            steps: event.steps,
            secondsLeft: null,
            seconds: event.seconds,
          });
        } else {
          patchStage(event.name, { status: 'running', steps: event.steps, seconds: null });
        }
        break;
      case 'progress':
        patchStage(event.name, {
          status: 'running',
          step: event.step,
          steps: event.steps,
          secondsLeft: event.secondsLeft,
          ...(event.secondsLeft === null ? {} : { isTimed: true }),
        });
        break;
      case 'loss': {
        if (!LANGUAGE_STAGES.includes(event.name)) break;
        const marks = lossMarks.value;
        let mark = marks.find(({ label }) => label === event.name);
        if (mark === undefined) {
          const xs = loss.xs();
          mark = { x: loss.length === 0 ? 1 : xs[loss.length - 1] + 1 - event.step, label: event.name };
          lossMarks.value = [...marks, mark];
        }
        loss.push(mark.x + event.step, [event.loss]);
        break;
      }
      case 'ranker':
        rankerAuc.value = event.auc;
        break;
      case 'teacher':
        teacher.value = event.counts;
        break;
      case 'cots':
        cots.value = event;
        break;
      case 'popo': {
        const { step } = event;
        alignment.push(step);
        const names = rewardNames();
        const pairs = pairsOf(names.length);
        const covariances = pairs.map(([i, j]) => step.covariance?.[i * names.length + j]);
        const pulls = step.pull.reduce((sum, value) => sum + value, 0);
        const byName = (values: number[] | null) =>
          REWARDS.map((name) => values?.[names.indexOf(name)] ?? Number.NaN);
        const pairNames = pairs.map(([i, j]) => pairName(names[i], names[j]));
        const byPair = (values: readonly (number | null | undefined)[]) =>
          PAIRS.map((pair) => values[pairNames.indexOf(pair)] ?? Number.NaN);
        // Whoever reads counts steps from 1: at x stands what the x-th step saw, and held-out users as they are after it.
        popo.push(step.step + 1, [
          ...byName(rewardMeans(step.rewards)),
          ...byName(step.weightsAfter),
          ...byName(step.gradNorms),
          ...byName(pulls > 0 ? step.pull.map((value) => value / pulls) : null),
          ...byPair(step.gradCosines ?? [step.gradCosine]),
          ...byName(step.covarianceWithSum ?? null),
          ...byPair(covariances),
          step.level ?? Number.NaN,
          step.frac_reward_zero_std,
          step.kl,
          step.entropy,
          step.completions.valid_rate,
          step.completions.clipped_ratio,
          step.completions.duplicate_rate,
        ]);
        break;
      }
      case 'group':
        alignment.keep(event.group);
        break;
      case 'sample':
        samples.value = mergeSample(samples.value, event.sample);
        break;
      case 'metrics':
        table.value = [...table.value.filter(({ stage }) => stage !== event.row.stage), event.row];
        break;
      case 'curve':
        pushHeldOut(event.step, event.row);
        break;
      case 'spreads':
        spreads.value = event.spreads;
        break;
      case 'front':
        front.value = event.front;
        break;
      case 'counting':
        counting.value = event.row;
        break;
      case 'baselines':
        baselines.value = event.baselines;
        break;
      case 'ranking':
        ranking.value = event.ranking;
        break;
      case 'checkpoint':
        checkpoint.value = { stage: event.stage, step: event.step, stored: event.stored };
        break;
      case 'changes':
        changes.value = event.changes;
        break;
      case 'again':
        forget();
        break;
      case 'device':
        device.value = event.device;
        compiling.value = null;
        break;
      case 'compiling':
        compiling.value = event.built < event.asked ? event : null;
        break;
      case 'model':
        parameters.value = event.parameters;
        break;
      case 'notice':
        say(event.level, event.message, event.about);
        break;
    }
  }

  function pushHeldOut(step: number, row: MetricsRow): void {
    heldout.push(step, [
      row.Category_L1_ACC,
      row.Category_L3_ACC,
      row['Title_Hit-Rate@50'],
      row.CTCVR,
      row.distinct_top1,
      row.popularity_share,
    ]);
  }

  /** Resolves when every event received so far is shown. */
  function drained(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => (queue.length === 0 ? resolve() : frame(look));
      look();
    });
  }

  return {
    stages,
    device,
    compiling,
    parameters,
    rankerAuc,
    samples,
    cots,
    teacher,
    table,
    spreads,
    front,
    counting,
    baselines,
    ranking,
    checkpoint,
    changes,
    changeMarks,
    tick,
    hovered,
    loss,
    popo,
    heldout,
    alignment,
    lossMarks,
    currentStage,
    clear,
    copy,
    receive,
    retell,
    drained,
  };
}

function freshStages(): StageState[] {
  return STAGE_NAMES.map((name) => ({
    name,
    status: 'waiting',
    step: 0,
    steps: 0,
    secondsLeft: null,
    isTimed: false,
    seconds: null,
  }));
}

/** Mean of each reward over all rollouts of a step: [P][G][K] → [K]. */
export function rewardMeans(rewards: readonly (readonly (readonly number[])[])[]): number[] {
  const sums: number[] = [];
  let rollouts = 0;
  for (const group of rewards) {
    for (const rollout of group) {
      rollouts++;
      rollout.forEach((value, k) => {
        sums[k] = (sums[k] ?? 0) + value;
      });
    }
  }
  return sums.map((sum) => sum / Math.max(1, rollouts));
}

/** One sample per user and stage: the newest. */
function mergeSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const at = samples.findIndex(
    ({ sampleId, stage }) => sampleId === sample.sampleId && stage === sample.stage,
  );
  return at < 0 ? [...samples, sample] : samples.with(at, sample);
}
