import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { matmulNN, matmulNT, matmulTN, reduceSlices, TUNINGS } from '../../src/gpu/kernels';
import { matmulTiled, TILES, tileFor } from '../../src/gpu/kernels/matmulTiled';
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
        const common = { a, K, N, rows, shape };
        const added = withResidual ? { residual: s.input(residual) } : {};
        matmulNT(s.plan, tuning, {
          ...common,
          ...added,
          label: 'nt',
          w: s.input(w),
          scratch: s.input(w),
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
        const common = { a: s.input(a), K, N, rows, shape };
        const added = { residual: s.input(residual) };
        matmulNT(s.plan, tuning, {
          ...common,
          ...added,
          label: 'nt',
          w: s.input(w),
          scratch: s.input(w),
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

// Past the edges of every tile, and a last step that is short. The launchers take the smallest tile for all shapes above.
it.each(TILES)('tiles of $size, equal to the bit in twenty runs', async (tile) => {
  const [rows, K, N, splits] = [133, 36, 132, 2];
  const [x, w, dy] = [normals(random, rows * K), normals(random, N * K), normals(random, rows * N)];
  const residual = normals(random, rows * N);
  const slice = N * K;
  const outputs = { nt: rows * N, nn: rows * K, tn: splits * slice };
  const { nt, nn, tn } = await runKernel(
    gpu,
    outputs,
    (s) => {
      const shape = s.shape(rows);
      const [a, b, d] = [x, w, dy].map((values) => s.input(values));
      const constants = { M: 0, K, N, SPLITS: 1, SLICE: 0, RESIDUAL: 0 };
      const common = { rows, N, splits: 1 };
      matmulTiled(
        s.plan,
        {
          ...common,
          label: 'nt',
          layout: 'nt',
          constants: { ...constants, RESIDUAL: 1 },
          bindings: [a, b, s.input(residual), s.out.nt, shape],
        },
        tile,
      );
      matmulTiled(
        s.plan,
        {
          ...common,
          N: K,
          label: 'nn',
          layout: 'nn',
          constants: { ...constants, K: N, N: K },
          bindings: [d, b, d, s.out.nn, shape],
        },
        tile,
      );
      matmulTiled(
        s.plan,
        {
          label: 'tn',
          layout: 'tn',
          constants: { ...constants, M: N, K: 0, N: K, SPLITS: splits, SLICE: slice },
          bindings: [d, a, d, s.out.tn, shape],
          rows: N,
          N: K,
          splits,
        },
        tile,
      );
    },
    20,
  );
  expectClose(nt, twins.matmulNT(x, w, rows, K, N, residual));
  expectClose(nn, twins.matmulNN(dy, w, rows, N, K));
  expectClose(
    tn.subarray(0, slice).map((value, i) => value + tn[slice + i]),
    twins.matmulTN(dy, x, rows, N, K),
  );
});

it('takes the largest tile that a product has 200 of', () => {
  const sizeFor = (rows: number, N: number, splits = 1) => tileFor({ rows, N, splits }).size;
  expect(sizeFor(2048, 2048)).toBe(128);
  expect(sizeFor(1024, 1024)).toBe(64);
  expect(sizeFor(3456, 256)).toBe(64);
  expect(sizeFor(256, 256, 7)).toBe(32);
  expect(sizeFor(1, 4)).toBe(32);
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
