import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { crossEntropy, scoreTokens, type Tuning, vocabularyChunk } from '../../src/gpu/kernels';
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

/** What the kernels are told of a loss beside its logits. */
function told(data: ReturnType<typeof lossInput>, accumulate: boolean) {
  const rows = data.tokens.length;
  const weighed = new Float32Array(2 * rows);
  for (let row = 0; row < rows; row++) weighed.set([data.weights[row], data.segments[row]], 2 * row);
  const mode = new Uint32Array([data.mode === 'policy' ? 1 : 0, data.useOld ? 1 : 0, accumulate ? 1 : 0, 0]);
  const clip = new Float32Array([data.beta, data.epsilonLow, data.epsilonHigh, 1 / data.temperature]);
  return { weighed, objective: new Uint32Array([...mode, ...new Uint32Array(clip.buffer)]) };
}

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
    dlogits: data.logits,
    metrics: before ?? 8,
  };
  const { weighed, objective } = told(data, before !== null);
  return runKernel(
    gpu,
    outputs,
    (s) => {
      const vocabulary = {
        logits: s.out.dlogits,
        tokens: s.input(data.tokens),
        V: data.V,
        rows,
        shape: s.shape(rows, data.length, data.lengths.length),
        objective: s.uniform(objective),
      };
      scoreTokens(s.plan, tuning, { ...vocabulary, lengths: s.input(data.lengths), scores: s.out.scored });
      crossEntropy(s.plan, tuning, {
        ...vocabulary,
        scores: s.out.scores,
        weights: s.input(weighed),
        advantages: s.input(data.advantages),
        baselines: s.input(data.baselines),
        statistics: s.out.statistics,
        metrics: s.out.metrics,
      });
    },
    repeats,
  );
}

/** The same where so many columns of the vocabulary come at a time. */
async function runChunks(tuning: Tuning, data: ReturnType<typeof lossInput>, columns: number, repeats = 1) {
  const rows = data.tokens.length;
  const { V, length } = data;
  const chunks = Array.from({ length: Math.ceil(V / columns) }, (_, i) => ({
    name: `chunk ${i}`,
    from: i * columns,
    size: Math.min(columns, V - i * columns),
  }));
  const cut = ({ from, size }: { from: number; size: number }) =>
    Float32Array.from(
      { length: rows * size },
      (_, i) => data.logits[Math.floor(i / size) * V + from + (i % size)],
    );
  const { weighed, objective } = told(data, false);
  const out = await runKernel(
    gpu,
    {
      ...{ scores: 2 * rows, scored: 2 * rows, statistics: 8 * rows, metrics: 8 },
      ...{ maxima: rows * tuning.rowLanes, sums: 4 * rows * tuning.rowLanes },
      ...Object.fromEntries(chunks.map((chunk) => [chunk.name, cut(chunk)])),
    } as Record<string, number | Float32Array<ArrayBuffer>>,
    (s) => {
      const { maxima, sums } = s.out;
      const common = {
        tokens: s.input(data.tokens),
        rows,
        shape: s.shape(rows, length, data.lengths.length),
        objective: s.uniform(objective),
      };
      const walk = (pass: Parameters<typeof vocabularyChunk>[2]) => {
        for (const { name, from, size } of chunks)
          vocabularyChunk(s.plan, tuning, pass, {
            ...{ ...common, maxima, sums, from, size },
            logits: s.out[name],
          });
      };
      walk('highest');
      walk('add');
      const summed = { ...common, logits: null, sums, V };
      scoreTokens(s.plan, tuning, { ...summed, lengths: s.input(data.lengths), scores: s.out.scored });
      crossEntropy(s.plan, tuning, {
        ...summed,
        scores: s.out.scores,
        weights: s.input(weighed),
        advantages: s.input(data.advantages),
        baselines: s.input(data.baselines),
        statistics: s.out.statistics,
        metrics: s.out.metrics,
      });
      walk('gradient');
    },
    repeats,
  );
  const dlogits = new Float32Array(rows * V);
  for (const { name, from, size } of chunks)
    for (let row = 0; row < rows; row++)
      dlogits.set(out[name].subarray(row * size, (row + 1) * size), row * V + from);
  const { scores, scored, statistics, metrics } = out;
  return { scores, scored, statistics, dlogits, metrics };
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

describe.each(tunings)('in chunks of the vocabulary, $name', (tuning) => {
  const bits = (found: Record<string, Float32Array<ArrayBuffer>>) =>
    Object.fromEntries(Object.entries(found).map(([name, { buffer }]) => [name, new Uint32Array(buffer)]));
  const several = { sequences: [13, 0, 1, 9, 13, 12, 2], length: 13, V: 100 };
  // A chunk begins where a row's threads do.
  const cases = {
    'a column at a time': { ...several, columns: tuning.rowLanes },
    'a last chunk that is short': { ...several, columns: 64 },
    'one chunk, of all and to spare': { ...several, columns: 128 },
    'a row, and nothing to predict': { sequences: [1], length: 1, V: 100, columns: 32 },
    'two rows': { sequences: [2], length: 2, V: 68, columns: 32 },
  };

  it.each(Object.keys(cases) as (keyof typeof cases)[])(
    '%s: the bits of logits that are whole, on a software adapter',
    async (name) => {
      const { sequences, length, V, columns } = cases[name];
      const floats = sequences.length * length * V;
      for (const objective of ['supervised', 'policy at .7, later pass']) {
        const isPlain = objective === 'supervised';
        // Ratios of probabilities that lie far apart are no numbers.
        const logits = isPlain ? adversarial(random, floats) : normals(random, floats);
        const data = lossInput(sequences, length, V, logits, objectives[objective]);
        const found = await runChunks(tuning, data, columns, isPlain ? 20 : 1);
        const whole = await run(tuning, data, null);
        // A real GPU's compiler may contract a multiply and an add in one shader and not in the other.
        if (gpu.adapter.software) expect(bits(found)).toEqual(bits(whole));
        const expected = twins.crossEntropy(data);
        expectClose(found.scores, expected.scores);
        expectClose(found.scored, expected.scored);
        expectClose(found.dlogits, expected.dlogits);
      }
    },
  );
});

it('refuses a chunk that begins amidst a row of threads', async () => {
  const [tiled] = tunings.filter(({ rowLanes }) => rowLanes > 1);
  const data = lossInput([3], 3, 100, normals(random, 300), objectives.supervised);
  await expect(runChunks(tiled, data, 20)).rejects.toThrow('cannot begin at 20');
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
