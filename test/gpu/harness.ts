/**
 * What the kernel tests share: one call that runs a kernel over fresh buffers. Every output starts as NaN and ends in
 * NaNs that must stay, every input ends in NaNs: a value not written, written past the end or used from past it is seen.
 */
import { expect } from 'vitest';
import { BufferTable } from '../../src/gpu/bufferTable';
import { describeAdapter, Gpu } from '../../src/gpu/device';
import { shapeUniform, TUNINGS } from '../../src/gpu/kernels';
import { Plan, submit } from '../../src/gpu/plan';
import { Random } from '../../src/numeric/random';
import { testDevice } from '../adapter';

/** 32-bit words of NaN behind every buffer. */
const GUARD = 64;
const NAN_BITS = 0x7fc00000;

type Words = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** The engine's view of the device that a file's tests share. */
export async function testGpu(): Promise<Gpu> {
  const { device, info } = await testDevice();
  return new Gpu(device, describeAdapter(info));
}

/** Both layouts of work, on every adapter: none may rest on the adapter it was made for. */
export const tunings = Object.values(TUNINGS).filter(({ dtype }) => dtype === 'f32');

export interface Scene<K extends string> {
  plan: Plan;
  out: Record<K, GPUBuffer>;
  input(values: Words): GPUBuffer;
  uniform(values: Words): GPUBuffer;
  shape(rows: number, length?: number, batch?: number, items?: number): GPUBuffer;
}

/**
 * Runs what `record` adds to the plan and reads the outputs back.
 * @param outputs per output its number of floats, or what it holds before where the kernel adds to it
 * @param repeats runs, each from the same start, whose outputs must be equal to the bit
 */
export async function runKernel<K extends string>(
  gpu: Gpu,
  outputs: Record<K, number | Words>,
  record: (scene: Scene<K>) => void,
  repeats = 1,
): Promise<Record<K, Float32Array<ArrayBuffer>>> {
  const table = new BufferTable(gpu, 'test');
  const { queue } = gpu.device;
  const names = Object.keys(outputs) as K[];
  const guarded = (values: Words | number) => {
    const floats = typeof values === 'number' ? values : values.length;
    const words = new Uint32Array(floats + GUARD).fill(NAN_BITS);
    if (typeof values !== 'number') words.set(new Uint32Array(values.buffer, values.byteOffset, floats));
    return words;
  };
  const starts = names.map((name) => guarded(outputs[name]));
  const out = Object.fromEntries(names.map((name, i) => [name, table.floats(name, starts[i].length)]));
  const plan = new Plan(gpu);
  record({
    plan,
    out: out as Record<K, GPUBuffer>,
    input(values) {
      const words = guarded(values);
      const buffer = table.floats('input', words.length);
      queue.writeBuffer(buffer, 0, words);
      return buffer;
    },
    uniform(values) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const buffer = table.add(gpu.createBuffer('uniform', values.byteLength, usage));
      queue.writeBuffer(buffer, 0, values);
      return buffer;
    },
    shape: (rows, length = rows, batch = 1, items = 0) =>
      table.add(shapeUniform(gpu, { rows, length, batch, items })),
  });
  await plan.compile();

  let first: Uint32Array<ArrayBuffer>[] | null = null;
  for (let repeat = 0; repeat < repeats; repeat++) {
    names.forEach((name, i) => {
      queue.writeBuffer(out[name], 0, starts[i]);
    });
    submit(gpu, plan);
    const results = await Promise.all(
      names.map(async (name, i) => new Uint32Array(await gpu.read(out[name], 0, starts[i].byteLength))),
    );
    first ??= results;
    names.forEach((name, i) => {
      const same = results[i].every((word, at) => word === first?.[i][at]);
      if (!same) expect.fail(`${name}: run ${repeat + 1} gave other bits than the first`);
    });
  }
  table.destroy();
  const entries = names.map((name, i) => {
    const floats = new Float32Array(first?.[i].buffer ?? new ArrayBuffer(0));
    const size = floats.length - GUARD;
    const past = floats.subarray(size).findIndex((value) => !Number.isNaN(value));
    if (past >= 0) expect.fail(`${name}: the kernel wrote ${past + 1} floats past the end`);
    return [name, floats.slice(0, size)];
  });
  return Object.fromEntries(entries);
}

/** |actual − expected| ≤ tolerance · max(|expected|, its root mean square), entry by entry. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-4): void {
  expect(actual.length).toBe(expected.length);
  let square = 0;
  for (let i = 0; i < expected.length; i++) square += expected[i] ** 2 / expected.length;
  for (let i = 0; i < expected.length; i++) {
    const limit = tolerance * Math.max(Math.abs(expected[i]), Math.sqrt(square));
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= limit)) expect.fail(`[${i}] is ${actual[i]}, not ${expected[i]} (within ${limit})`);
  }
}

export function expectFinite(values: ArrayLike<number>): void {
  expect(Array.from(values).findIndex((value) => !Number.isFinite(value))).toBe(-1);
}

export function normals(random: Random, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Magnitudes from 1e-6 to 1e4, a third of them followed by their negative, give or take the last bits. */
export function adversarial(random: Random, count: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const cancel = i > 0 && random.chance(1 / 3);
    const size = 10 ** (10 * random.uniform() - 6);
    values[i] = cancel ? -values[i - 1] * (1 + 1e-6 * random.normal()) : random.chance(0.5) ? size : -size;
  }
  return values;
}

/** A stream of draws of its own for each test. */
export const stream = (purpose: string) => new Random(1, `kernels/${purpose}`);
