import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MaskedBatch } from '../../src/model/languageModel';
import {
  completionLengths,
  type LossType,
  lossCoefficients,
  objectiveMetrics,
  tokenObjective,
  weighBatch,
} from '../../src/popo/objective';
import vectors from '../vectors/popo.json';

describe('policy loss', () => {
  vectors.loss.forEach((vector, index) => {
    for (const [name, expected] of Object.entries(vector.loss)) {
      const [lossType, beta] = name.split('/beta=');
      const types = lossType === 'bnpo' ? ['bnpo', 'dapo'] : [lossType];
      for (const type of types) {
        it(`matches vector ${index}, ${type}, beta ${beta}`, () => {
          const lengths = vector.mask.map((row) => row.reduce((a, b) => a + b, 0));
          const coefficients = lossCoefficients(type as LossType, lengths, vector.maxCompletionLength);
          let loss = 0;
          vector.logps.forEach((row, b) => {
            row.forEach((logp, t) => {
              if (!vector.mask[b][t]) return;
              const token = tokenObjective(
                {
                  logp,
                  old: vector.oldLogps[b][t],
                  ref: vector.refLogps[b][t],
                  advantage: vector.advantages[b],
                },
                { beta: Number(beta), epsilonLow: vector.epsilonLow, epsilonHigh: vector.epsilonHigh },
              );
              loss += coefficients[b] * token.loss;
            });
          });
          expect(Math.abs(loss - expected)).toBeLessThan(1e-9);
        });
      }
    }
  });

  it('has the gradient of finite differences away from the clip edges', () => {
    const logp = () => fc.double({ min: -3, max: 0, noNaN: true });
    const options = { beta: 0.1, epsilonLow: 0.2, epsilonHigh: 0.28 };
    fc.assert(
      fc.property(
        logp(),
        logp(),
        logp(),
        fc.double({ min: -2, max: 2, noNaN: true }),
        (now, old, ref, advantage) => {
          const ratio = Math.exp(now - old);
          fc.pre(Math.abs(ratio - 0.8) > 1e-3 && Math.abs(ratio - 1.28) > 1e-3);
          const h = 1e-6;
          const numeric =
            (tokenObjective({ logp: now + h, old, ref, advantage }, options).loss -
              tokenObjective({ logp: now - h, old, ref, advantage }, options).loss) /
            (2 * h);
          expect(
            Math.abs(tokenObjective({ logp: now, old, ref, advantage }, options).gradient - numeric),
          ).toBeLessThan(1e-6 * (1 + Math.abs(numeric)) + 1e-7);
        },
      ),
    );
  });

  it('has the plain policy gradient −Â on policy, and no KL there', () => {
    const token = tokenObjective(
      { logp: -1.3, old: -1.3, ref: -1.3, advantage: 0.7 },
      { beta: 0.1, epsilonLow: 0.2, epsilonHigh: 0.2 },
    );
    expect(token.gradient).toBe(-0.7);
    expect(token.kl).toBe(0);
  });

  it('says which side was clipped', () => {
    const options = { beta: 0, epsilonLow: 0.2, epsilonHigh: 0.2 };
    const high = tokenObjective({ logp: 0, old: -1, ref: 0, advantage: 1 }, options);
    expect([high.clippedLow, high.clippedHigh, high.gradient]).toEqual([false, true, 0]);
    const low = tokenObjective({ logp: -1, old: 0, ref: 0, advantage: -1 }, options);
    expect([low.clippedLow, low.clippedHigh, low.gradient]).toEqual([true, false, 0]);
    const free = tokenObjective({ logp: -1, old: 0, ref: 0, advantage: 1 }, options);
    expect([free.clippedLow, free.clippedHigh]).toEqual([false, false]);
    expect(free.gradient).toBeLessThan(0);
  });
});

describe('the edges of the clip', () => {
  const at = (logp: number, advantage: number, options = { beta: 0, epsilonLow: 0, epsilonHigh: 0 }) => {
    const token = tokenObjective({ logp, old: 0, ref: 0, advantage }, options);
    return [token.clippedLow, token.clippedHigh];
  };

  it('lie inside: a ratio of 1 is not clipped even where there is no room', () => {
    expect(at(0, 1)).toEqual([false, false]);
    expect(at(0, -1)).toEqual([false, false]);
  });

  it('take nothing away from an advantage of 0, or from one that pulls back', () => {
    expect(at(-1, 0)).toEqual([false, false]);
    expect(at(1, 0)).toEqual([false, false]);
    expect(at(-1, 0.5)).toEqual([false, false]);
    expect(at(1, -0.5)).toEqual([false, false]);
    expect(at(1, 0.5)).toEqual([false, true]);
  });
});

describe('loss coefficients', () => {
  it('count an empty completion as one token', () => {
    expect(Array.from(lossCoefficients('grpo', [0, 4], 5))).toEqual([1 / 2, 1 / 8]);
    expect(Array.from(lossCoefficients('bnpo', [0, 0], 5))).toEqual([1, 1]);
    expect(Array.from(lossCoefficients('dr_grpo', [0, 0], 5))).toEqual([1 / 10, 1 / 10]);
  });
});

describe('a weighted batch', () => {
  const batch: MaskedBatch = {
    size: 3,
    length: 6,
    tokens: new Uint32Array(18),
    lengths: Uint32Array.of(4, 5, 3),
    // prettier-ignore: rows of 6; beyond a row's length nothing counts
    mask: Uint8Array.from([0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1]),
  };

  it('counts completion tokens inside each row only', () => {
    expect(Array.from(completionLengths(batch))).toEqual([2, 4, 0]);
  });

  it('holds the coefficients of each loss type', () => {
    const rows = (type: LossType) => {
      const { lossWeights: weights } = weighBatch(batch, type, 5);
      return [weights[2], weights[6 + 1], weights.reduce((a, b) => a + b, 0)];
    };
    const near = (actual: number[], expected: number[]) =>
      expected.forEach((value, i) => {
        expect(actual[i]).toBeCloseTo(value, 6);
      });
    near(rows('grpo'), [1 / 6, 1 / 12, 2 / 3]);
    near(rows('bnpo'), [1 / 6, 1 / 6, 1]);
    near(rows('dapo'), [1 / 6, 1 / 6, 1]);
    near(rows('dr_grpo'), [1 / 15, 1 / 15, 6 / 15]);
  });

  it('leaves out the first token, which nothing predicts, and whatever lies beyond a row', () => {
    const marked = { ...batch, mask: new Uint8Array(18).fill(1) };
    expect(Array.from(completionLengths(marked))).toEqual([3, 4, 2]);
    const { lossWeights } = weighBatch(marked, 'bnpo', 5);
    const [w, o] = [Math.fround(1 / 9), 0];
    expect(Array.from(lossWeights)).toEqual([o, w, w, w, o, o, o, w, w, w, w, o, o, w, w, o, o, o]);
    // Weights there, from wherever, are not read.
    const scores = { logps: new Float32Array(18), entropies: new Float32Array(18).fill(1) };
    const metrics = objectiveMetrics(
      { ...batch, lossWeights: new Float32Array(18).fill(1) },
      { ...scores, oldLogps: scores.logps, referenceLogps: scores.logps },
      [1, 1, 1],
      { beta: 0, epsilonLow: 0.2, epsilonHigh: 0.2 },
    );
    expect(metrics.loss).toBe(-9);
  });

  it('has a KL of its completion tokens’ k3, and no NaN where there are none', () => {
    const weighted = weighBatch(batch, 'bnpo', 5);
    const logps = new Float32Array(18).fill(-1);
    const referenceLogps = logps.slice();
    referenceLogps[2] = -2;
    referenceLogps[7] = 0;
    referenceLogps[0] = 5;
    const scores = { logps, oldLogps: logps, referenceLogps, entropies: new Float32Array(18) };
    const options = { beta: 0.1, epsilonLow: 0.2, epsilonHigh: 0.2 };
    const { kl, loss } = objectiveMetrics(weighted, scores, [0, 0, 0], options);
    expect(kl).toBeCloseTo((Math.exp(-1) + 1 - 1 + (Math.E - 1 - 1)) / 6, 12);
    expect(loss).toBeCloseTo(0.1 * kl, 6);
    const none = { ...weighted, lossWeights: new Float32Array(18) };
    expect(objectiveMetrics(none, scores, [1, 1, 1], options)).toEqual({
      loss: 0,
      kl: 0,
      entropy: 0,
      clip: { low_mean: 0, high_mean: 0, region_mean: 0 },
    });
  });

  it('gives loss and gauges over its completion tokens', () => {
    const weighted = weighBatch(batch, 'bnpo', 5);
    const logps = new Float32Array(18).fill(-1);
    const oldLogps = new Float32Array(18).fill(-1);
    oldLogps[2] = -2; // ρ = e, Â = 1: clipped high
    oldLogps[7] = 0; // ρ = 1/e, Â = −1: clipped low
    const metrics = objectiveMetrics(
      weighted,
      { logps, oldLogps, referenceLogps: logps, entropies: new Float32Array(18).fill(0.5) },
      [1, -1, 5],
      { beta: 0.1, epsilonLow: 0.2, epsilonHigh: 0.2 },
    );
    expect(metrics.clip.high_mean).toBeCloseTo(1 / 6, 12);
    expect(metrics.clip.low_mean).toBeCloseTo(1 / 6, 12);
    expect(metrics.clip.region_mean).toBeCloseTo(1 / 3, 12);
    expect(metrics.entropy).toBe(0.5);
    expect(metrics.kl).toBe(0);
    expect(metrics.loss).toBeCloseTo((-1.2 - 1 + 0.8 + 3) / 6, 6);
  });
});
