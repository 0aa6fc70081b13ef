/**
 * How fast an adapter is at what a run asks of it, in a second or so: a product as its layers make them, dispatches that do next to nothing,
 * and the processor beside it. What it measures is kept by nobody here.
 */
import { Random } from '../numeric/random';
import { BufferTable } from './bufferTable';
import type { Gpu } from './device';
import { clear, matmulNT, scratchSize, shapeUniform, type Tuning, tuningFor } from './kernels';
import { Plan, submit } from './plan';

/** What a device can do. */
export interface DeviceSpeed {
  /** Operations on floats a second in a matrix product of the wanted shape; a multiply-add is two. 0 without a GPU. */
  operations: number;
  /** Seconds of a dispatch that does next to nothing, and of waiting for a list of them. */
  dispatch: number;
  wait: number;
  /** Operations on floats a second of plain code on the processor. */
  processor: number;
}

/** [rows, width] times [width, columns]. */
export interface ProductShape {
  rows: number;
  width: number;
  columns: number;
}

/** Milliseconds that a timing lasts at least, and all timings of a kind together. */
const LONG_ENOUGH = 20;
const OFTEN = 200;
/** Dispatches of the list that does next to nothing. */
const EMPTY = 100;
/** Rows of the processor's square product. */
const PLAIN = 96;

/**
 * Runs alone on the device.
 * @param signal ends it after the command under way, which is short
 * @throws an AbortError when it is ended
 */
export async function measureSpeed(
  gpu: Gpu,
  { rows, width, columns }: ProductShape,
  signal: AbortSignal,
  tuning: Tuning = tuningFor(gpu),
): Promise<DeviceSpeed> {
  const table = new BufferTable(gpu, 'speed');
  try {
    const a = table.floats('a', rows * width);
    const w = table.floats('w', width * columns);
    const out = table.floats('out', rows * columns);
    const scratch = table.floats('scratch', scratchSize(tuning, width * columns));
    const small = table.floats('small', 64);
    const shape = table.add(shapeUniform(gpu, { rows, length: rows, batch: 1 }));
    const random = new Random(1, 'speed');
    for (const [buffer, size] of [
      [a, rows * width],
      [w, width * columns],
    ] as const)
      gpu.device.queue.writeBuffer(
        buffer,
        0,
        Float32Array.from({ length: size }, () => random.uniform() - 0.5),
      );
    const product = new Plan(gpu);
    matmulNT(product, tuning, { label: 'speed', a, w, out, K: width, N: columns, rows, shape, scratch });
    const empty = new Plan(gpu);
    for (let i = 0; i < EMPTY; i++) clear(empty, { out: small, size: 64 });
    const none = new Plan(gpu);
    clear(none, { out: small, size: 64 });
    await Promise.all([product, empty, none].map((plan) => plan.compile()));
    const wait = await secondsPerRun(gpu, none, signal, 1);
    const dispatch = (await secondsPerRun(gpu, empty, signal)) / EMPTY;
    const seconds = await secondsPerRun(gpu, product, signal);
    gpu.assertHealthy();
    return {
      operations: (2 * rows * width * columns) / seconds,
      dispatch,
      wait,
      processor: await measureProcessor(signal),
    };
  } finally {
    table.destroy();
  }
}

/** The quickest of several: what else the machine does only ever adds. @param runs in one submission; left out, as many as can be timed */
async function secondsPerRun(gpu: Gpu, plan: Plan, signal: AbortSignal, runs?: number): Promise<number> {
  const timed = async (times: number) => {
    signal.throwIfAborted();
    const start = performance.now();
    submit(gpu, ...new Array<Plan>(times).fill(plan));
    await gpu.device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
  // The first run may compile.
  await timed(1);
  let times = runs ?? 1;
  let best = await timed(times);
  while (runs === undefined && best < LONG_ENOUGH && times < 4096) {
    times *= 4;
    best = await timed(times);
  }
  for (let spent = best; spent < OFTEN; ) {
    const again = await timed(times);
    spent += Math.max(again, 1);
    best = Math.min(best, again);
  }
  return best / times / 1000;
}

/** Operations a second of a plain product. Gives way between turns. */
export async function measureProcessor(signal: AbortSignal): Promise<number> {
  const [a, b, out] = Array.from({ length: 3 }, () => new Float32Array(PLAIN * PLAIN).fill(0.5));
  let best = Number.POSITIVE_INFINITY;
  for (let spent = 0; spent < OFTEN; ) {
    signal.throwIfAborted();
    const start = performance.now();
    multiply(a, b, out);
    const ms = performance.now() - start;
    spent += Math.max(ms, 1);
    best = Math.min(best, ms);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return (2 * PLAIN ** 3) / (Math.max(best, 0.01) / 1000);
}

function multiply(a: Float32Array, b: Float32Array, out: Float32Array): void {
  for (let i = 0; i < PLAIN; i++) {
    for (let j = 0; j < PLAIN; j++) {
      let sum = 0;
      for (let k = 0; k < PLAIN; k++) sum += a[i * PLAIN + k] * b[j * PLAIN + k];
      out[i * PLAIN + j] = sum;
    }
  }
}
