import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { sample, type Tuning } from '../../src/gpu/kernels';
import { sampleToken } from '../../src/model/sample';
import { streamKey, threefry, toUnit } from '../../src/numeric/random';
import { adversarial, normals, runKernel, stream, testGpu, tunings } from './harness';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const random = stream('sample');
const key = streamKey(1, 'kernels/sample', 3);
const [MAX_NEW, PAD, EOS] = [5, 1, 2];

interface Draw {
  V: number;
  temperature: number;
  topK: number;
  step: number;
  /** Rows that have ended before. */
  ended?: number[];
}

/** Draws one token per row and unpacks what the kernel leaves. */
async function run(tuning: Tuning, logits: Float32Array<ArrayBuffer>, o: Draw, repeats = 1) {
  const rows = logits.length / o.V;
  const options = new Uint32Array([rows, o.topK, EOS, PAD, key[0], key[1], 0, 0]);
  new Float32Array(options.buffer)[6] = o.temperature;
  const out = await runKernel(
    gpu,
    {
      state: new Uint32Array([o.step, 0, 0, 0]),
      next: new Uint32Array(rows).fill(0xabc),
      ended: Uint32Array.from({ length: rows }, (_, row) => (o.ended?.includes(row) ? 1 : 0)),
      sampled: 2 * rows * MAX_NEW,
    },
    (s) =>
      sample(s.plan, tuning, {
        ...s.out,
        logits: s.input(logits),
        options: s.uniform(options),
        V: o.V,
        maxNew: MAX_NEW,
        rows,
      }),
    repeats,
  );
  const words = (values: Float32Array<ArrayBuffer>) => [...new Uint32Array(values.buffer)];
  const sampled = words(out.sampled);
  const at = (row: number) => 2 * (row * MAX_NEW + o.step);
  return {
    step: words(out.state)[0],
    next: words(out.next),
    ended: words(out.ended),
    tokens: Array.from({ length: rows }, (_, row) => sampled[at(row)]),
    logps: Array.from({ length: rows }, (_, row) => out.sampled[at(row) + 1]),
    // Entries of other steps that are no longer as they were.
    touched: out.sampled.filter((value, i) => Math.floor(i / 2) % MAX_NEW !== o.step && !Number.isNaN(value)),
  };
}

const uniform = (row: number, step: number) => toUnit(threefry(key[0], key[1], row, step)[0]);

/** Logits on a coarse grid: many are equal, the highest among them. */
const tied = (count: number) => Float32Array.from({ length: count }, () => random.int(4) / 2);

// V below, at no multiple of and past the 32 threads of a row.
describe.each([4, 36, 100])('V = %i', (V) => {
  it.each<[string, number, number, number]>([
    ['temperature 0', 0, 0, 0],
    ['temperature 0 whatever top_k', 0, 3, 1],
    ['temperature 1', 1, 0, 4],
    ['temperature 0.7, top 5', 0.7, 5, 2],
    ['temperature 1.5, top 1', 1.5, 1, 2],
    ['top_k beyond the vocabulary', 1, 1000, 0],
  ])('%s', async (_name, temperature, topK, step) => {
    const rows = 37;
    for (const logits of [normals(random, rows * V).map((x) => 2 * x), tied(rows * V)]) {
      for (const tuning of tunings) {
        const out = await run(tuning, logits, { V, temperature, topK, step, ended: [0, 36] });
        expect(out.step).toBe(step + 1);
        expect(out.touched.length).toBe(0);
        for (let row = 0; row < rows; row++) {
          const drawn = [out.tokens[row], out.next[row], out.ended[row]];
          if (row === 0 || row === 36) {
            expect(drawn).toEqual([PAD, 0xabc, 1]);
            expect(out.logps[row]).toBe(0);
            continue;
          }
          const expected = sampleToken(
            logits.subarray(row * V, (row + 1) * V),
            temperature,
            topK,
            uniform(row, step),
          );
          expect(drawn).toEqual([expected.token, expected.token, expected.token === EOS ? 1 : 0]);
          expect(Math.abs(out.logps[row] - expected.logp)).toBeLessThan(1e-4 * (1 - expected.logp));
        }
      }
    }
  });
});

it('finds the k-th highest of many, digit by digit, ties and negative numbers among them', async () => {
  const [V, rows, temperature, topK, step] = [1030, 5, 1, 40, 3];
  const near = Float32Array.from({ length: rows * V }, () => 7 + random.int(600) * 2 ** -20);
  for (const logits of [adversarial(random, rows * V).map(Math.cbrt), near, near.map((x) => -x)])
    for (const tuning of tunings) {
      const { tokens } = await run(tuning, logits, { V, temperature, topK, step });
      const expected = Array.from({ length: rows }, (_, row) => {
        const own = logits.subarray(row * V, (row + 1) * V);
        return sampleToken(own, temperature, topK, uniform(row, step)).token;
      });
      expect(tokens).toEqual(expected);
    }
});

it('draws each token as often as its probability says', async () => {
  const [V, rows, temperature, topK] = [36, 4096, 0.8, 6];
  // The k-th highest is one of a tie: the lower id stays, the higher never comes.
  const row = Float32Array.from({ length: V }, (_, v) => -v / 8);
  row.set([0.5, 0.25, 0, 1, 0.75, 0.25], 20);
  row[0] = -5;
  row[30] = 0;
  row[31] = 0;
  const kept = [20, 21, 22, 23, 24, 25];
  const logits = new Float32Array(rows * V);
  for (let r = 0; r < rows; r++) logits.set(row, r * V);
  const masses = kept.map((v) => Math.exp(row[v] / temperature));
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  for (const tuning of tunings) {
    const { tokens } = await run(tuning, logits, { V, temperature, topK, step: 0 });
    const counts = kept.map((v) => tokens.filter((token) => token === v).length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rows);
    const chiSquare = counts.reduce((sum, count, i) => {
      const expected = (rows * masses[i]) / total;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    // Five degrees of freedom: beyond this once in a thousand keys.
    expect(chiSquare).toBeLessThan(20.5);
  }
});

it('is equal to the bit in twenty runs', async () => {
  const logits = adversarial(random, 37 * 36);
  for (const tuning of tunings) {
    const { tokens } = await run(tuning, logits, { V: 36, temperature: 0.7, topK: 5, step: 2 }, 20);
    expect(tokens.every((token) => token < 36)).toBe(true);
  }
});
