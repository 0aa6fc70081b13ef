/** How long the next run will take here. What it takes to say so is fetched, and the device measured, when nothing else goes on. */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { DeviceSpeed } from '../../gpu/speed';
import type { RunConfig } from '../../run/config';
import { type DeviceInfo, deviceKey } from '../../run/report';
import type { RunTimes, TimedDevice, TimeRange } from '../../run/times';
import type { ImportSummary, SavedRun, TrainerApi } from '../../worker/protocol';
import type { StageState } from './runView';

interface Timed {
  config: ReadonlySignal<RunConfig>;
  device: ReadonlySignal<DeviceInfo | null>;
  /** A processor that plays a GPU is warned of. */
  deviceWarning: ReadonlySignal<string | null>;
  imports: ReadonlySignal<ImportSummary[]>;
  runs: ReadonlySignal<SavedRun[]>;
  /** A run or a study is on. */
  busy: ReadonlySignal<boolean>;
  stages: ReadonlySignal<StageState[]>;
  /** Of the run that is on. */
  running: ReadonlySignal<RunConfig>;
  trainer(): TrainerApi;
}

const KEPT_AT = 'taiji-speed';
/** Milliseconds without a change before a device is measured. */
const QUIET = 400;
/** Stages that the engine computes: what one takes tells of the others. */
const ENGINE = /^(warmup|orft|sft|popo|evaluate|features)$/;
/** Share of a stage from which on it tells of others. */
const TELLING = 0.1;

/** How far each way what is left may be off: of a stage that is timed, and of others like it. */
const WIDTH = { timed: 1.25, held: 1.5 } as const;
/** The same of judges and baselines on a device that was not measured. */
const UNMEASURED = 3;
/** Of no device in particular: it says how a stage's work compares with another's. */
const ANY_SPEED: DeviceSpeed = { operations: 2e10, dispatch: 2e-5, wait: 5e-4, processor: 9e8 };

export function createTimes(on: Timed) {
  const code = signal<typeof import('../../run/times') | null>(null);
  const versions = signal('');
  const speeds = signal<Readonly<Record<string, DeviceSpeed>>>(readSpeeds());
  const isMeasuring = signal(false);
  /** What could not be measured, so that it is asked once. */
  const refused = new Set<string>();

  const isSoftware = computed(() => on.device.value?.backend === 'webgpu' && on.deviceWarning.value !== null);

  function kindOf({ backend }: DeviceInfo): Pick<TimedDevice, 'backend' | 'isSoftware'> {
    return { backend, isSoftware: isSoftware.value };
  }

  function dataOf({ data }: RunConfig): ImportSummary | null {
    if (data.source !== 'import') return null;
    return on.imports.value.find(({ sha256 }) => sha256 === data.sha256) ?? null;
  }

  /** The product to measure, and by which name its speed is kept: the adapter, the kernels' version and the shape. */
  function wantedOf(config: RunConfig) {
    const [rules, here] = [code.value, on.device.value];
    if (rules === null || here === null) return null;
    const shape = rules.measuredShape(config, dataOf(config));
    return { shape, key: [deviceKey(here), versions.value, ...Object.values(shape)].join(' ') };
  }

  /** @returns null while the device or its speed is not known */
  function timesOf(config: RunConfig): RunTimes | null {
    const [rules, here, wanted] = [code.value, on.device.value, wantedOf(config)];
    const speed = wanted === null ? undefined : speeds.value[wanted.key];
    if (rules === null || here === null || speed === undefined) return null;
    const device: TimedDevice = { ...kindOf(here), speed };
    const own = deviceKey(here);
    const kept = on.runs.value.flatMap(({ config, took }) =>
      took !== undefined && took.device === own ? [{ config, seconds: took.seconds }] : [],
    );
    return rules.runTimes(config, device, { data: dataOf(config), kept: rules.likest(kept, config) });
  }

  const times = computed(() => timesOf(on.config.value));

  /** Seconds that the run which is on will still take, in all; null while too little is known. */
  const left = computed((): TimeRange | null => {
    const [measured, rules, here] = [timesOf(on.running.value), code.value, on.device.value];
    const stages = on.stages.value;
    if (rules === null || here === null || !stages.some(({ status }) => status === 'running')) return null;
    // Where nobody has measured the device, its own steps tell how fast it is; what each stage asks for is known.
    const told = measured ?? rules.runTimes(on.running.value, { ...kindOf(here), speed: ANY_SPEED });
    const of = (name: string) => told.stages.find((stage) => stage.name === name);
    const likely = (name: string) => of(name)?.likely ?? 0;
    let [took, expected] = [0, 0];
    for (const stage of stages) {
      if (!ENGINE.test(stage.name)) continue;
      const share = stage.status === 'done' ? 1 : stage.step / Math.max(1, stage.steps);
      const whole =
        stage.status === 'done'
          ? // A run that began elsewhere took as long as it did there.
            stage.isTimed
            ? stage.seconds
            : null
          : stage.secondsLeft !== null && share >= (measured === null ? 0 : TELLING)
            ? stage.secondsLeft / (1 - share)
            : null;
      if (whole === null || !Number.isFinite(whole)) continue;
      took += whole;
      expected += likely(stage.name);
    }
    const isHeld = expected > 0 && took > 0;
    if (measured === null && !isHeld) return null;
    const ratio = isHeld ? took / expected : 1;
    const all = { low: 0, high: 0 };
    for (const stage of stages) {
      if (stage.status === 'done') continue;
      const isEngine = ENGINE.test(stage.name);
      const rest = 1 - Math.min(1, stage.step / Math.max(1, stage.steps));
      const seconds = stage.secondsLeft ?? likely(stage.name) * rest * (isEngine ? ratio : 1);
      const reckoned = measured === null ? UNMEASURED : (of(stage.name)?.high ?? 0) / likely(stage.name);
      const width =
        stage.secondsLeft !== null
          ? WIDTH.timed
          : isEngine && isHeld
            ? Math.min(WIDTH.held, reckoned || WIDTH.held)
            : reckoned;
      if (!(seconds > 0)) continue;
      all.low += seconds / width;
      all.high += seconds * width;
    }
    return all;
  });

  async function measure(): Promise<void> {
    const wanted = wantedOf(on.config.value);
    if (wanted === null || on.busy.value || isMeasuring.value || refused.has(wanted.key)) return;
    if (speeds.value[wanted.key] !== undefined) return;
    isMeasuring.value = true;
    const speed = await on
      .trainer()
      .measure(wanted.shape)
      .catch(() => null);
    isMeasuring.value = false;
    // One that a run has ended is asked for again after it.
    if (speed !== null) keepSpeed(wanted.key, speed);
    else if (!on.busy.value) refused.add(wanted.key);
  }

  function keepSpeed(key: string, speed: DeviceSpeed): void {
    speeds.value = { ...speeds.value, [key]: speed };
    try {
      localStorage.setItem(KEPT_AT, JSON.stringify(speeds.value));
    } catch {
      // A page that may store nothing measures again.
    }
  }

  /** Fetches what it takes; from then on the device is measured whenever the form asks for what is not known. */
  async function wake(): Promise<void> {
    const [rules, tuning] = await Promise.all([
      import('../../run/times'),
      import('../../gpu/kernels/tuning'),
    ]);
    versions.value = tuning.KERNELS_VERSION;
    code.value = rules;
    let waiting: ReturnType<typeof setTimeout> | undefined;
    effect(() => {
      const key = wantedOf(on.config.value)?.key;
      const isKnown = key === undefined || speeds.value[key] !== undefined;
      clearTimeout(waiting);
      if (!isKnown && !on.busy.value && !isMeasuring.value) waiting = setTimeout(() => void measure(), QUIET);
    });
  }

  return { times, timesOf, left, isMeasuring, wake: () => wake().catch(() => {}) };
}

function readSpeeds(): Record<string, DeviceSpeed> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT_AT) ?? '{}');
    return typeof kept === 'object' && kept !== null ? (kept as Record<string, DeviceSpeed>) : {};
  } catch {
    return {};
  }
}
