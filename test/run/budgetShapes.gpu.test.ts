/** The estimate against what the engine plans, at shapes that differ; the buffers for gradients of single rewards included. */
import { beforeAll, describe, expect, it } from 'vitest';
import { create, globals } from 'webgpu';
import { findNodeAdapters, NO_NODE_ADAPTER } from '../../src/browsers/adapters';
import { CompiledPolicyOptimizer } from '../../src/popo/compiledUpdate';
import { budgetOf, deviceBytes } from '../../src/run/budget';
import type { RunConfig } from '../../src/run/config';
import { openRunDevice, type RunDevice } from '../../src/run/device';
import { runPipeline } from '../../src/run/runner';
import { minusculeConfig, recordedRun } from './tinyRun';

const TIMEOUT = 300_000;
let api: GPU;

beforeAll(() => {
  Object.assign(globalThis, globals);
  if (!process.env.TAIJI_TEST_ADAPTER) {
    const [first] = findNodeAdapters();
    if (!first) throw new Error(NO_NODE_ADAPTER);
    Object.assign(process.env, first.env, { TAIJI_TEST_ADAPTER: first.name });
  }
  api = create([]);
});

/** Bytes of the model and of the policy's optimiser, when alignment ends; the run is not needed beyond it. */
async function measured(config: RunConfig) {
  const found = { model: 0, rewards: 0, kernels: config.kernels };
  const open = async (kernels: RunConfig['kernels']): Promise<RunDevice> => {
    const device = await openRunDevice(kernels, api);
    found.kernels = device.kernels;
    return {
      ...device,
      createPolicyOptimizer(model, options) {
        const optimizer = device.createPolicyOptimizer(model, options);
        if (!(optimizer instanceof CompiledPolicyOptimizer)) throw new Error('This is not the engine.');
        const destroy = optimizer.destroy.bind(optimizer);
        optimizer.destroy = () => {
          Object.assign(found, { model: model.memory().bytesPlanned, rewards: optimizer.bytes });
          destroy();
        };
        return optimizer;
      },
    };
  };
  const run = recordedRun(
    config,
    null,
    (event, controls) => {
      if (event.type === 'stage' && event.name === 'popo' && event.status === 'finished') controls.stop();
    },
    open,
  );
  await runPipeline(run.context);
  return found;
}

describe('what a run takes', { timeout: TIMEOUT }, () => {
  it.each<[string, (config: RunConfig) => void]>([
    [
      'two rewards, influence of each',
      ({ popo }) => Object.assign(popo, { weighting: 'popo', influence: 'batch' }),
    ],
    [
      'a wider and deeper model, three rewards, each probed',
      ({ model, popo }) => {
        Object.assign(model, { hidden_size: 32, num_hidden_layers: 2, intermediate_size: 64 });
        Object.assign(popo, {
          rewards: ['semantic', 'id', 'format'],
          reward_weights: [0.4, 0.4, 0.2],
          probe_every: 1,
        });
      },
    ],
    [
      'conditioned parameters, an end for each of two rewards',
      ({ popo }) => Object.assign(popo, { weighting: 'conditioned' }),
    ],
    [
      'large batches, one reward',
      ({ warmup, sft, popo }) => {
        warmup.batch_size = 12;
        sft.batch_size = 10;
        Object.assign(popo, {
          rewards: ['id'],
          reward_weights: [1],
          prompts_per_step: 3,
          num_generations: 6,
        });
      },
    ],
  ])('with %s is what was estimated, within a factor of 2', async (_what, change) => {
    const config = minusculeConfig((draft) => {
      // What is allocated is allocated at a stage's first step.
      for (const stage of [draft.warmup, draft.sft, draft.popo, draft.ranker, draft.encoder]) stage.steps = 1;
      change(draft);
    });
    const { model, rewards, kernels } = await measured(config);
    expect(rewards).toBeGreaterThan(0);
    const estimated = deviceBytes(budgetOf(config, { kernels }));
    expect(estimated / (model + rewards), `${estimated} for ${model} + ${rewards}`).toBeGreaterThan(0.5);
    expect(estimated / (model + rewards), `${estimated} for ${model} + ${rewards}`).toBeLessThan(2);
  });
});
