import { describe, expect, it } from 'vitest';
import type { PaddedTokens } from '../../src/model/languageModel';
import { scoreTails } from '../../src/model/scoreTails';

/** log P of a token is minus itself; of padding, nothing that may be added. */
const model = {
  batches: [] as PaddedTokens[],
  async score(batch: PaddedTokens) {
    this.batches.push(batch);
    const logps = Float32Array.from(batch.tokens, (token, at) =>
      at % batch.length < batch.lengths[Math.floor(at / batch.length)] ? -token : Number.NaN,
    );
    return { logps, entropies: logps };
  },
};
const rows = [
  { tokens: [9, 9, 2, 4], answerLength: 2 },
  { tokens: [9, 5], answerLength: 1 },
  { tokens: [9, 1, 2, 6], answerLength: 3 },
];
const options = { stage: 'A test', batchSize: 2, length: 5 };

describe('scoreTails', () => {
  it('means the last tokens of each row alone, in full batches, and tells how far it is', async () => {
    const told: [number, number][] = [];
    const hooks = {
      gate: async () => 'go' as const,
      onProgress: (done: number, total: number) => told.push([done, total]),
    };
    const nll = await scoreTails(model, { count: 3, row: (i) => rows[i] }, options, hooks);
    expect([...nll]).toEqual([3, 5, 3]);
    expect(told).toEqual([
      [2, 3],
      [3, 3],
    ]);
    expect(model.batches.map(({ size, length, lengths }) => [size, length, ...lengths])).toEqual([
      [2, 5, 4, 2],
      [2, 5, 4, 4],
    ]);
  });

  it('stops between batches when asked, saying what was stopped', async () => {
    let asked = 0;
    const hooks = { gate: async () => (asked++ === 0 ? ('go' as const) : ('stop' as const)) };
    const scored = scoreTails(model, { count: 3, row: (i) => rows[i] }, options, hooks);
    await expect(scored).rejects.toThrow('A test was stopped');
    expect(asked).toBe(2);
  });
});
