/**
 * What a training step costs in JavaScript alone: steps of a 4-layer model on Dawn's null backend, which validates every
 * call and computes nothing. A process of its own, since Dawn has one backend per process.
 */
import { create, globals } from 'webgpu';
import { openGpu } from '../gpu/device';
import { BENCH_HYPER, benchBatch, STANDARD } from '../model/benchShape';
import { createTransformer } from '../model/transformer';
import { median } from '../numeric/median';

const STEPS = 50;
const ROUNDS = 7;

/** Prints CPU milliseconds per step and dispatches per step as JSON. */
export async function main(): Promise<number> {
  Object.assign(globalThis, globals);
  // Held on to: Dawn ends when this object is collected.
  const api = create(['backend=null']);
  const gpu = await openGpu(api);
  if (gpu === null) throw new Error('Dawn has no null backend here.');
  const shape = { ...STANDARD, config: { ...STANDARD.config, num_hidden_layers: 4 } };
  const batch = benchBatch(shape);
  const model = await createTransformer(gpu, shape.config, 1);
  const { forward, supervised } = await model.training(shape.size, shape.length);
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    // Time of this process, not of the clock: other work on the machine is not ours.
    const start = process.cpuUsage();
    const steps: Promise<unknown>[] = [];
    for (let step = 1; step <= STEPS; step++) steps.push(model.trainStep([batch], { ...BENCH_HYPER, step }));
    await Promise.all(steps);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000 / STEPS);
  }
  const dispatches = forward.dispatches + supervised.dispatches + model.optimizer.dispatches;
  // The first round compiles the JavaScript.
  console.log(JSON.stringify({ ms: median(times.slice(1)), dispatches, layers: 4 }));
  gpu.destroy();
  return api ? 0 : 1;
}
