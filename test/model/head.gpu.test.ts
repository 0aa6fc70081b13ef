/** The head in chunks of the vocabulary against its f64 twin: logits are never whole, and nothing shows. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { TUNINGS, type Tuning } from '../../src/gpu/kernels';
import { addEmbeddingGradient, addLoss, addNormedGradient } from '../../src/model/head';
import { chunksOf, type Sizes } from '../../src/model/plans';
import { expectClose, normals, runKernel, stream, testGpu } from '../gpu/harness';
import * as twins from '../gpu/twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const random = stream('head');
const D = 16;

/** Hidden states, embeddings, and tokens of which a third are ignored. */
function scene(rows: number, V: number) {
  const tokens = Uint32Array.from({ length: rows }, () => random.int(V));
  const weights = Float32Array.from({ length: rows }, (_, row) => (row % 3 === 2 ? 0 : random.uniform()));
  return { rows, V, tokens, weights, h: normals(random, rows * D), w: normals(random, V * D) };
}

type Scene = ReturnType<typeof scene>;

function expectedOf({ rows, V, tokens, weights, h, w }: Scene) {
  const { scores, sums, dlogits } = twins.crossEntropy({
    logits: twins.matmulNT(h, w, rows, D, V),
    tokens,
    lengths: Uint32Array.of(rows),
    weights,
    segments: new Uint32Array(rows),
    advantages: Float32Array.of(1),
    baselines: new Float32Array(2 * rows),
    ...{
      V,
      length: rows,
      mode: 'supervised',
      useOld: false,
      beta: 0,
      epsilonLow: 0,
      epsilonHigh: 0,
      temperature: 1,
    },
  });
  return {
    scores,
    metrics: sums,
    dh: twins.matmulNN(dlogits, w, rows, V, D),
    dw: twins.matmulTN(dlogits, h, rows, V, D),
  };
}

/** Loss, scores and both gradients, `columns` of the vocabulary at a time. */
function run(tuning: Tuning, { rows, V, tokens, weights, h, w }: Scene, columns: number, repeats = 1) {
  const chunks = chunksOf(V, columns);
  const lanes = columns < V ? rows * tuning.rowLanes : 0;
  return runKernel(
    gpu,
    {
      ...{ scores: 2 * rows, metrics: 8, dh: rows * D, dw: V * D },
      ...{
        logits: rows * columns,
        maxima: lanes,
        sums: 4 * lanes,
        statistics: 8 * rows,
        scratch: columns * D,
      },
    },
    (s) => {
      const { logits, maxima, sums, scratch, scores, dw } = s.out;
      const normed = s.input(h);
      const vocabulary = {
        // Of sizes, no more is looked at.
        sizes: { V, D } as Sizes,
        embedding: s.input(w),
        head: { normed, scale: normed, logits, columns, sums: columns < V ? { maxima, sums } : null },
        scratch,
        tokens: s.input(tokens),
        scores,
        rows,
        shape: s.shape(rows),
        objective: s.uniform(new Uint32Array([0, 0, 0, 0, 0, 0, 0, 0x3f800000])),
      };
      addLoss(s.plan, tuning, {
        ...vocabulary,
        weights: s.input(
          Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? weights[i / 2] : 0)),
        ),
        advantages: s.input(Float32Array.of(1)),
        baselines: s.input(new Float32Array(2 * rows)),
        statistics: s.out.statistics,
        metrics: s.out.metrics,
      });
      addNormedGradient(s.plan, tuning, { ...vocabulary, out: s.out.dh });
      for (const chunk of chunks) {
        const out = { buffer: dw, offset: 4 * D * chunk.from, size: 4 * D * chunk.size };
        addEmbeddingGradient(s.plan, tuning, { ...vocabulary, chunk, out, splits: 1, slice: 0 });
      }
    },
    repeats,
  ).then(({ scores, metrics, dh, dw }) => ({ scores, metrics, dh, dw }));
}

type Found = Awaited<ReturnType<typeof run>>;
const NAMES = ['scores', 'metrics', 'dh', 'dw'] as const;

function expectAlike(found: Found, expected: ReturnType<typeof expectedOf>, tolerance = 1e-4): void {
  for (const name of NAMES) expectClose(found[name], expected[name], tolerance);
}

function expectSameBits(found: Found, other: Found): void {
  for (const name of NAMES) {
    const [a, b] = [found, other].map((each) => new Uint32Array(each[name].buffer));
    expect(
      a.findIndex((word, i) => word !== b[i]),
      name,
    ).toBe(-1);
  }
}

const cases: [string, { rows: number; V: number; columns: number }, Tuning][] = [
  ['4 columns at a time', { rows: 7, V: 36, columns: 4 }, TUNINGS.portable],
  ['a last chunk of 44', { rows: 13, V: 300, columns: 128 }, TUNINGS.portable],
  ['one row, which predicts nothing', { rows: 1, V: 132, columns: 64 }, TUNINGS.portable],
  ['two rows', { rows: 2, V: 68, columns: 64 }, TUNINGS.portable],
  ['rows past a workgroup, a last chunk of 44', { rows: 37, V: 108, columns: 64 }, TUNINGS.tiled],
];

describe('chunks of the vocabulary', () => {
  it.each(cases)(
    '%s: the twin’s numbers, and the bits of logits that are whole',
    async (_, shape, tuning) => {
      const data = scene(shape.rows, shape.V);
      const found = await run(tuning, data, shape.columns, 20);
      expectAlike(found, expectedOf(data));
      expectSameBits(found, await run(tuning, data, shape.V));
    },
  );

  it('take a vocabulary of 151,936', async () => {
    const data = scene(5, 151_936);
    const found = await run(TUNINGS.portable, data, 32_768);
    // So many terms are added up in turn, in f32: 4.4e-4 from f64, chunks or not.
    expectAlike(found, expectedOf(data), 1e-3);
    expectSameBits(found, await run(TUNINGS.portable, data, data.V));
  });
});
