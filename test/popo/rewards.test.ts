import { describe, expect, it } from 'vitest';
import { REWARDS, type RewardSources, rewardWords, scoreCompletions } from '../../src/popo/rewards';
import { itemNovelty } from '../../src/popo/rewards/novelty';
import { cosine, itemLikeness, textLikeness } from '../../src/popo/rewards/semantic';

const vectors: Record<string, number[]> = { crib: [1, 0], stroller: [0.6, 0.8], drill: [-1, 0] };
const itemVectors = Float32Array.from([...vectors.crib, ...vectors.stroller, ...vectors.drill]);
const sources = {
  likeness: textLikeness({
    dimension: 2,
    embed: (text: string) => Float32Array.from(vectors[text]),
    itemVectors,
  }),
  rewardTable: Float32Array.from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
  items: 3,
  rewards: ['semantic', 'id'],
  novelty: [0.25, 0.5, 1],
  semanticExponent: 2,
} satisfies RewardSources;
const row = (answer: string | null, item: number, valid = true, example = 1) => ({
  parsed: { think: 'need', answer, item, valid, coherent: item === 1 },
  example,
  target: 1,
});

describe('the rewards’ words', () => {
  it('tell each from the others, and what an answer might earn', () => {
    expect(REWARDS).toEqual(['semantic', 'id', 'format', 'novelty']);
    const words = REWARDS.map(rewardWords);
    for (const of of ['label', 'symbol', 'question', 'sentence'] as const)
      expect(new Set(words.map((word) => word[of])).size).toBe(REWARDS.length);
    for (const { symbol, example, about } of words) {
      expect(symbol).toMatch(/^[a-z]+$/);
      expect(about).not.toBe('');
      expect(example).toBeGreaterThan(0);
      expect(example).toBeLessThanOrEqual(1);
    }
  });
});

describe('rewards', () => {
  it('are the squared clamped cosine to the true item and the table entry of the resolved item', () => {
    const rewards = scoreCompletions([row('stroller', 1), row('crib', 0), row('drill', 2)], sources);
    expect(Array.from(rewards, (value) => Math.round(value * 1e6) / 1e6)).toEqual([
      1, 0.5, 0.36, 0.4, 0, 0.6,
    ]);
  });

  it('take the paper’s plain cosine when asked', () => {
    expect(scoreCompletions([row('crib', 0)], { ...sources, semanticExponent: 1 })[0]).toBeCloseTo(0.6, 6);
  });

  it('by items alone take the answer for the item that it resolves to, however it was written', () => {
    const byItem = { ...sources, likeness: itemLikeness(itemVectors, 2) };
    const rewards = scoreCompletions([row('no such words', 0), row('drill', 1)], byItem);
    expect(rewards[0]).toBeCloseTo(0.36, 6);
    expect(rewards[2]).toBeCloseTo(1, 6);
  });

  it('are all 0 for an answer that is missing, malformed or no item', () => {
    const rewards = scoreCompletions([row(null, 1), row('stroller', 1, false), row('stroller', -1)], sources);
    expect(Array.from(rewards)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('are as many as the run names, in its order', () => {
    const wanted = { ...sources, rewards: ['novelty', 'id', 'format'] as const };
    const rewards = scoreCompletions([row('stroller', 1), row('crib', 0), row('crib', -1)], wanted);
    expect(Array.from(rewards, (value) => Math.round(value * 1e6) / 1e6)).toEqual([
      0.5, 0.5, 1, 0.25, 0.4, 0, 0, 0, 0,
    ]);
    const thoughtless = row('stroller', 1);
    for (const think of [null, '']) {
      const parsed = { ...thoughtless.parsed, think };
      expect(scoreCompletions([{ ...thoughtless, parsed }], wanted)[2]).toBe(0);
    }
  });

  it('call novel what few have chosen, as a share of the rarest item’s self-information', () => {
    const novelty = itemNovelty([0, 3, 7, 0]);
    expect(novelty[0]).toBe(1);
    expect(novelty[3]).toBe(1);
    expect(novelty[1]).toBeCloseTo(Math.log(4 / 14) / Math.log(1 / 14), 6);
    expect(novelty[2]).toBeLessThan(novelty[1]);
    expect(Array.from(itemNovelty([5]))).toEqual([0]);
    // Also where no item tells much.
    expect(Array.from(itemNovelty([1, 1]))).toEqual([1, 1]);
  });

  it('refuse an example outside the table', () => {
    expect(() => scoreCompletions([row('crib', 0, true, 2)], sources)).toThrow(
      /outside the reward table of 2 examples/,
    );
    expect(() => scoreCompletions([row('crib', 3, true, 0)], sources)).toThrow(
      /Example 0 with item 3 is outside/,
    );
    expect(scoreCompletions([row('crib', 2, true, 0)], sources)[1]).toBeCloseTo(0.3, 6);
  });

  it('measure the angle of vectors of any length, and see no direction in a zero vector', () => {
    expect(cosine([3, 0], [2, 2])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosine([0.1, 0], [0.01, 0.01])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosine([0, 0], [1, 0])).toBe(0);
    expect(cosine([1, 0], [0, 0])).toBe(0);
  });
});
