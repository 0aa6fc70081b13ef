import { expect, it } from 'vitest';
import { sasRecBatches } from '../../../src/evaluate/baselines/sasrec';
import { sasRecLength, sasRecShape } from '../../../src/evaluate/baselines/sasrecShape';
import { sizesOf } from '../../../src/model/forward';
import { rowsOf } from '../../run/stages/recorded';
import { shop } from './shop';

it('has a row for every item and one for the beginning, and heads that the kernels take', () => {
  for (const size of [16, 32, 64, 100, 128]) {
    const shape = sasRecShape(10, size, 8);
    expect(shape.vocab_size).toBe(12);
    expect(() => sizesOf(shape)).not.toThrow();
  }
  expect(sasRecShape(10, 64, 8).num_attention_heads).toBe(2);
  expect(sasRecShape(11, 64, 8).vocab_size).toBe(12);
  expect(sasRecShape(12, 64, 8).vocab_size).toBe(16);
});

it('reads the newest fifty items', () => {
  expect(sasRecLength([[1], [1, 2, 3]])).toBe(4);
  expect(sasRecLength([new Int32Array(700)])).toBe(51);
});

it('learns each item from those before it, once in each pass', () => {
  const visible = shop([[0, 1, 2, 3, 4, 5, 6], [3], [5, 4]]);
  const batch = sasRecBatches(visible, { seed: 1, batchSize: 4, length: 4 });
  // Windows of three from the end; what is left alone at the beginning still has a beginning.
  const { size, length, tokens, lengths, lossWeights } = batch(0);
  const rows = rowsOf({ size, length, tokens, lengths });
  const weights = rows.map((_, row) => [...lossWeights.subarray(row * 4, row * 4 + 4)]);
  const seen = [0, 1].flatMap((step) => rowsOf(batch(step)));
  const all = new Set(seen.map((row) => row.join(' ')));
  expect(all).toEqual(new Set(['7 0', '7 1 2 3', '7 4 5 6', '7 3', '7 5 4']));
  const told = rows.map((row) =>
    row[0] === 7 && [1, 4].includes(row[1]) && row.length === 4 ? 2 : row.length - 1,
  );
  const share = 1 / told.reduce((a, b) => a + b, 0);
  rows.forEach((row, at) => {
    const from = row.length - told[at];
    const wanted = [0, 1, 2, 3].map((t) => (t >= from && t < row.length ? Math.fround(share) : 0));
    expect(weights[at]).toEqual(wanted);
  });
});
