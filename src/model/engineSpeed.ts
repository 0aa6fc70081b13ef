/** How fast the engine is at a shape, beside the milliseconds of its training step, which whoever compares it with others takes in turns. */
import { median } from '../numeric/median';
import { Random, streamKey } from '../numeric/random';
import { BENCH_HYPER, type BenchShape, benchBatch } from './benchShape';
import type { ModelConfig } from './config';
import type { GenerateOptions } from './languageModel';
import { parameterTable } from './parameters';
import type { Transformer } from './transformer';

export interface EngineSpeed {
  dispatches_per_step: number;
  dispatches_per_token: number;
  /** Milliseconds in which a step is written down and handed over, with what of the driver is in this process. */
  encode_ms: number;
  rollout_tokens_per_s: number;
  /** After a training step and rollouts, those two alone. */
  bytesPlanned: number;
  bytesAllocated: number;
}

/** Few enough tokens for a software adapter; half of a step at `tiny`. */
export const ROLLOUT = { prompts: 8, generations: 8, promptTokens: 56, newTokens: 40 } as const;
/** Timings of each kind: at most, or until so many milliseconds are spent. */
const TIMES = 21;
const ENOUGH = 1000;

/**
 * Operations on floats that a training step needs: a multiply-add is two. Forward, and twice that backward, of the weights' products and
 * of causal attention; what is computed twice to save memory is not counted again, and what is done element by element not at all.
 */
export function stepOperations({ config, size, length }: Omit<BenchShape, 'name'>): number {
  const { hidden_size: D, num_hidden_layers: layers } = config;
  // The embedding is looked up in, but it makes the logits.
  const matrices = parameterTable(config).parameters.filter(({ shape }) => shape.length === 2);
  const weights = matrices.reduce((sum, each) => sum + each.size, 0);
  const pairs = (length * (length + 1)) / 2;
  return 6 * size * (length * weights + 2 * layers * pairs * D);
}

/** No completion ends early. */
export function rolloutOptions(config: ModelConfig): Omit<GenerateOptions, 'key'> {
  const longest = config.max_position_embeddings;
  const maxNewTokens = Math.min(ROLLOUT.newTokens, longest >> 1);
  const promptLength = Math.min(ROLLOUT.promptTokens, longest - maxNewTokens);
  const random = new Random(1, 'bench prompts');
  return {
    prompts: Array.from({ length: ROLLOUT.prompts }, () =>
      Array.from({ length: promptLength }, () => random.int(config.vocab_size)),
    ),
    numGenerations: ROLLOUT.generations,
    maxNewTokens,
    temperature: 1,
    topK: 0,
    // No token has this number.
    eosToken: config.vocab_size,
  };
}

/**
 * Runs alone on the device, which holds no other model.
 * @param signal ends it after what is under way
 * @throws an AbortError when it is ended
 */
export async function measureEngine(
  model: Transformer,
  shape: BenchShape,
  signal?: AbortSignal,
): Promise<EngineSpeed> {
  const step = await model.training(shape.size, shape.length);
  const dispatches = step.forward.dispatches + step.supervised.dispatches + model.optimizer.dispatches;
  const batch = benchBatch(shape);
  let taken = 0;
  const encode = await timed(signal, async () => {
    const start = performance.now();
    model.submitStep(step, [batch], { ...BENCH_HYPER, step: ++taken });
    const ms = performance.now() - start;
    await model.gpu.device.queue.onSubmittedWorkDone();
    return ms;
  });
  const asked = rolloutOptions(shape.config);
  let round = 0;
  const rollout = await timed(signal, async () => {
    const start = performance.now();
    await model.generate({ ...asked, key: streamKey(1, 'bench', round++) });
    return performance.now() - start;
  });
  model.gpu.assertHealthy();
  return {
    dispatches_per_step: dispatches,
    dispatches_per_token: model.dispatchesPerToken,
    encode_ms: encode,
    rollout_tokens_per_s: (1000 * ROLLOUT.prompts * ROLLOUT.generations * asked.maxNewTokens) / rollout,
    ...model.memory(),
  };
}

/** Median milliseconds of a training step whose loss is read, as a run takes it. Runs alone. @throws an AbortError when it is ended */
export async function measureStep(
  model: Transformer,
  shape: BenchShape,
  signal?: AbortSignal,
): Promise<number> {
  const batch = benchBatch(shape);
  let step = 0;
  return timed(signal, async () => {
    const start = performance.now();
    const { loss } = await model.trainStep([batch], { ...BENCH_HYPER, step: ++step });
    if (!Number.isFinite(loss)) throw new Error(`The loss is ${loss}, so the step's time means nothing.`);
    return performance.now() - start;
  });
}

/** Median of what `work` says that it took. */
async function timed(signal: AbortSignal | undefined, work: () => Promise<number>): Promise<number> {
  signal?.throwIfAborted();
  // The first may compile.
  await work();
  const times: number[] = [];
  const start = performance.now();
  do {
    signal?.throwIfAborted();
    times.push(await work());
  } while (times.length < TIMES && performance.now() - start < ENOUGH);
  return median(times);
}
