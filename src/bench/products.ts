/**
 * Which member of the family of tiled products is the fastest, for every product of a training step and of decoding, on one adapter. A run
 * takes the usual ones: this is to see by how much that is wrong.
 */
import { BufferTable } from '../gpu/bufferTable';
import { type Gpu, openGpu } from '../gpu/device';
import { shapeUniform, TUNINGS } from '../gpu/kernels';
import {
  FAMILY,
  keyOf,
  type Member,
  MOST_PARTIALS,
  nameOf,
  offered,
  type ProductExtents,
  usual,
} from '../gpu/kernels/matmulFamily';
import { matmulTiled } from '../gpu/kernels/matmulTiled';
import { Plan } from '../gpu/plan';
import { millisecondsOf } from '../gpu/timing';
import { sizesOf } from '../model/forward';
import { backwardProducts, forwardProducts, type ModelProduct } from '../model/products';
import { Random } from '../numeric/random';
import { PRESET_NAMES, presetConfig } from '../run/presets';
import { benchShape } from './core';
import { type Runner, race } from './race';

export interface RacedProduct {
  /** The list that it is of. */
  list: string;
  label: string;
  /** See `keyOf`. */
  key: string;
  /** How often its list has it, and its multiply-adds. */
  count: number;
  size: number;
  usual: string;
  best: string;
  /** Median milliseconds by member, in the family's order. */
  ms: Record<string, number>;
}

/** Milliseconds that a timing lasts at least. */
const LONG_ENOUGH = 10;
const ROUNDS = 3;
/** Rows that decode at once where one question is asked. */
const ASKED = 8;
/** And in the rollouts of a shape that is no preset. */
const ROLLOUTS = 64;
/** Outputs that are looked at, and by how much of its terms' magnitudes one may be off. */
const SPOTS = 64;
const TOLERANCE = 1e-5;

/** Races them on each shape in turn. @throws an Error where there is no adapter */
export async function raceProducts(
  api: GPU,
  shapes: readonly string[],
  say: (line: string) => void,
): Promise<Record<string, RacedProduct[]>> {
  const gpu = await openGpu(api, 'own', 'timed');
  if (gpu === null) throw new Error('There is no WebGPU adapter to measure on.');
  const { vendor, architecture, description } = gpu.adapter;
  const clock = gpu.device.features.has('timestamp-query') ? 'its own clock' : 'the clock on the wall';
  say(`Adapter: ${[vendor, architecture, description].filter(Boolean).join(' ')}, by ${clock}`);
  const raced: Record<string, RacedProduct[]> = {};
  for (const name of shapes) {
    const { config, size, length } = await benchShape(name);
    const sizes = sizesOf(config);
    const rows = size * length;
    const training = [
      ...forwardProducts(sizes, TUNINGS.tiled, rows),
      ...backwardProducts(sizes, TUNINGS.tiled, rows),
    ];
    const lists = {
      training,
      rollouts: forwardProducts(sizes, TUNINGS.tiled, rolloutsOf(name)),
      asking: forwardProducts(sizes, TUNINGS.tiled, ASKED),
    };
    raced[name] = [];
    for (const [list, products] of Object.entries(lists))
      for (const product of products) {
        raced[name].push({ list, ...(await raceProduct(gpu, product, rows)) });
        say(`  ${name}: ${raced[name].length} of ${Object.values(lists).flat().length} products`);
      }
  }
  gpu.assertHealthy();
  gpu.destroy();
  return raced;
}

function rolloutsOf(name: string): number {
  const preset = PRESET_NAMES.find((known) => known === name);
  if (preset === undefined) return ROLLOUTS;
  const { prompts_per_step: prompts, num_generations: generations } = presetConfig({
    preset,
    version: 1,
  }).popo;
  return prompts * generations;
}

/**
 * @param rows of the activations, which a gradient of weights sums over
 * @param clock tells the milliseconds of so many runs of a plan, and runs it
 */
export async function raceProduct(
  gpu: Gpu,
  o: ModelProduct,
  rows: number,
  clock = millisecondsOf,
): Promise<Omit<RacedProduct, 'list'>> {
  const table = new BufferTable(gpu, 'products');
  try {
    const { label, count } = o;
    const scene = makeScene(gpu, table, o, o.layout === 'tn' ? rows : o.K);
    const members = offered(o, gpu.device.limits);
    const { best, ms } = await race(
      members.map((member) => runnerOf(gpu, scene, member, clock)),
      ROUNDS,
    );
    const size = o.rows * o.N * scene.sum;
    return { label, key: keyOf(o), count, size, usual: nameOf(usual(o)), best, ms: Object.fromEntries(ms) };
  } finally {
    table.destroy();
  }
}

/** A product of numbers that are known. */
interface Known extends ProductExtents {
  /** The length of what it sums over. */
  sum: number;
  /** Floats from a slice of its output to the next. */
  slice: number;
  values: Record<'a' | 'b', Float32Array<ArrayBuffer>>;
}

/** And on the device. */
interface Scene extends Known {
  label: string;
  a: GPUBuffer;
  b: GPUBuffer;
  out: GPUBuffer;
  scratch: GPUBuffer;
  shape: GPUBuffer;
}

function makeScene(gpu: Gpu, table: BufferTable, o: ModelProduct, sum: number): Scene {
  const random = new Random(1, 'products');
  const drawn = (floats: number) => Float32Array.from({ length: floats }, () => random.uniform() - 0.5);
  const values = { a: drawn(o.rows * sum), b: drawn(o.N * sum) };
  const held = (name: 'a' | 'b') => {
    const buffer = table.floats(name, values[name].length);
    gpu.device.queue.writeBuffer(buffer, 0, values[name]);
    return buffer;
  };
  const slice = o.layout === 'tn' ? o.rows * o.N : 0;
  const rows = o.layout === 'tn' ? sum : o.rows;
  return {
    ...o,
    sum,
    values,
    a: held('a'),
    b: held('b'),
    out: table.floats('out', o.splits * o.rows * o.N),
    slice,
    scratch: table.floats('scratch', MOST_PARTIALS),
    shape: table.add(shapeUniform(gpu, { rows, length: rows, batch: 1 })),
  };
}

function runnerOf(gpu: Gpu, scene: Scene, member: Member, clock: typeof millisecondsOf): Runner {
  const plan = new Plan(gpu);
  matmulTiled(plan, scene, member);
  let runs = 1;
  return {
    name: nameOf(member),
    async isRight() {
      await plan.compile();
      while ((await clock(gpu, plan, runs)) < LONG_ENOUGH) runs *= 2;
      return isRight(
        scene,
        new Float32Array(await gpu.read(scene.out, 0, 4 * scene.splits * scene.rows * scene.N)),
      );
    },
    time: async () => (await clock(gpu, plan, runs)) / runs,
  };
}

/** Holds some outputs, the last among them, against sums in f64. */
export function isRight({ layout, rows, N, sum, splits, slice, values }: Known, out: Float32Array): boolean {
  const random = new Random(2, 'products');
  for (let spot = 0; spot < SPOTS; spot++) {
    const [m, n] = spot === 0 ? [rows - 1, N - 1] : [random.int(rows), random.int(N)];
    let expected = 0;
    let terms = 0;
    for (let k = 0; k < sum; k++) {
      const a = values.a[layout === 'tn' ? k * rows + m : m * sum + k];
      const b = values.b[layout === 'nt' ? n * sum + k : k * N + n];
      expected += a * b;
      terms += Math.abs(a * b);
    }
    let actual = 0;
    for (let s = 0; s < splits; s++) actual += out[s * slice + m * N + n];
    if (!(Math.abs(actual - expected) <= TOLERANCE * terms)) return false;
  }
  return true;
}

/** As Markdown: billions of operations a second of each member, the fastest in bold; what a step would gain; and the choices. */
export function productTable(shape: string, raced: readonly RacedProduct[]): string {
  const columns = FAMILY.map(nameOf);
  const rate = ({ size, ms, best }: RacedProduct, name: string) => {
    if (ms[name] === undefined) return '';
    const gigaflops = (2 * size) / ms[name] / 1e6;
    const said = gigaflops < 100 ? gigaflops.toFixed(1) : Math.round(gigaflops).toLocaleString('en-US');
    return name === best ? `**${said}**` : said;
  };
  const total = (list: string, member: 'usual' | 'best') =>
    raced
      .filter((each) => each.list === list)
      .reduce((sum, { ms, count, ...each }) => sum + count * ms[each[member]], 0);
  const others = raced.filter((each) => each.best !== each.usual);
  return [
    `| ${shape} | product | usual | ${columns.join(' | ')} |`,
    `| --- | --- | --- | ${columns.map(() => '--:').join(' | ')} |`,
    ...raced.map(
      (each) =>
        `| ${each.list}: ${each.label}${each.count > 1 ? ` (${each.count})` : ''} | ${each.key} | ${each.usual} | ` +
        `${columns.map((name) => rate(each, name)).join(' | ')} |`,
    ),
    '',
    ...[...new Set(raced.map(({ list }) => list))].map(
      (list) =>
        `All products of ${list}: ${total(list, 'usual').toFixed(3)} ms as usual, ${total(list, 'best').toFixed(3)} by the fastest.`,
    ),
    `Choices: ${JSON.stringify(Object.fromEntries(others.map(({ key, best }) => [key, best])))}`,
  ].join('\n');
}
