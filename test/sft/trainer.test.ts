import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdamWStep } from '../../src/model/config';
import type { StepMetrics, TokenBatch } from '../../src/model/languageModel';
import { learningRateAt } from '../../src/sft/schedule';
import { trainSupervised } from '../../src/sft/trainer';

const empty = new Uint32Array(0);
const batch = (step: number): TokenBatch => ({
  size: 1,
  length: 1,
  tokens: new Uint32Array([step]),
  lengths: empty,
  lossWeights: new Float32Array(0),
});
const hyper = (step: number): AdamWStep => ({
  step: step + 1,
  learningRate: 1,
  beta1: 0,
  beta2: 0,
  eps: 0,
  weightDecay: 0,
  maxGradNorm: 1,
});

/** A "model" whose weight is a hash of the steps taken, and which notes how many were queued at once. */
function fakeModel(failAt = -1) {
  const state = { weight: 1, inFlight: 0, mostInFlight: 0, started: 0 };
  return {
    state,
    async trainStep(batches: TokenBatch[], { step }: AdamWStep): Promise<StepMetrics> {
      state.weight = Math.imul(state.weight, 31) + batches[0].tokens[0] * 7 + step;
      state.started++;
      const loss = state.weight;
      state.inFlight++;
      state.mostInFlight = Math.max(state.mostInFlight, state.inFlight);
      await new Promise((resolve) => setTimeout(resolve, 1));
      state.inFlight--;
      if (batches[0].tokens[0] === failAt) throw new Error('the step failed');
      return { loss, gradNorm: 1 };
    },
  };
}

describe('trainSupervised', () => {
  it('passes through the same states when stopped and continued', async () => {
    const run = async (stops: number[]) => {
      const model = fakeModel();
      const losses: [number, number][] = [];
      let from = 0;
      for (const stop of [...stops, Infinity]) {
        from = await trainSupervised(
          model,
          { from, steps: 13, batch, hyper },
          {
            gate: async (next) => (next >= stop ? 'stop' : 'go'),
            onStep: (step, { loss }) => losses.push([step, loss]),
          },
        );
        expect(model.state.inFlight).toBe(0);
        expect(losses).toHaveLength(from);
      }
      expect(from).toBe(13);
      return { losses, weight: model.state.weight };
    };
    const whole = await run([]);
    expect(whole.losses.map(([step]) => step)).toEqual(Array.from({ length: 13 }, (_, i) => i));
    expect(await run([1, 4, 5])).toEqual(whole);
    expect(await run([0, 12])).toEqual(whole);
  });

  it('keeps some steps in flight, at most four, and none while paused', async () => {
    const model = fakeModel();
    let inFlightWhilePaused = -1;
    let reported = 0;
    await trainSupervised(
      model,
      { from: 0, steps: 12, batch, hyper },
      {
        async gate(next) {
          if (next !== 6) return 'go';
          await new Promise((resolve) => setTimeout(resolve, 30));
          inFlightWhilePaused = model.state.inFlight;
          expect(reported).toBe(6);
          return 'go';
        },
        onStep: () => {
          reported++;
        },
      },
    );
    expect(model.state.mostInFlight).toBe(4);
    expect(inFlightWhilePaused).toBe(0);
    expect(reported).toBe(12);
  });

  it('throws what a step throws and queues no more', async () => {
    const model = fakeModel(3);
    const reported: number[] = [];
    const run = trainSupervised(
      model,
      { from: 0, steps: 100, batch, hyper },
      { gate: async () => 'go', onStep: (step) => reported.push(step) },
    );
    await expect(run).rejects.toThrow('the step failed');
    expect(reported).toEqual([0, 1, 2]);
    expect(model.state.started).toBeLessThanOrEqual(8);
  });
});

describe('learningRateAt', () => {
  it('rises to the full rate, then falls to a tenth and never below', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 400 }),
        fc.integer({ min: 0, max: 400 }),
        fc.double({ min: 1e-5, max: 1, noNaN: true }),
        (steps, warmup, learningRate) => {
          const warmupSteps = Math.min(warmup, steps - 1);
          const rates = Array.from({ length: steps }, (_, step) =>
            learningRateAt({ learningRate, steps, warmupSteps }, step),
          );
          expect(Math.max(...rates)).toBeLessThanOrEqual(learningRate * (1 + 1e-12));
          if (warmupSteps > 0) expect(rates[warmupSteps - 1]).toBeCloseTo(learningRate, 12);
          expect(rates[steps - 1]).toBeCloseTo(learningRate / 10, 12);
          for (let step = 1; step < steps; step++) {
            if (step < warmupSteps) expect(rates[step]).toBeGreaterThan(rates[step - 1]);
            if (step > warmupSteps) expect(rates[step]).toBeLessThan(rates[step - 1]);
          }
        },
      ),
    );
  });

  it('warms up over a twentieth of the steps unless told otherwise', () => {
    expect(learningRateAt({ learningRate: 1, steps: 100 }, 0)).toBeCloseTo(0.2);
    expect(learningRateAt({ learningRate: 1, steps: 100 }, 4)).toBe(1);
    expect(learningRateAt({ learningRate: 1, steps: 3 }, 0)).toBe(1);
  });
});
