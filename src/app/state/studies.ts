/** A study on the page: which methods and seeds, how far it is, and what it has found. */
import { batch, computed, signal } from '@preact/signals';
import type { RunConfig } from '../../run/config';
import { diffFromPreset } from '../../run/diff';
import type { PresetRef } from '../../run/presets';
import { STAGE_NAMES } from '../../run/stageNames';
import type { RunTimes, TimeRange } from '../../run/times';
import { fitting, METHODS } from '../../study/methods';
import type { StudyEvent, StudyRequest, StudyResult, TrainerApi } from '../../worker/protocol';
import { sentence } from '../words/sentence';

/** What is trained right now. */
export interface StudyCell {
  method: string;
  seed: number;
  stage: string;
  /** Of the stage, in [0, 1]. */
  fraction: number;
}

/** Fields that methods change, which the form therefore does not decide; of those that name no rewards, it does say what is paid. */
const DECIDED = new Set([...METHODS.flatMap(({ diff }) => Object.keys(diff)), 'seed', 'ranking.users']);
// Those of methods whose diff depends on the config, but for how long and how much they train.
for (const path of ['popo.influence_every', 'popo.influence_prompts']) DECIDED.add(path);
// What a method does not say of these is the form's.
for (const path of ['popo.rewards', 'popo.scale_rewards']) DECIDED.delete(path);

/** Enough to ask what reasoning, rejection and RL are worth, and how weights compare. */
const FIRST = [
  'counting',
  'backbone',
  'orft',
  'popo',
  'popo-light',
  'fixed-0',
  'fixed-0.5',
  'fixed-1',
  'answers-only-all',
];

/**
 * @param trainer the training worker
 * @param config the form's
 * @param isFree whether no run is on
 * @param timesOf how long a run takes here; null while that is not known
 */
export function createStudies(
  trainer: () => TrainerApi,
  config: () => RunConfig,
  isFree: () => boolean,
  timesOf: (config: RunConfig) => RunTimes | null,
) {
  const methods = signal<readonly string[]>(FIRST);
  /** The first and the last. */
  const seeds = signal<readonly [number, number]>([1, 3]);
  const status = signal<'idle' | 'running' | 'paused' | 'stopping'>('idle');
  const cell = signal<StudyCell | null>(null);
  /** Cells done, of all that are asked for. */
  const done = signal(0);
  const result = signal<StudyResult | null>(null);
  const problem = signal<string | null>(null);
  const common = computed(() =>
    Object.fromEntries(Object.entries(diffFromPreset(config())).filter(([path]) => !DECIDED.has(path))),
  );
  const chosen = computed(() =>
    fitting(
      METHODS.filter(({ name }) => methods.value.includes(name)),
      presetOf(config()),
      common.value,
    ),
  );
  /** Which of the chosen methods the form's rewards leave out, and why; null for none. */
  const leftOut = computed(() => chosen.value.leftOut);
  const seedList = computed(() => {
    const [first, last] = seeds.value;
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  const total = computed(() => chosen.value.methods.length * seedList.value.length);
  const busy = computed(() => status.value !== 'idle');
  /** Of what is still to be trained: runs, those that train a model, and how long they take here, each from where it parts with others. */
  const cost = computed((): { runs: number; models: number; range: TimeRange | null } | null => {
    if (result.value === null) return null;
    const { plan } = result.value;
    const last = STAGE_NAMES.indexOf('popo');
    const models = plan.filter(({ from }) => STAGE_NAMES.indexOf(from) <= last).length;
    const range = { low: 0, high: 0 };
    for (const run of plan) {
      const times = timesOf(run.config);
      if (times === null) return { runs: plan.length, models, range: null };
      for (const { low, high } of times.stages.slice(STAGE_NAMES.indexOf(run.from))) {
        range.low += low;
        range.high += high;
      }
    }
    return { runs: plan.length, models, range };
  });

  function request(): StudyRequest {
    return {
      preset: presetOf(config()),
      common: common.value,
      methods: chosen.value.methods.map(({ name }) => name),
      seeds: seedList.value,
    };
  }

  function take(event: StudyEvent): void {
    if (event.type === 'result') {
      result.value = event.result;
      return;
    }
    if (event.type === 'run') {
      const { event: told } = event;
      if (told.type === 'progress' && cell.value !== null)
        cell.value = { ...cell.value, stage: told.name, fraction: told.step / Math.max(1, told.steps) };
      return;
    }
    const { method, seed, status: what } = event.event;
    if (what === 'started') cell.value = { method, seed, stage: 'data', fraction: 0 };
    else done.value++;
    if (event.event.status === 'failed')
      problem.value = `${method}, seed ${seed}, failed: ${event.event.message}`;
  }

  async function start(): Promise<void> {
    if (busy.value || !isFree()) return;
    batch(() => {
      status.value = 'running';
      done.value = 0;
      problem.value = null;
    });
    try {
      await look();
      await trainer().study(request(), take);
    } catch (error) {
      problem.value = sentence(error);
    }
    batch(() => {
      status.value = 'idle';
      cell.value = null;
    });
  }

  async function pause(): Promise<void> {
    if (status.value !== 'running') return;
    status.value = 'paused';
    await attempt(() => trainer().pause());
  }

  async function resume(): Promise<void> {
    if (status.value !== 'paused') return;
    status.value = 'running';
    await attempt(() => trainer().resume());
  }

  /** Ends after the step under way; finished cells stay. */
  async function stop(): Promise<void> {
    if (!busy.value) return;
    status.value = 'stopping';
    await attempt(() => trainer().stop());
  }

  /** Shows what earlier studies left of the cells that are chosen. */
  async function look(): Promise<void> {
    await attempt(async () => {
      const wanted = request();
      result.value = wanted.methods.length === 0 ? null : await trainer().studyResult(wanted);
    });
  }

  async function forget(): Promise<void> {
    await attempt(() => trainer().deleteStudies());
    await look();
  }

  /** study.json and study.csv; null when they could not be made, and `problem` says why. */
  async function files(): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }[] | null> {
    try {
      return await trainer().exportStudy(request());
    } catch (error) {
      problem.value = sentence(error);
      return null;
    }
  }

  /** The worker died, and the cell under way with it. */
  function crashed(): void {
    batch(() => {
      status.value = 'idle';
      cell.value = null;
    });
  }

  async function attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      problem.value = sentence(error);
    }
  }

  const state = { methods, seeds, status, cell, done, total, leftOut, result, problem, busy, cost };
  return { ...state, start, pause, resume, stop, look, forget, files, crashed };
}

function presetOf({ preset, version }: RunConfig): PresetRef {
  return { preset, version };
}
