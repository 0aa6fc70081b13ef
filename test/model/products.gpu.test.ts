/** The products that a choice is made for are those of the lists, and a choice reaches all of them. */
import { afterEach, expect, it, vi } from 'vitest';
import { TUNINGS, type Tuning } from '../../src/gpu/kernels';
import { keyOf, MOST_PARTIALS } from '../../src/gpu/kernels/matmulFamily';
import { type Dispatch, Plan } from '../../src/gpu/plan';
import { sizesOf } from '../../src/model/forward';
import { Generator } from '../../src/model/generate';
import { backwardProducts, forwardProducts, type ModelProduct } from '../../src/model/products';
import { Transformer } from '../../src/model/transformer';
import { testGpu } from '../gpu/harness';
import { grouped } from './shapes';

afterEach(() => vi.restoreAllMocks());

const rows = 3 * 9;
const tiled = { ...TUNINGS.tiled, tokensPerSlice: 8 };

/** What a model's lists are made of, without compiling anything. */
async function recorded(
  make: (model: Transformer) => Promise<unknown>,
  shape = grouped,
  tuning: Tuning = tiled,
): Promise<Dispatch[]> {
  const gpu = await testGpu();
  const dispatches: Dispatch[] = [];
  vi.spyOn(Plan.prototype, 'compile').mockImplementation(async function (this: Plan) {
    return this;
  });
  const add = Plan.prototype.add;
  vi.spyOn(Plan.prototype, 'add').mockImplementation(function (this: Plan, dispatch) {
    dispatches.push(dispatch);
    return add.call(this, dispatch);
  });
  const model = new Transformer(gpu, shape, tuning);
  await make(model);
  model.destroy();
  return dispatches;
}

/** The product that a dispatch of tiles makes; the shader has no rows but those of its workgroups. */
function productOf({ label, constants: c = {}, workgroups: [, y = 1] }: Dispatch): string | null {
  if (c.LAYOUT === undefined) return null;
  const layout = (['nt', 'nn', 'tn'] as const)[c.LAYOUT];
  return [label, layout, layout === 'tn' ? `${c.M} in ${c.SPLITS}` : `${y} groups`, c.N, c.K].join(' ');
}

function expectedOf({ label, layout, rows: outputs, splits, N, K, count }: ModelProduct): string[] {
  const where = layout === 'tn' ? `${outputs} in ${splits}` : `${Math.ceil(outputs / 32)} groups`;
  return new Array(count).fill([label, layout, where, N, K].join(' '));
}

it('are all that a training step has', async () => {
  const sizes = sizesOf(grouped);
  const step = await recorded((model) => model.training(3, 9));
  const products = [...forwardProducts(sizes, tiled, rows), ...backwardProducts(sizes, tiled, rows)];
  expect(step.map(productOf).filter(Boolean).sort()).toEqual(products.flatMap(expectedOf).sort());
  expect(products.find(({ layout }) => layout === 'tn')?.splits).toBe(4);
});

it('are all that an answer has, for its prompts without logits, and for a token of every row', async () => {
  const sizes = sizesOf(grouped);
  const shape = { prompts: 2, generations: 20, promptLength: 5, maxNew: 3 };
  const answer = await recorded((model) => Generator.create(model, shape));
  const prefill = forwardProducts(sizes, tiled, 2 * 5).filter(({ label }) => label !== 'logits');
  const products = [...prefill, ...forwardProducts(sizes, tiled, 2 * 20)];
  expect(answer.map(productOf).filter(Boolean).sort()).toEqual(products.flatMap(expectedOf).sort());
});

it('take the members that are chosen for products of f16', async () => {
  const half = { ...TUNINGS['tiled-f16'], tokensPerSlice: 8 };
  const sizes = sizesOf(grouped);
  const products = [...forwardProducts(sizes, half, rows), ...backwardProducts(sizes, half, rows)];
  const members = Object.fromEntries(products.map((each) => [keyOf(each), '128x64']));
  expect(Object.keys(members).filter((key) => key.endsWith('f16 b')).length).toBe(4 + 4 + 1);
  const step = await recorded((model) => model.training(3, 9), grouped, { ...half, members });
  const tiles = step.filter(({ constants: c }) => c?.LAYOUT !== undefined);
  expect(new Set(tiles.map(({ constants: c }) => `${c?.TILE_M}x${c?.TILE_N}`))).toEqual(new Set(['128x64']));
});

it('take the members that are chosen, and split k through a scratch that has room for it', async () => {
  const wide = { ...grouped, hidden_size: 96, intermediate_size: 64, vocab_size: 64 };
  const sizes = sizesOf(wide);
  const products = [...forwardProducts(sizes, tiled, rows), ...backwardProducts(sizes, tiled, rows)];
  const members = Object.fromEntries(
    products.map((each) => [keyOf(each), each.layout === 'tn' ? '128x64' : '64x64/4']),
  );
  const step = await recorded((model) => model.training(3, 9), wide, { ...tiled, members });
  const tiles = step.filter(({ constants: c }) => c?.LAYOUT !== undefined);
  const cut = tiles.filter(({ constants: c }) => c?.LAYOUT !== 2);
  expect(tiles.map(({ constants: c }) => `${c?.TILE_M}x${c?.TILE_N}`).sort()).toEqual(
    products
      .flatMap(({ layout, count }) => new Array(count).fill(layout === 'tn' ? '128x64' : '64x64'))
      .sort(),
  );
  for (const { label, workgroups, bindings } of cut) {
    expect(workgroups[2]).toBe(4);
    const slices = bindings[3] as GPUBuffer;
    expect(slices.size).toBe(4 * MOST_PARTIALS);
    const sums = step.filter((each) => each.label === `${label}/reduce`);
    for (const sum of sums) expect(sum.bindings[0]).toBe(slices);
    expect(sums.length).toBe(cut.filter((each) => each.label === label).length);
  }
});
