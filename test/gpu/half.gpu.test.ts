/**
 * Weights stored in f16: how they are rounded, and that products and embeddings of them have the very bits that f32 kernels have with the
 * rounded numbers. So the stated error is that of rounding alone, 2⁻¹¹ of a weight.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import {
  embeddingGather,
  halfWeights,
  matmulGated,
  matmulNN,
  matmulNT,
  matmulRotated,
  matmulTN,
  matmulUngated,
  TUNINGS,
} from '../../src/gpu/kernels';
import { FAMILY, MOST_PARTIALS, nameOf } from '../../src/gpu/kernels/matmulFamily';
import { matmulTiled } from '../../src/gpu/kernels/matmulTiled';
import type { Binding } from '../../src/gpu/plan';
import { plainLayout } from '../../src/model/packing';
import { rotationTable } from '../../src/model/transformer';
import { wholeGrid } from '../adapter';
import { multiHead } from '../model/shapes';
import { adversarial, expectClose, normals, runKernel, stream, testGpu } from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const random = stream('half');
const { tiled, 'tiled-f16': half } = TUNINGS;
type Floats = Float32Array<ArrayBuffer>;

/** As they are stored, two to a word. */
function words(values: Floats): Uint32Array<ArrayBuffer> {
  const bits = Uint16Array.from(values, twins.halfBits);
  return new Uint32Array(bits.buffer);
}
const rounded = (values: Floats): Floats => values.map((value) => twins.fromHalf(twins.halfBits(value)));

/** Stored numbers from a place at which they may not be bound, behind others. */
function inMidst(s: { input(values: Uint32Array<ArrayBuffer>): GPUBuffer }, values: Floats): Binding {
  const before = normals(random, 64);
  const buffer = s.input(words(Float32Array.of(...before, ...values)));
  return { buffer, offset: 128, size: 2 * values.length };
}

describe('rounding', () => {
  const f32 = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0];
  const edges = [
    ...[0, 1, 1.5, 1 / 3, 65_504, 65_519.99, 65_520, 1e30, Number.POSITIVE_INFINITY],
    // Ties between two neighbours, to the even one, on either side, and where a power of two is passed.
    ...[1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 - 2 ** -11, 2 - 2 ** -12, 1 + 2 ** -11 + 2 ** -23],
    // Below the smallest normal number, at it, and below half of the smallest of all.
    ...[
      2 ** -14,
      2 ** -14 - 2 ** -26,
      2 ** -24,
      3 * 2 ** -25,
      2.5 * 2 ** -24,
      3.5 * 2 ** -24,
      2 ** -25,
      2 ** -26,
    ],
    f32(0x387fffff),
  ];
  const values = Float32Array.from([
    ...edges.flatMap((value) => [value, -value]),
    ...normals(random, 4000),
    ...adversarial(random, 4000).map((value) => value * 4),
    ...normals(random, 1000).map((value) => value * 2 ** -15),
  ]);
  const size = values.length - (values.length % 4);

  it('is to the nearest number, and of two to the even one, equal to the bit in twenty runs', async () => {
    const { out } = await runKernel(
      gpu,
      { out: size / 2 },
      (s) => halfWeights(s.plan, { weights: s.input(values.slice(0, size)), out: s.out.out, size }),
      20,
    );
    const found = new Uint16Array(out.buffer, out.byteOffset, size);
    for (let i = 0; i < size; i++)
      if (found[i] !== twins.halfBits(values[i]))
        expect.fail(
          `${values[i]} became ${twins.fromHalf(found[i])}, not ${twins.fromHalf(twins.halfBits(values[i]))}`,
        );
  });

  it('is off by 2⁻¹¹ of a number at most, and by 2⁻²⁵ below 2⁻¹⁴', () => {
    for (const value of values) {
      if (Math.abs(value) >= 65_520) continue;
      const error = Math.abs(twins.fromHalf(twins.halfBits(value)) - value);
      expect(error).toBeLessThanOrEqual(Math.max(2 ** -11 * Math.abs(value), 2 ** -25));
    }
  });

  it('leaves what is no number as it is, so that a loss tells of it', async () => {
    const { out } = await runKernel(gpu, { out: 2 }, (s) =>
      halfWeights(s.plan, {
        weights: s.input(new Float32Array(4).fill(Number.NaN)),
        out: s.out.out,
        size: 4,
      }),
    );
    for (const bits of new Uint16Array(out.buffer, out.byteOffset, 4)) expect(twins.fromHalf(bits)).toBeNaN();
  });
});

// Past the edges of every tile and below them.
const members = FAMILY.map((member) => [nameOf(member), member] as const);
const [, , , , low] = members;
const odd: [rows: number, K: number, N: number, members: (typeof low)[]][] = [
  [133, 260, 260, members],
  [7, 260, 100, [low]],
];

describe.each(wholeGrid ? odd : odd.slice(1))('%i rows, K = %i, N = %i', (rows, K, N, some) => {
  it.each(some)('shared out as %s', async (_, member) => {
    const [x, w, u] = [normals(random, rows * K), normals(random, N * K), normals(random, K * N)];
    const residual = normals(random, rows * N);
    const outputs = { nt: rows * N, nn: rows * N, wholeNT: rows * N, wholeNN: rows * N };
    const found = await runKernel(
      gpu,
      outputs,
      (s) => {
        const scratch = s.input(new Float32Array(member.splits > 1 ? MOST_PARTIALS : 4).fill(Number.NaN));
        const product = {
          label: 'half',
          a: s.input(x),
          rows,
          K,
          N,
          splits: 1,
          slice: 0,
          scratch,
          shape: s.shape(rows),
        };
        const nt = { ...product, layout: 'nt', residual: s.input(residual) } as const;
        const nn = { ...product, layout: 'nn' } as const;
        matmulTiled(s.plan, { ...nt, half: 'b', b: inMidst(s, w), out: s.out.nt }, member);
        matmulTiled(s.plan, { ...nn, half: 'b', b: s.input(words(u)), out: s.out.nn }, member);
        matmulTiled(s.plan, { ...nt, b: s.input(rounded(w)), out: s.out.wholeNT }, member);
        matmulTiled(s.plan, { ...nn, b: s.input(rounded(u)), out: s.out.wholeNN }, member);
      },
      20,
    );
    expect(found.nt).toEqual(found.wholeNT);
    expect(found.nn).toEqual(found.wholeNN);
    expectClose(found.nt, twins.matmulNT(x, rounded(w), rows, K, N, residual));
    expectClose(found.nn, twins.matmulNN(x, rounded(u), rows, K, N));
  });
});

it('the launchers read f16 where the tuning says so, with all that a product may have at its ends', async () => {
  const [rows, K, F] = [35, 132, 68];
  const heads = { heads: 3, kvHeads: 1, headDim: 24 };
  const W = twins.rowWidth(heads);
  const rotation = rotationTable({
    ...multiHead,
    ...{ hidden_size: heads.headDim, num_attention_heads: 1, max_position_embeddings: rows },
  });
  const { spans } = plainLayout(Uint32Array.of(rows), rows);
  const [x, norm, gateUp] = [rows * K, K, rows * 2 * F].map((count) => normals(random, count));
  const [wide, narrow, turned, back, on] = [2 * F * K, F * K, W * K, K * F, F * K].map((count) =>
    normals(random, count),
  );
  const start = normals(random, rows * K);
  const sizes = { nt: rows * F, nn: start, h: rows * F, qkv: rows * W, dGateUp: rows * 2 * F };
  const run = (tuning: typeof half) =>
    runKernel(
      gpu,
      { ...sizes, left: new Float32Array(rows * 2 * F), normed: new Float32Array(rows * K) },
      (s) => {
        const matrix = (w: Floats) => (tuning === half ? inMidst(s, w) : s.input(rounded(w)));
        const common = { label: 'half', rows, scratch: s.input(new Float32Array(4)), shape: s.shape(rows) };
        const input = {
          ...{ x: s.input(x), weight: s.input(norm), eps: 1e-5, isKept: false },
          ...{ normed: s.out.normed, scale: s.out.left },
        };
        const a = s.input(x);
        matmulNT(s.plan, tuning, { ...common, a, w: matrix(narrow), out: s.out.nt, K, N: F });
        const goesOn = { a: s.input(gateUp.subarray(0, rows * F).slice()), goesOn: true };
        matmulNN(s.plan, tuning, { ...common, ...goesOn, w: matrix(on), out: s.out.nn, K: F, N: K });
        const gated = { ...common, input, w: matrix(wide), K, F, isKept: false };
        matmulGated(s.plan, tuning, { ...gated, out: s.out.left, h: s.out.h, halfH: null });
        const turn = { rotation: s.input(rotation), spans: s.input(spans), heads };
        matmulRotated(s.plan, tuning, { ...common, input, w: matrix(turned), K, turn, out: s.out.qkv });
        const kept = { gateUp: s.input(gateUp), dGateUp: s.out.dGateUp, isHalf: false };
        matmulUngated(s.plan, tuning, { ...common, ...kept, a, w: matrix(back), out: s.out.left, K, F });
        expect(s.plan.dispatches).toBe(5);
      },
    );
  const [stored, whole] = [await run(half), await run(tiled)];
  for (const name of Object.keys(sizes) as (keyof typeof sizes)[])
    expect(stored[name], name).toEqual(whole[name]);
  expectClose(stored.nt, twins.matmulNT(x, rounded(narrow), rows, K, F));
});

describe('the MLP, kept in f16 for its backward pass', () => {
  const [rows, K, F] = [35, 132, 68];
  const [x, norm, w, back] = [rows * K, K, 2 * F * K, K * F].map((count) => normals(random, count));

  it.each(['usual', 'chosen to split k'])(
    'gives the very h that goes on, and all three rounded: %s',
    async (which) => {
      const members = which === 'usual' ? {} : { [`nt ${rows}x${2 * F}x${K} f16 b`]: '32x32/4' };
      const start = { scale: new Float32Array(rows), normed: new Float32Array(rows * K) };
      const outputs = { ...{ h: rows * F, whole: rows * F, gateUp: rows * 2 * F }, ...start };
      const halves = { kept: (rows * F) / 2, halfGateUp: rows * F };
      const found = await runKernel(
        gpu,
        { ...outputs, ...halves },
        (s) => {
          const shape = s.shape(rows);
          const input = { x: s.input(x), weight: s.input(norm), eps: 1e-5, isKept: true };
          const common = {
            label: 'half',
            rows,
            scratch: s.input(new Float32Array(4)),
            shape,
            K,
            F,
            isKept: true,
          };
          const product = { ...common, input: { ...input, normed: s.out.normed, scale: s.out.scale } };
          const kept = { w: inMidst(s, w), out: s.out.halfGateUp, h: s.out.h, halfH: s.out.kept };
          matmulGated(s.plan, { ...half, members }, { ...product, ...kept });
          const plain = { w: s.input(rounded(w)), out: s.out.gateUp, h: s.out.whole, halfH: null };
          matmulGated(s.plan, tiled, { ...product, ...plain });
        },
        20,
      );
      expect(found.h).toEqual(found.whole);
      expect(new Uint32Array(found.kept.buffer)).toEqual(words(found.whole));
      expect(new Uint32Array(found.halfGateUp.buffer)).toEqual(words(found.gateUp));
    },
  );

  it('has the gradients that f32 kernels find of the rounded numbers', async () => {
    const [dOut, gateUp, h] = [
      normals(random, rows * K),
      normals(random, rows * 2 * F),
      normals(random, rows * F),
    ];
    const splits = 3;
    const sizes = { half: rows * 2 * F, whole: rows * 2 * F, halfW: splits * K * F, wholeW: splits * K * F };
    const found = await runKernel(gpu, { ...sizes, dh: new Float32Array(rows * F) }, (s) => {
      const shape = s.shape(rows);
      const a = s.input(dOut);
      const common = {
        label: 'half',
        a,
        rows,
        scratch: s.input(new Float32Array(4)),
        shape,
        K,
        F,
        out: s.out.dh,
      };
      const stored = { gateUp: s.input(words(gateUp)), dGateUp: s.out.half, isHalf: true };
      matmulUngated(s.plan, half, { ...common, ...stored, w: inMidst(s, back) });
      const plain = { gateUp: s.input(rounded(gateUp)), dGateUp: s.out.whole, isHalf: false };
      matmulUngated(s.plan, tiled, { ...common, ...plain, w: s.input(rounded(back)) });
      const sums = { label: 'weight', a, M: K, N: F, splits, slice: K * F, shape };
      matmulTN(s.plan, half, { ...sums, b: s.input(words(h)), half: 'b', out: s.out.halfW });
      matmulTN(s.plan, tiled, { ...sums, b: s.input(rounded(h)), out: s.out.wholeW });
    });
    expect(found.half).toEqual(found.whole);
    expect(found.halfW).toEqual(found.wholeW);
    expectClose(
      found.half,
      twins.swigluBackward(rounded(gateUp), twins.matmulNN(dOut, rounded(back), rows, K, F), F),
    );
  });
});

it('embeddings are the rounded rows', async () => {
  const [D, V, rows] = [20, 9, 13];
  const table = normals(random, V * D);
  const tokens = Uint32Array.from({ length: rows }, () => random.int(V));
  const { out } = await runKernel(gpu, { out: rows * D }, (s) => {
    const common = { tokens: s.input(tokens), out: s.out.out, D, V, rows, shape: s.shape(rows) };
    embeddingGather(s.plan, half, { ...common, table: s.input(words(table)) });
  });
  const expected = rounded(table);
  out.forEach((value, i) => {
    expect(value).toBe(expected[tokens[Math.floor(i / D)] * D + (i % D)]);
  });
});
