/** Products that do more than store their sums: what comes before and after them is in one dispatch with them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import {
  type Heads,
  matmulGated,
  matmulNormed,
  matmulNT,
  matmulRotated,
  matmulUngated,
  rmsNorm,
  rope,
  swiglu,
  TUNINGS,
  type Tuning,
} from '../../src/gpu/kernels';
import { keyOf } from '../../src/gpu/kernels/matmulFamily';
import { plainLayout } from '../../src/model/packing';
import { rotationTable } from '../../src/model/transformer';
import { wholeGrid } from '../adapter';
import { multiHead } from '../model/shapes';
import { expectClose, normals, runKernel, stream, testGpu } from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const random = stream('matmul ends');
const eps = 1e-5;
const theta = 10_000;
// Rows past a tile's edge, and columns that leave the last tile with less than a half of it.
const [rows, K, F] = [35, 132, 68];
const heads: Heads = { heads: 3, kvHeads: 1, headDim: 24 };
const W = twins.rowWidth(heads);
const { spans } = plainLayout(Uint32Array.of(rows), rows);
const rotation = rotationTable({
  ...multiHead,
  hidden_size: heads.headDim,
  num_attention_heads: 1,
  rope_theta: theta,
  max_position_embeddings: rows,
});
const x = normals(random, rows * K);
const weight = normals(random, K);
const normed = twins.rmsNorm(x, weight, K, eps);

const tiled = TUNINGS.tiled;
/** All products of here by one member of the family. */
function taking(member: string): Tuning {
  const nt = { layout: 'nt', rows, splits: 1, K } as const;
  const keys = [{ ...nt, N: W }, { ...nt, N: 2 * F }, { ...nt, layout: 'nn', N: F } as const].map(keyOf);
  return { ...tiled, members: Object.fromEntries(keys.map((key) => [key, member])) };
}

// The largest tile, the low ones, and none between: a software adapter takes seconds to compile each.
const names = wholeGrid ? ['128x128', '32x32', '16x64'] : ['32x32'];
const layouts: [string, Tuning, boolean][] = [
  ['portable', TUNINGS.portable, false],
  ...names.map((name): [string, Tuning, boolean] => [name, taking(name), true]),
  // The end is a dispatch of its own where k is split.
  ['64x64/4', taking('64x64/4'), false],
];

describe.each(layouts)('%s', (name, tuning, isOne) => {
  /** Tiles of up to 32 rows normalise the rows themselves. */
  const normsItself = isOne && Number(name.split('x')[0]) <= 32;
  const scratchSize = 2 ** 21;
  const product = (
    s: { input(values: Float32Array<ArrayBuffer>): GPUBuffer },
    w: Float32Array<ArrayBuffer>,
  ) => ({
    ...{ label: 'product', w: s.input(w), K, rows },
    scratch: s.input(new Float32Array(scratchSize)),
  });

  it('turns queries and keys to their positions', async () => {
    const w = normals(random, W * K);
    const outputs = { qkv: rows * W, normed: rows * K, scale: rows, apart: rows * W };
    const { qkv, apart } = await runKernel(
      gpu,
      { ...outputs, normed: new Float32Array(rows * K), scale: new Float32Array(rows) },
      (s) => {
        const shape = s.shape(rows);
        const common = { ...product(s, w), shape };
        const input = {
          x: s.input(x),
          weight: s.input(weight),
          eps,
          normed: s.out.normed,
          scale: s.out.scale,
        };
        const turn = { rotation: s.input(rotation), spans: s.input(spans), heads };
        matmulRotated(s.plan, tuning, {
          ...common,
          input: { ...input, isKept: false },
          turn,
          out: s.out.qkv,
        });
        expect(s.plan.dispatches).toBe(isOne ? (normsItself ? 1 : 2) : 4);
        rmsNorm(s.plan, tuning, { ...input, out: s.out.normed, D: K, rows, shape });
        matmulNT(s.plan, tuning, { ...common, a: s.out.normed, N: W, out: s.out.apart });
        rope(s.plan, { ...turn, qkv: s.out.apart, inverse: false, rows, shape });
      },
      5,
    );
    const plain = twins.matmulNT(normed, w, rows, K, W);
    expectClose(
      qkv,
      twins.rope(plain, heads, theta, (row) => row),
    );
    expect(qkv).toEqual(apart);
  });

  it.each([true, false])('lets through a gate, gate and up kept: %s', async (isKept) => {
    const w = normals(random, 2 * F * K);
    const { h, gateUp, apart, left, scale } = await runKernel(
      gpu,
      {
        ...{ h: rows * F, apart: rows * F },
        // What is not kept may be written or not.
        gateUp: new Float32Array(rows * 2 * F),
        left: new Float32Array(rows * K),
        scale: new Float32Array(rows),
        ...{ wide: rows * 2 * F, normed: rows * K },
      },
      (s) => {
        const shape = s.shape(rows);
        const common = { ...product(s, w), shape };
        const norm = { x: s.input(x), weight: s.input(weight), eps, scale: s.out.scale };
        const input = { ...norm, normed: s.out.left, isKept };
        matmulGated(s.plan, tuning, {
          ...common,
          input,
          out: s.out.gateUp,
          h: s.out.h,
          halfH: null,
          F,
          isKept,
        });
        expect(s.plan.dispatches).toBe(isOne ? (normsItself && !isKept ? 1 : 2) : 4);
        rmsNorm(s.plan, tuning, { ...norm, out: s.out.normed, D: K, rows, shape });
        matmulNT(s.plan, tuning, { ...common, a: s.out.normed, N: 2 * F, out: s.out.wide });
        swiglu(s.plan, { gateUp: s.out.wide, h: s.out.apart, F, rows, shape });
      },
      5,
    );
    const wide = twins.matmulNT(normed, w, rows, K, 2 * F);
    expectClose(h, twins.swiglu(wide, F));
    expect(h).toEqual(apart);
    if (!isKept) return;
    expectClose(gateUp, wide);
    expectClose(left, normed);
    expect(scale.every((value) => value > 0)).toBe(true);
  });

  it('hands back the gradient of a gate, in a buffer of its own and in place', async () => {
    const [a, w, gateUp] = [normals(random, rows * K), normals(random, K * F), normals(random, rows * 2 * F)];
    const wide = rows * 2 * F;
    const { dGateUp, inPlace, apart } = await runKernel(
      gpu,
      { dGateUp: wide, inPlace: gateUp, apart: wide, dh: new Float32Array(rows * F) },
      (s) => {
        const shape = s.shape(rows);
        const common = { ...product(s, w), a: s.input(a), out: s.out.dh, F, isHalf: false, shape };
        const kept = s.input(gateUp);
        matmulUngated(s.plan, tuning, { ...common, gateUp: kept, dGateUp: s.out.dGateUp });
        matmulUngated(s.plan, tuning, { ...common, gateUp: s.out.inPlace, dGateUp: s.out.inPlace });
        expect(s.plan.dispatches).toBe(isOne ? 2 : name === 'portable' ? 4 : 6);
        if (!isOne) return;
        const portable = TUNINGS.portable;
        matmulUngated(s.plan, portable, { ...common, gateUp: kept, dGateUp: s.out.apart });
      },
      5,
    );
    const expected = twins.swigluBackward(gateUp, twins.matmulNN(a, w, rows, K, F), F);
    expectClose(dGateUp, expected);
    expect(inPlace).toEqual(dGateUp);
    if (isOne) expectClose(apart, expected);
  });
});

it('normalises rows without an end', async () => {
  const w = normals(random, W * K);
  const tuning = taking('32x32');
  const { out } = await runKernel(
    gpu,
    { out: rows * W, normed: new Float32Array(rows * K), scale: new Float32Array(rows) },
    (s) => {
      const input = { x: s.input(x), weight: s.input(weight), eps, normed: s.out.normed, scale: s.out.scale };
      const common = { label: 'product', w: s.input(w), K, N: W, rows, shape: s.shape(rows) };
      const product = { ...common, input: { ...input, isKept: false }, scratch: s.input(w), out: s.out.out };
      expect(matmulNormed(s.plan, tuning, product)).toBe(false);
      expect(s.plan.dispatches).toBe(1);
    },
  );
  expectClose(out, twins.matmulNT(normed, w, rows, K, W));
});
