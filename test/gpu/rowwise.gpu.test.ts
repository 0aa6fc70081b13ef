/** The kernels that work row by row: rms_norm, rope, swiglu; and clear. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import {
  clear,
  type Heads,
  rmsNorm,
  rmsNormBackward,
  rope,
  swiglu,
  swigluBackward,
  type Tuning,
} from '../../src/gpu/kernels';
import { ROW_OF_GROUPS } from '../../src/gpu/plan';
import { plainLayout } from '../../src/model/packing';
import { rotationTable } from '../../src/model/transformer';
import { multiHead } from '../model/shapes';
import {
  adversarial,
  expectClose,
  expectFinite,
  normals,
  runKernel,
  stream,
  testGpu,
  tunings,
} from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const eps = 1e-5;

describe('rms_norm', () => {
  const random = stream('rms_norm');

  /** Forward and backward in one plan; `before` is the residual branch's gradient that dx starts from. */
  function run(
    tuning: Tuning,
    D: number,
    splits: number,
    data: Record<'x' | 'weight' | 'dy' | 'before', Float32Array<ArrayBuffer>>,
    repeats = 1,
  ) {
    const rows = data.x.length / D;
    // A first row of the pool's other gradients, so that slices do not simply follow one another.
    const slice = D + 4;
    const outputs = { y: rows * D, scale: rows, dx: data.before, dWeight: new Float32Array(splits * slice) };
    return runKernel(
      gpu,
      outputs,
      (s) => {
        const { y, scale, dx, dWeight } = s.out;
        const weight = s.input(data.weight);
        const common = { x: s.input(data.x), scale, D, eps, rows, shape: s.shape(rows), weight };
        rmsNorm(s.plan, tuning, { ...common, out: y });
        rmsNormBackward(s.plan, tuning, {
          ...common,
          dy: s.input(data.dy),
          dx,
          dWeight: { out: dWeight, splits, slice },
        });
      },
      repeats,
    );
  }

  it.each([
    [1, 4, 1],
    [7, 12, 3],
    [9, 100, 1],
    [17, 12, 3],
    [65, 132, 4],
  ])('%i rows of %i features, %i splits', async (rows, D, splits) => {
    const data = {
      x: normals(random, rows * D).map((value, i) => value * 10 ** ((i % 7) - 3)),
      weight: normals(random, D),
      dy: normals(random, rows * D),
      before: normals(random, rows * D),
    };
    data.x.fill(0, 0, D); // an all-zero row has scale 1/√eps
    const expected = twins.rmsNormBackward(data.x, data.weight, data.dy, D, eps);
    for (const tuning of tunings) {
      const { y, dx, dWeight } = await run(tuning, D, splits, data);
      const slices = Array.from({ length: splits }, (_, s) => dWeight.subarray(s * (D + 4), s * (D + 4) + D));
      expectClose(y, twins.rmsNorm(data.x, data.weight, D, eps));
      for (let row = 0; row < rows; row++) {
        // Row by row: the gradient scales with 1/√mean(x²), and the zero row's would hide the others'.
        const span = [row * D, (row + 1) * D] as const;
        const sum = expected.dx.subarray(...span).map((value, i) => value + data.before[span[0] + i]);
        expectClose(dx.subarray(...span), sum);
      }
      const total = Float64Array.from({ length: D }, (_, d) => slices.reduce((sum, s) => sum + s[d], 0));
      expectClose(total, expected.dWeight);
      for (let s = 0; s < splits; s++) {
        expect([...dWeight.subarray(s * (D + 4) + D, (s + 1) * (D + 4))]).toEqual([0, 0, 0, 0]);
      }
    }
  });

  it('is equal to the bit in twenty runs', async () => {
    const [rows, D] = [17, 12];
    const [x, weight, dy, before] = [rows * D, D, rows * D, rows * D].map((n) => adversarial(random, n));
    for (const tuning of tunings) {
      const out = await run(tuning, D, 3, { x, weight, dy, before }, 20);
      Object.values(out).forEach(expectFinite);
    }
  });
});

describe.each<[string, Heads, number, number]>([
  ['one head of 4', { heads: 1, kvHeads: 1, headDim: 4 }, 1, 1],
  ['grouped heads of 12', { heads: 6, kvHeads: 2, headDim: 12 }, 3, 13],
])('rope: %s', (name, heads, batch, length) => {
  const random = stream(`rope ${name}`);
  const theta = 10000;
  const rows = batch * length;
  const config = { ...multiHead, hidden_size: heads.heads * heads.headDim, num_attention_heads: heads.heads };
  const table = rotationTable({ ...config, max_position_embeddings: length, rope_theta: theta });
  const { spans } = plainLayout(new Uint32Array(batch).fill(length), length);
  const run = (values: Float32Array<ArrayBuffer>, inverse: boolean, repeats = 1) =>
    runKernel(
      gpu,
      { qkv: values },
      (s) => {
        const common = { rotation: s.input(table), spans: s.input(spans), heads, rows };
        rope(s.plan, { ...common, qkv: s.out.qkv, inverse, shape: s.shape(rows, length, batch) });
      },
      repeats,
    );

  it.each([false, true])('inverse %s', async (inverse) => {
    const qkv = normals(random, rows * twins.rowWidth(heads));
    const out = await run(qkv, inverse);
    expectClose(
      out.qkv,
      twins.rope(qkv, heads, theta, (row) => row % length, inverse),
    );
  });

  it('is equal to the bit in twenty runs', async () => {
    expectFinite((await run(adversarial(random, rows * twins.rowWidth(heads)), false, 20)).qkv);
  });
});

describe('swiglu', () => {
  const random = stream('swiglu');
  const run = (
    gateUp: Float32Array<ArrayBuffer>,
    dh: Float32Array<ArrayBuffer>,
    F: number,
    repeats: number,
  ) => {
    const rows = dh.length / F;
    return runKernel(
      gpu,
      { h: dh.length, dGateUp: gateUp.length, inPlace: gateUp },
      (s) => {
        const common = { gateUp: s.input(gateUp), dh: s.input(dh), F, rows, shape: s.shape(rows) };
        swiglu(s.plan, { ...common, h: s.out.h });
        swigluBackward(s.plan, { ...common, dGateUp: s.out.dGateUp });
        swigluBackward(s.plan, { ...common, gateUp: s.out.inPlace, dGateUp: s.out.inPlace });
      },
      repeats,
    );
  };

  it.each([
    [1, 4],
    [13, 12],
    [65, 100],
  ])('%i rows of %i', async (rows, F) => {
    const [gateUp, dh] = [normals(random, 2 * rows * F).map((x) => 3 * x), normals(random, rows * F)];
    const { h, dGateUp, inPlace } = await run(gateUp, dh, F, 1);
    expect(inPlace).toEqual(dGateUp);
    expectClose(h, twins.swiglu(gateUp, F));
    expectClose(dGateUp, twins.swigluBackward(gateUp, dh, F));
  });

  it('stays finite where the sigmoid saturates, and equal to the bit in twenty runs', async () => {
    const [gateUp, dh] = [adversarial(random, 2 * 13 * 12), adversarial(random, 13 * 12)];
    const { h, dGateUp } = await run(gateUp, dh, 12, 20);
    expectFinite(h);
    expectFinite(dGateUp);
    expectClose(h, twins.swiglu(gateUp, 12));
    expectClose(dGateUp, twins.swigluBackward(gateUp, dh, 12));
  });
});

/** A device takes 65,535 workgroups each way; `medium` and `large` need more of them. */
describe('more workgroups than fit in a row', () => {
  const wave = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 7) % 97) / 48 - 1);

  it('swiglu and its gradient', async () => {
    const rows = ROW_OF_GROUPS * 64 + 77;
    const [gateUp, dh] = [wave(8 * rows), wave(4 * rows)];
    const { h, dGateUp } = await runKernel(gpu, { h: dh.length, dGateUp: gateUp.length }, (s) => {
      const common = { gateUp: s.input(gateUp), F: 4, rows, shape: s.shape(rows) };
      swiglu(s.plan, { ...common, h: s.out.h });
      swigluBackward(s.plan, { ...common, dh: s.input(dh), dGateUp: s.out.dGateUp });
    });
    expectClose(h, twins.swiglu(gateUp, 4));
    expectClose(dGateUp, twins.swigluBackward(gateUp, dh, 4));
  });

  it('rope', async () => {
    const heads = { heads: 2, kvHeads: 2, headDim: 16 };
    const rows = (ROW_OF_GROUPS * 64) / 32 + 5;
    const config = { ...multiHead, hidden_size: 32, num_attention_heads: 2, max_position_embeddings: rows };
    const qkv = wave(rows * twins.rowWidth(heads));
    const out = await runKernel(gpu, { qkv }, (s) => {
      const common = { rotation: s.input(rotationTable({ ...config, rope_theta: 10000 })), heads, rows };
      const spans = s.input(plainLayout([rows], rows).spans);
      rope(s.plan, { ...common, spans, qkv: s.out.qkv, inverse: false, shape: s.shape(rows) });
    });
    expectClose(
      out.qkv,
      twins.rope(qkv, heads, 10000, (row) => row, false),
    );
  });

  it.each(tunings)('rms_norm: $name', async (tuning) => {
    const rows = ROW_OF_GROUPS * tuning.rows + 3;
    const [x, weight] = [wave(4 * rows), wave(4)];
    const { out } = await runKernel(gpu, { out: x.length, scale: rows }, (s) => {
      const common = { x: s.input(x), weight: s.input(weight), D: 4, eps, rows, shape: s.shape(rows) };
      rmsNorm(s.plan, tuning, { ...common, scale: s.out.scale, out: s.out.out });
    });
    expectClose(out, twins.rmsNorm(x, weight, 4, eps));
  });
});

it.each([4, 100, 300_004])('clear %i floats, and no more', async (size) => {
  const { out } = await runKernel(gpu, { out: size }, (s) => clear(s.plan, { out: s.out.out, size }));
  expect(out.every((value) => Object.is(value, 0))).toBe(true);
});
