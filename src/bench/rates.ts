/**
 * How fast an adapter multiplies: fused multiply-adds from registers alone, which no kernel can pass, and the engine's matrix
 * products at sizes from small to large. A real GPU runs them in milliseconds; a software adapter is spared the large ones.
 */
import { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import {
  matmulNN,
  matmulNT,
  matmulTN,
  scratchSize,
  shapeUniform,
  type Tuning,
  tuningFor,
} from '../gpu/kernels';
import { Plan, submit } from '../gpu/plan';
import { Random } from '../numeric/random';

/** 10⁹ operations a second: a multiply-add is two. */
export interface Rates {
  peak: number;
  /** Of [size, size] times [size, size]. */
  products: ({ size: number } & Record<Layout, number>)[];
}

type Layout = 'nt' | 'nn' | 'tn';

/** Milliseconds that a timing lasts at least. */
const LONG_ENOUGH = 30;
/** Milliseconds of one product, beyond which the next size is left out. */
const TOO_LONG = 150;
/** Workgroups of FMA, and multiply-adds that a thread of its 256 makes in a turn. */
const FMA_GROUPS = 4096;
const FMA_PER_TURN = 8 * 4 * 4;
const FMA = `// x = x · m + m over 8 chains of vec4s, 4 times each in a turn: enough that none waits for the one before.
@group(0) @binding(0) var<storage, read> m : array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out : array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id : vec3u) {
  let k = m[0];
${lines((i) => `  var x${i} = vec4f(f32(id.x + ${i}u));`)}
  for (var turn = 0u; turn < TURNS; turn++) {
${lines((i) => `    x${i} = fma(x${i}, k, k);\n`.repeat(4))}
  }
  out[id.x] = ${Array.from({ length: 8 }, (_, i) => `x${i}`).join(' + ')};
}`;

function lines(line: (i: number) => string): string {
  return Array.from({ length: 8 }, (_, i) => line(i)).join('\n');
}

export const SIZES: readonly number[] = [256, 512, 1024, 2048];

/** Runs alone on the device. @param sizes multiples of 4, ascending */
export async function measureRates(gpu: Gpu, sizes = SIZES, tuning: Tuning = tuningFor(gpu)): Promise<Rates> {
  const table = new BufferTable(gpu, 'rates');
  const largest = Math.max(...sizes) ** 2;
  const [a, b] = ['a', 'b'].map((name) => table.floats(name, largest));
  const out = table.floats('out', Math.max(largest, FMA_GROUPS * 256 * 4));
  const scratch = table.floats('scratch', scratchSize(tuning, largest));
  const random = new Random(1, 'rates');
  const values = Float32Array.from({ length: largest }, () => random.uniform() - 0.5);
  for (const buffer of [a, b]) gpu.device.queue.writeBuffer(buffer, 0, values);
  const turns = gpu.adapter.software ? 4 : 1024;
  const fma = new Plan(gpu);
  fma.add({
    label: 'fma',
    code: FMA,
    constants: { TURNS: turns },
    bindings: [a, out],
    workgroups: [FMA_GROUPS],
  });
  await fma.compile();
  const rates: Rates = {
    peak: gigaflops(FMA_GROUPS * 256 * FMA_PER_TURN * turns, await millisecondsPerRun(gpu, fma)),
    products: [],
  };
  for (const size of sizes) {
    const shape = table.add(shapeUniform(gpu, { rows: size, length: size, batch: 1 }));
    const weights = { a, w: b, out, K: size, N: size, rows: size, scratch, shape };
    const plans = {
      nt: new Plan(gpu),
      nn: new Plan(gpu),
      tn: new Plan(gpu),
    };
    matmulNT(plans.nt, tuning, { ...weights, label: 'nt' });
    matmulNN(plans.nn, tuning, { ...weights, label: 'nn' });
    matmulTN(plans.tn, tuning, { label: 'tn', a, b, out, M: size, N: size, splits: 1, slice: 0, shape });
    const row = { size, nt: 0, nn: 0, tn: 0 };
    let longest = 0;
    for (const layout of ['nt', 'nn', 'tn'] as const) {
      await plans[layout].compile();
      const ms = await millisecondsPerRun(gpu, plans[layout]);
      longest = Math.max(longest, ms);
      row[layout] = gigaflops(size ** 3, ms);
    }
    rates.products.push(row);
    if (longest > TOO_LONG) break;
  }
  table.destroy();
  gpu.assertHealthy();
  return rates;
}

const gigaflops = (multiplyAdds: number, ms: number) => (2 * multiplyAdds) / ms / 1e6;

/** Repeats a plan in one submission, more often until that lasts long enough to be timed: the GPU's clock is up by then. */
async function millisecondsPerRun(gpu: Gpu, plan: Plan): Promise<number> {
  for (let runs = 1; ; runs *= 4) {
    const start = performance.now();
    submit(gpu, ...new Array<Plan>(runs).fill(plan));
    await gpu.device.queue.onSubmittedWorkDone();
    const ms = performance.now() - start;
    if (ms >= LONG_ENOUGH) {
      // The first timing may hold a compilation; this one does not.
      const again = performance.now();
      submit(gpu, ...new Array<Plan>(runs).fill(plan));
      await gpu.device.queue.onSubmittedWorkDone();
      return (performance.now() - again) / runs;
    }
  }
}
