/**
 * How fast an adapter multiplies: fused multiply-adds from registers alone, which no kernel can pass, and the engine's matrix
 * products at sizes from small to large. A real GPU runs them in milliseconds; a software adapter is spared the large ones.
 */
import { Random } from '../numeric/random';
import { BufferTable } from './bufferTable';
import type { Gpu } from './device';
import { matmulNN, matmulNT, matmulTN, scratchSize, shapeUniform, type Tuning, tuningFor } from './kernels';
import { Plan, submit } from './plan';

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
/** Turns of a dispatch: a CPU that plays a GPU has enough of the fewest, and an H200 takes four milliseconds for the most. */
const FEW_TURNS = 4;
const MOST_TURNS = 1024;
/** Milliseconds of a dispatch, below which its start and end are too much of it. */
const SHORT = 5;
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

interface Measured {
  /** Multiples of 4, ascending. */
  sizes?: readonly number[];
  tuning?: Tuning;
  /** Ends it after the command under way. */
  signal?: AbortSignal;
}

/** Runs alone on the device. @throws an AbortError when it is ended */
export async function measureRates(
  gpu: Gpu,
  { sizes = SIZES, tuning = tuningFor(gpu), signal }: Measured = {},
): Promise<Rates> {
  const table = new BufferTable(gpu, 'rates');
  try {
    return await ratesOf(gpu, table, { sizes, tuning, signal });
  } finally {
    table.destroy();
  }
}

async function ratesOf(
  gpu: Gpu,
  table: BufferTable,
  { sizes, tuning, signal }: Required<Pick<Measured, 'sizes' | 'tuning'>> & Pick<Measured, 'signal'>,
): Promise<Rates> {
  const largest = Math.max(...sizes) ** 2;
  const [a, b] = ['a', 'b'].map((name) => table.floats(name, largest));
  const out = table.floats('out', Math.max(largest, FMA_GROUPS * 256 * 4));
  const scratch = table.floats('scratch', scratchSize(tuning, largest));
  const random = new Random(1, 'rates');
  const values = Float32Array.from({ length: largest }, () => random.uniform() - 0.5);
  for (const buffer of [a, b]) gpu.device.queue.writeBuffer(buffer, 0, values);
  const rates: Rates = { peak: await measurePeak(gpu, { m: a, out, signal }), products: [] };
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
      const ms = await millisecondsPerRun(gpu, plans[layout], signal);
      longest = Math.max(longest, ms);
      row[layout] = gigaflops(size ** 3, ms);
    }
    rates.products.push(row);
    if (longest > TOO_LONG) break;
  }
  gpu.assertHealthy();
  return rates;
}

/** Of a dispatch that lasts long enough, and no longer than a display driver waits for. */
async function measurePeak(
  gpu: Gpu,
  { m, out, signal }: { m: GPUBuffer; out: GPUBuffer; signal?: AbortSignal },
): Promise<number> {
  for (let turns = FEW_TURNS; ; turns *= 16) {
    const fma = new Plan(gpu);
    const constants = { TURNS: turns };
    fma.add({ label: 'fma', code: FMA, constants, bindings: [m, out], workgroups: [FMA_GROUPS] });
    await fma.compile();
    const ms = await millisecondsPerRun(gpu, fma, signal);
    if (ms >= SHORT || turns === MOST_TURNS) return gigaflops(FMA_GROUPS * 256 * FMA_PER_TURN * turns, ms);
  }
}

const gigaflops = (multiplyAdds: number, ms: number) => (2 * multiplyAdds) / ms / 1e6;

/** Repeats a plan in one submission, more often until that lasts long enough to be timed: the GPU's clock is up by then. */
async function millisecondsPerRun(gpu: Gpu, plan: Plan, signal?: AbortSignal): Promise<number> {
  for (let runs = 1; ; runs *= 4) {
    signal?.throwIfAborted();
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
