import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { crossEntropy, scoreTokens, type Tuning } from '../../src/gpu/kernels';
import { type LossType, lossCoefficients } from '../../src/popo/objective';
import vectors from '../vectors/popo.json';
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

const random = stream('cross_entropy');

type Objective = Pick<twins.LossInput, 'mode' | 'useOld' | 'beta' | 'temperature'>;

const lossInput = (
  sequences: number[],
  length: number,
  V: number,
  logits: Float32Array<ArrayBuffer>,
  objective: Objective,
) => {
  const rows = sequences.length * length;
  const base = {
    logits,
    tokens: Uint32Array.from({ length: rows }, () => random.int(V)),
    lengths: Uint32Array.from(sequences),
    weights: Float32Array.from({ length: rows }, (_, row) => {
      const past = row % length >= sequences[Math.floor(row / length)];
      return past || random.chance(0.3) ? 0 : random.uniform();
    }),
    // As in a packed row, where the sequences of a row have advantages of their own.
    segments: Uint32Array.from({ length: rows }, () => random.int(5)),
    advantages: Float32Array.of(0, 0.4, -0.7, 1.3, -1.1),
    baselines: new Float32Array(2 * rows),
    V,
    length,
    epsilonLow: 0.2,
    epsilonHigh: 0.28,
    ...objective,
  };
  // Old and reference log-probabilities not far from today's, so that some ratios are clipped and some are not.
  const { scored } = twins.crossEntropy(base);
  base.baselines = Float32Array.from(
    scored,
    (score, i) => score + (i % 2 === 0 ? 0.4 : 0.2) * random.normal(),
  );
  return base;
};

function run(
  tuning: Tuning,
  data: ReturnType<typeof lossInput>,
  before: Float32Array<ArrayBuffer> | null,
  repeats = 1,
) {
  const rows = data.tokens.length;
  const outputs = {
    scores: 2 * rows,
    scored: 2 * rows,
    statistics: 8 * rows,
    dlogits: rows * data.V,
    metrics: before ?? 8,
  };
  const weighed = new Float32Array(2 * rows);
  for (let row = 0; row < rows; row++) weighed.set([data.weights[row], data.segments[row]], 2 * row);
  const objective = new Uint32Array([data.mode === 'policy' ? 1 : 0, data.useOld ? 1 : 0, before ? 1 : 0, 0]);
  const clip = new Float32Array([data.beta, data.epsilonLow, data.epsilonHigh, 1 / data.temperature]);
  return runKernel(
    gpu,
    outputs,
    (s) => {
      const vocabulary = {
        logits: s.input(data.logits),
        tokens: s.input(data.tokens),
        lengths: s.input(data.lengths),
        V: data.V,
        rows,
        shape: s.shape(rows, data.length, data.lengths.length),
        objective: s.uniform(new Uint32Array([...objective, ...new Uint32Array(clip.buffer)])),
      };
      scoreTokens(s.plan, tuning, { ...vocabulary, scores: s.out.scored });
      crossEntropy(s.plan, tuning, {
        ...vocabulary,
        scores: s.out.scores,
        weights: s.input(weighed),
        advantages: s.input(data.advantages),
        baselines: s.input(data.baselines),
        statistics: s.out.statistics,
        dlogits: s.out.dlogits,
        metrics: s.out.metrics,
      });
    },
    repeats,
  );
}

const objectives: Record<string, Objective> = {
  supervised: { mode: 'supervised', useOld: false, beta: 0, temperature: 1 },
  'policy, first pass, no KL term': { mode: 'policy', useOld: false, beta: 0, temperature: 1 },
  'policy, later pass, with a KL term': { mode: 'policy', useOld: true, beta: 0.1, temperature: 1 },
  'policy at .7, later pass': { mode: 'policy', useOld: true, beta: 0.1, temperature: 0.7 },
  'policy at 1.3, first pass': { mode: 'policy', useOld: false, beta: 0.1, temperature: 1.3 },
};

// V below, at no multiple of and past the 32 threads of a row; more rows than token_statistics has threads.
const shapes: [string, number[], number, number][] = [
  ['T = 1: nothing to predict', [1, 1], 1, 4],
  ['every row empty', [0, 0, 0], 5, 4],
  ['ragged rows, more than a workgroup', [13, 0, 1, 9, 13, 12, 2], 13, 100],
];

describe.each(shapes)('%s', (_shape, sequences, length, V) => {
  it.each(Object.keys(objectives))('%s', async (name) => {
    const rows = sequences.length * length;
    const logits = normals(random, rows * V).map((value) => 2 * value);
    const data = lossInput(sequences, length, V, logits, objectives[name]);
    const expected = twins.crossEntropy(data);
    if (name.includes('later') && V === 100) expect(expected.sums[4] * expected.sums[5]).toBeGreaterThan(0);
    // What stands past the end of a sequence is nobody's business.
    const poisoned = logits.map((value, i) => {
      const row = Math.floor(i / V);
      return row % length >= sequences[Math.floor(row / length)] ? Number.NaN : value;
    });
    const before = normals(random, 8);
    for (const tuning of tunings) {
      const { scores, scored, dlogits, metrics } = await run(tuning, { ...data, logits: poisoned }, null);
      expectClose(scores, expected.scores);
      expectClose(scored, expected.scored);
      expectClose(dlogits, expected.dlogits);
      metrics.forEach((sum, i) => {
        expect(Math.abs(sum - expected.sums[i])).toBeLessThanOrEqual(1e-4 * (1 + Math.abs(expected.sums[i])));
      });
      const added = await run(tuning, data, before);
      expectClose(
        added.metrics,
        before.map((value, i) => value + expected.sums[i]),
      );
    }
  });
});

it('takes logits of 1e4, and is equal to the bit in twenty runs', async () => {
  const [sequences, length, V] = [[13, 0, 1, 9, 13, 12, 2], 13, 100];
  const logits = adversarial(random, sequences.length * length * V);
  const data = lossInput(sequences, length, V, logits, objectives.supervised);
  const expected = twins.crossEntropy(data);
  for (const tuning of tunings) {
    const out = await run(tuning, data, null, 20);
    Object.values(out).forEach(expectFinite);
    expectClose(out.scores, expected.scores);
    expectClose(out.dlogits, expected.dlogits);
  }
});

describe('the vectors of the policy loss', () => {
  const cases = vectors.loss.flatMap((vector, index) =>
    Object.entries(vector.loss).map(([name, loss]) => ({ index, name, vector, loss })),
  );

  it.each(cases)('vector $index, $name', async ({ name, vector, loss }) => {
    const [lossType, beta] = name.split('/beta=');
    const { logps, mask, advantages, epsilonLow, epsilonHigh } = vector;
    const [B, length, V] = [logps.length, logps[0].length + 1, 8];
    const rows = B * length;
    const lengths = mask.map((row) => row.reduce((a, b) => a + b, 0));
    const coefficients = lossCoefficients(lossType as LossType, lengths, vector.maxCompletionLength);
    const data = {
      logits: new Float32Array(rows * V),
      tokens: Uint32Array.from({ length: rows }, (_, row) => row % V),
      lengths: new Uint32Array(B).fill(length),
      weights: new Float32Array(rows),
      segments: Uint32Array.from({ length: rows }, (_, row) => Math.floor(row / length)),
      advantages: Float32Array.from(advantages),
      baselines: new Float32Array(2 * rows),
      ...{
        V,
        length,
        mode: 'policy' as const,
        useOld: true,
        beta: Number(beta),
        epsilonLow,
        epsilonHigh,
        temperature: 1,
      },
    };
    logps.forEach((values, b) => {
      values.forEach((logp, t) => {
        const predicted = b * length + t + 1;
        // The token has this probability, the others share the rest.
        const others = Math.log((1 - Math.exp(logp)) / (V - 1));
        for (let v = 0; v < V; v++)
          data.logits[(predicted - 1) * V + v] = v === data.tokens[predicted] ? logp : others;
        data.weights[predicted] = mask[b][t] * coefficients[b];
        data.baselines.set([vector.oldLogps[b][t], vector.refLogps[b][t]], 2 * predicted);
      });
    });
    for (const tuning of tunings) {
      const { scored, metrics } = await run(tuning, data, null);
      expect(Math.abs(metrics[0] - loss)).toBeLessThan(1e-5 * (1 + Math.abs(loss)));
      logps.forEach((values, b) => {
        values.forEach((logp, t) => {
          expect(Math.abs(scored[2 * (b * length + t + 1)] - logp)).toBeLessThan(1e-5);
        });
      });
    }
  });
});
