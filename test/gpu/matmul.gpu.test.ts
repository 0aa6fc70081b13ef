import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { matmulNN, matmulNT, matmulTN, reduceSlices, scratchSize, TUNINGS } from '../../src/gpu/kernels';
import { FAMILY, type Member, MOST_PARTIALS, nameOf, offered } from '../../src/gpu/kernels/matmulFamily';
import { matmulTiled } from '../../src/gpu/kernels/matmulTiled';
import { reduceSplits } from '../../src/gpu/kernels/reduceSplits';
import { wholeGrid } from '../adapter';
import { adversarial, expectClose, normals, runKernel, stream, testGpu, tunings } from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

// Below and past the tiles of 8 × 8 and 64 × 64. Few, as a software adapter compiles one for a second.
const grid: [K: number, N: number, residual: boolean][] = [
  [12, 100, true],
  [68, 4, false],
];
const extents = wholeGrid ? grid : grid.slice(0, 1);
const rowCounts = [1, 7, 9, 65];
const random = stream('matmul');

/** Objective uniform with `accumulate` on or off; reduce_slices reads nothing else of it. */
const objective = (accumulate: boolean) => new Uint32Array([0, 0, accumulate ? 1 : 0, 0, 0, 0, 0, 0]);

/** `bounds`: the same product of the magnitudes, which is what rounding scales with where the terms cancel. */
function expectWithin(actual: Float32Array, expected: Float64Array, bounds: Float64Array) {
  actual.forEach((value, i) => {
    if (!(Math.abs(value - expected[i]) <= 1e-5 * bounds[i])) expect.fail(`[${i}]: ${value}, ${expected[i]}`);
  });
}

describe.each(extents)('K = %i, N = %i, residual: %s', (K, N, withResidual) => {
  it.each(rowCounts)('nt, and its gradients nn and tn, %i rows', async (rows) => {
    const [x, w, dy] = [normals(random, rows * K), normals(random, N * K), normals(random, rows * N)];
    const [u, residual] = [normals(random, K * N), normals(random, rows * N)];
    for (const tuning of tunings) {
      const { nt, nn, tn } = await runKernel(gpu, { nt: rows * N, nn: rows * N, tn: K * N }, (s) => {
        const shape = s.shape(rows);
        const a = s.input(x);
        const common = { a, K, N, rows, scratch: s.input(w), shape };
        const added = withResidual ? { residual: s.input(residual) } : {};
        matmulNT(s.plan, tuning, {
          ...common,
          ...added,
          label: 'nt',
          w: s.input(w),
          out: s.out.nt,
        });
        matmulNN(s.plan, tuning, { ...common, label: 'nn', w: s.input(u), out: s.out.nn });
        const slices = { splits: 1, slice: 0 };
        matmulTN(s.plan, tuning, {
          label: 'tn',
          a,
          b: s.input(dy),
          out: s.out.tn,
          M: K,
          N,
          ...slices,
          shape,
        });
      });
      expectClose(nt, twins.matmulNT(x, w, rows, K, N, withResidual ? residual : undefined));
      expectClose(nn, twins.matmulNN(x, u, rows, K, N));
      expectClose(tn, twins.matmulTN(x, dy, rows, K, N));
    }
  });
});

// Two rows leave the last split empty: its slice must hold zeros all the same.
it.each([2, 7, 65])('tn in three splits of %i rows, added up by reduce_slices', async (rows) => {
  const [M, N, splits] = [12, 100, 3];
  const slice = M * N + 52;
  const [a, b, before] = [normals(random, rows * M), normals(random, rows * N), normals(random, slice)];
  const expected = twins.matmulTN(a, b, rows, M, N);
  for (const tuning of tunings) {
    const slices = new Float32Array(splits * slice);
    for (let s = 0; s < splits; s++) slices.fill(Number.NaN, s * slice, s * slice + M * N);
    const outputs = { slices, fresh: slice, added: before };
    const { fresh, added } = await runKernel(gpu, outputs, (s) => {
      const tn = { a: s.input(a), b: s.input(b), out: s.out.slices, M, N, splits, slice };
      matmulTN(s.plan, tuning, { ...tn, label: 'tn', shape: s.shape(rows) });
      const reduce = { slices: s.out.slices, size: slice, splits };
      reduceSlices(s.plan, {
        ...reduce,
        gradient: s.out.fresh,
        objective: s.uniform(objective(false)),
      });
      reduceSlices(s.plan, { ...reduce, gradient: s.out.added, objective: s.uniform(objective(true)) });
    });
    expectClose(fresh.subarray(0, M * N), expected);
    expect([...fresh.subarray(M * N)]).toEqual(new Array(slice - M * N).fill(0));
    expectClose(
      added,
      before.map((value, i) => value + (expected[i] ?? 0)),
    );
  }
});

it.each(tunings)(
  'is right where terms cancel, and equal to the bit in twenty runs: $name',
  async (tuning) => {
    const [rows, K, N] = [9, 12, 100];
    const slice = K * N + 52;
    const [a, w, u, b, residual] = [rows * K, N * K, K * N, rows * N, rows * N].map((n) =>
      adversarial(random, n),
    );
    const outputs = { nt: rows * N, nn: rows * N, tn: new Float32Array(3 * slice), dw: slice };
    const { nt, nn, dw } = await runKernel(
      gpu,
      outputs,
      (s) => {
        const shape = s.shape(rows);
        const common = { a: s.input(a), K, N, rows, scratch: s.input(w), shape };
        const added = { residual: s.input(residual) };
        matmulNT(s.plan, tuning, {
          ...common,
          ...added,
          label: 'nt',
          w: s.input(w),
          out: s.out.nt,
        });
        matmulNN(s.plan, tuning, { ...common, label: 'nn', w: s.input(u), out: s.out.nn });
        const tn = { label: 'tn', a: common.a, b: s.input(b), out: s.out.tn, M: K, N };
        matmulTN(s.plan, tuning, { ...tn, splits: 3, slice, shape });
        const reduce = { slices: s.out.tn, gradient: s.out.dw, size: slice, splits: 3 };
        reduceSlices(s.plan, { ...reduce, objective: s.uniform(objective(false)) });
      },
      20,
    );
    const sizes = [a, w, u, b, residual].map((values) => values.map(Math.abs));
    expectWithin(
      nt,
      twins.matmulNT(a, w, rows, K, N, residual),
      twins.matmulNT(sizes[0], sizes[1], rows, K, N, sizes[4]),
    );
    expectWithin(nn, twins.matmulNN(a, u, rows, K, N), twins.matmulNN(sizes[0], sizes[2], rows, K, N));
    const bounds = twins.matmulTN(sizes[0], sizes[3], rows, K, N);
    expectWithin(dw.subarray(0, K * N), twins.matmulTN(a, b, rows, K, N), bounds);
  },
);

// Past the edges of every tile and below them, and runs of k of which the last is short or empty; K = 288 has whole steps alone, which
// are loaded without asking. The launchers take the smallest tile for all shapes above.
const odd: [rows: number, K: number, N: number][] = [
  [133, 260, 260],
  [7, 288, 100],
];
const members = FAMILY.map((member) => [nameOf(member), member] as const);

describe.each(wholeGrid ? odd : odd.slice(0, 1))('%i rows, K = %i, N = %i', (rows, K, N) => {
  it.each(members)('shared out as %s, equal to the bit in twenty runs', async (_, member) => {
    const [x, w, dy] = [normals(random, rows * K), normals(random, N * K), normals(random, rows * N)];
    const [u, residual] = [normals(random, K * N), normals(random, rows * N)];
    // tn has slices instead of splits, which come apart.
    const isCut = member.splits > 1;
    const slices = 2;
    const slice = K * N + 4;
    const outputs = { nt: rows * N, nn: rows * N, tn: isCut ? 4 : slices * slice };
    const { nt, nn, tn } = await runKernel(
      gpu,
      outputs,
      (s) => {
        const shape = s.shape(rows);
        const [a, d] = [s.input(x), s.input(dy)];
        const scratch = s.input(new Float32Array(isCut ? MOST_PARTIALS : 4).fill(Number.NaN));
        const product = { a, rows, K, N, splits: 1, slice: 0, scratch, shape };
        const [b, added] = [s.input(w), s.input(residual)];
        const nt = { ...product, layout: 'nt', label: 'nt', b, residual: added, out: s.out.nt } as const;
        const nn = { ...product, layout: 'nn', label: 'nn', b: s.input(u), out: s.out.nn } as const;
        for (const each of [nt, nn]) {
          expect(offered(each, gpu.device.limits)).toContain(member);
          matmulTiled(s.plan, each, member);
        }
        if (isCut) return;
        const extents = { rows: K, K: 0, N, splits: slices, slice };
        const tn = { ...extents, layout: 'tn', label: 'tn', a, b: d, out: s.out.tn, shape } as const;
        matmulTiled(s.plan, tn, member);
      },
      20,
    );
    expectClose(nt, twins.matmulNT(x, w, rows, K, N, residual));
    expectClose(nn, twins.matmulNN(x, u, rows, K, N));
    if (isCut) return;
    expectClose(
      tn.subarray(0, K * N).map((value, i) => value + tn[slice + i]),
      twins.matmulTN(x, dy, rows, K, N),
    );
  });
});

it('the launchers take the member that was chosen for a shape, and the usual one for others', async () => {
  const [rows, K, N] = [9, 132, 36];
  const [x, w, residual] = [normals(random, rows * K), normals(random, N * K), normals(random, rows * N)];
  const { tiled } = TUNINGS;
  const chosen = { ...tiled, members: { 'nt 9x36x132': '32x32/4', 'nn 9x36x132': '64x64/4' } };
  const outputs = { nt: rows * N, nn: rows * N, usual: rows * N, by32: rows * N, by64: rows * N };
  const { nt, nn, usual, by32, by64 } = await runKernel(gpu, outputs, (s) => {
    const [a, matrix, added] = [x, w, residual].map((values) => s.input(values));
    const scratch = s.input(new Float32Array(scratchSize(chosen, 0)));
    const common = { a, K, N, rows, scratch, shape: s.shape(rows) };
    const nt = { ...common, w: matrix, residual: added };
    matmulNT(s.plan, chosen, { ...nt, label: 'nt', out: s.out.nt });
    matmulNN(s.plan, chosen, { ...common, label: 'nn', w: matrix, out: s.out.nn });
    matmulNT(s.plan, tiled, { ...nt, label: 'usual', out: s.out.usual });
    const whole = { ...common, b: matrix, splits: 1, slice: 0 };
    const [cut32, cut64] = ['32x32/4', '64x64/4'].map(
      (name) => FAMILY.find((member) => nameOf(member) === name) as Member,
    );
    const by32 = { ...whole, layout: 'nt', label: 'by 32', residual: added, out: s.out.by32 } as const;
    matmulTiled(s.plan, by32, cut32);
    matmulTiled(s.plan, { ...whole, layout: 'nn', label: 'by 64', out: s.out.by64 }, cut64);
    expect(s.plan.dispatches).toBe(2 + 2 + 1 + 2 + 2);
  });
  expect(nt).toEqual(by32);
  expect(nn).toEqual(by64);
  // Splitting k rounds otherwise, so the table can be seen in the bits.
  expect(nt).not.toEqual(usual);
  expectClose(nt, usual);
});

it('adds the slices of a split product up in the order of k, and the residual last', async () => {
  // In f32, 2^24 + 1 is 2^24, so every other order gives another number.
  const big = 2 ** 24;
  const slices = new Float32Array([big, 1, 1, -big].flatMap((value) => [value, value, value, value]));
  const { plain, added } = await runKernel(gpu, { plain: 4, added: 4 }, (s) => {
    const common = { label: 'sum', slices: s.input(slices), rows: 1, N: 4, splits: 4, shape: s.shape(1) };
    reduceSplits(s.plan, { ...common, out: s.out.plain });
    const residual = s.input(new Float32Array([3, 4, 5, 6]));
    reduceSplits(s.plan, { ...common, residual, out: s.out.added });
  });
  expect([...plain]).toEqual([0, 0, 0, 0]);
  expect([...added]).toEqual([3, 4, 5, 6]);
});

it('refuses extents that are no multiple of 4', async () => {
  const record = runKernel(gpu, { out: 8 }, (s) => {
    const a = s.input(new Float32Array(8));
    const tuning = TUNINGS.portable;
    matmulNT(s.plan, tuning, {
      label: 'odd',
      a,
      w: a,
      scratch: a,
      out: s.out.out,
      K: 6,
      N: 4,
      rows: 1,
      shape: s.shape(1),
    });
  });
  await expect(record).rejects.toThrow('K = 6 is not a multiple of 4');
});
