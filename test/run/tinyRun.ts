/** A run of all stages at minuscule sizes, on the slow path: the reference model in WebAssembly. */

import { decodeCheckpoint, encodeCheckpoint } from '../../src/run/checkpoint';
import { parseConfig, type RunConfig } from '../../src/run/config';
import { Controls } from '../../src/run/controls';
import { loadDataset } from '../../src/run/datasets';
import { openReferenceDevice, type RunDevice } from '../../src/run/device';
import { presetConfig } from '../../src/run/presets';
import type { RunEvent } from '../../src/run/report';
import type { RunContext } from '../../src/run/runner';
import { NOTHING_DONE, type RunCheckpoint, type RunState } from '../../src/run/runState';
import { APP_VERSION } from '../../src/run/version';
import type { TeacherServices } from '../../src/sft/cot';
import { v1 } from '../v1';

/** Trains enough for some answers to be well formed, so that alignment has something to move by. */
export function answerWell(config: RunConfig): void {
  Object.assign(config.warmup, { steps: 40, batch_size: 8, learning_rate: 0.02 });
  Object.assign(config.sft, { steps: 60, batch_size: 8, learning_rate: 0.02, cot: false });
  Object.assign(config.popo, { prompts_per_step: 3, num_generations: 4, rewards: ['format', 'id'] });
}

export function minusculeConfig(change: (config: RunConfig) => void = () => {}): RunConfig {
  const config = presetConfig(v1('tiny'));
  config.seed = 5;
  Object.assign(config.data, { num_l1: 1, items_per_l3: 2, num_users: 40, num_heldout_users: 8 });
  Object.assign(config.model, { hidden_size: 16, num_hidden_layers: 1, intermediate_size: 32 });
  Object.assign(config.warmup, {
    steps: 6,
    batch_size: 2,
    catalogue_facts: 2,
    need_sentences: 2,
    catalogue_sentences: 1,
  });
  Object.assign(config.rupr, { prompts: 6, num_cots: 2 });
  config.orft.scorer_steps = 2;
  Object.assign(config.sft, { steps: 5, batch_size: 2 });
  Object.assign(config.ranker, { steps: 3, batch_size: 16, embedding_size: 4 });
  Object.assign(config.encoder, { steps: 3, embedding_size: 4 });
  Object.assign(config.popo, { steps: 3, prompts_per_step: 2, num_generations: 2 });
  Object.assign(config.ranking, {
    users: 12,
    steps: 3,
    tuning_steps: 2,
    batch_size: 4,
    embedding_size: 4,
    subspaces: 2,
    bits: 2,
  });
  Object.assign(config.evaluate, { users: 4, curve_users: 4, curve_every: 2 });
  change(config);
  return parseConfig(config);
}

export interface Recorded {
  context: RunContext;
  events: RunEvent[];
  /** Every checkpoint as it went through the store and back. */
  saved: RunCheckpoint[];
}

/** What the page trains on without WebGPU. WebAssembly takes less than half of the time that plain JavaScript does. */
export function openCpu(): Promise<RunDevice> {
  return openReferenceDevice();
}

/** For runs of the embedded teacher, which asks for nothing. */
const unasked = async () => {
  throw new Error('The embedded teacher needs nobody.');
};
const noTeaching: TeacherServices = {
  key: null,
  readAnswers: unasked,
  appendAnswers: unasked,
  loadCots: unasked,
  keepCots: unasked,
};

/** A context that keeps what it is told; `onEvent` may press buttons. */
export function recordedRun(
  config: RunConfig,
  resume: RunCheckpoint | null = null,
  onEvent: (event: RunEvent, controls: Controls) => void = () => {},
  openDevice: RunContext['openDevice'] = openCpu,
): Recorded {
  const controls = new Controls();
  const events: RunEvent[] = [];
  const saved: RunCheckpoint[] = [];
  const context: RunContext = {
    config,
    controls,
    emit(event) {
      events.push(structuredClone(event));
      onEvent(event, controls);
    },
    loadDataset: () => loadDataset(config, async () => null),
    teaching: noTeaching,
    loadSentenceFiles: unasked,
    openDevice,
    async save(checkpoint, report) {
      saved.push(
        decodeCheckpoint(structuredClone(encodeCheckpoint('test', checkpoint, report !== null)), APP_VERSION),
      );
      return true;
    },
    resume,
  };
  return { context, events, saved };
}

/** A run's state before anything has happened. */
export function newState(config: RunConfig, app: string): RunState {
  return { ...structuredClone(NOTHING_DONE), app, config };
}
