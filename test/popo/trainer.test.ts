import { describe, expect, it } from 'vitest';
import type { Dataset, Example } from '../../src/data/dataset';
import type { GenerateOptions } from '../../src/model/languageModel';
import { Epochs } from '../../src/numeric/epochs';
import { Random, streamKey } from '../../src/numeric/random';
import { computeAdvantages, covarianceWith, rewardCovariance } from '../../src/popo/advantages';
import type { PolicyOptions } from '../../src/popo/options';
import type { PolicyBatch, PolicyOptimizer, PolicyUpdate } from '../../src/popo/policy';
import { rolloutBatch } from '../../src/popo/rollouts';
import { drawWeights } from '../../src/popo/rules/conditioned';
import {
  type InForce,
  type PolicyTask,
  type PolicyTraining,
  type PopoStep,
  trainPolicy,
} from '../../src/popo/trainer';
import { tinyOptions } from './tinyPolicy';

const ITEMS = 4;
const EOS = 9;
const examples: Example[] = Array.from({ length: 5 }, (_, user) => ({
  sampleId: `s${user}`,
  user,
  position: 0,
}));
const dataset: Dataset = {
  id: 'test',
  sha256: '',
  items: [],
  users: examples.map(({ user }) => ({ id: `u${user}`, profile: '', history: Int32Array.of(user % ITEMS) })),
  impressions: {
    user: new Int32Array(),
    item: new Int32Array(),
    historyLength: new Int32Array(),
    click: new Uint8Array(),
    conversion: new Uint8Array(),
  },
  splits: { train: examples, validation: [], test: [] },
  facts: [],
  notes: [],
};

/** Completions are [item, EOS], drawn from the key; token ITEMS parses as no item, and a 7 in place of EOS is cut off. */
const model = {
  async generate({ prompts, numGenerations, key }: GenerateOptions) {
    const random = new Random(key[0] ^ key[1], 'fake');
    const completions = prompts.flatMap(() =>
      Array.from({ length: numGenerations }, () =>
        Uint32Array.of(random.int(ITEMS + 1), random.chance(0.2) ? 7 : EOS),
      ),
    );
    return { completions, logps: completions.map(() => new Float32Array(2)) };
  },
  async compose() {
    throw new Error('Only weights that are drawn compose a model.');
  },
};

/** Moves its weights as a function of its state, so that a resume without it would show. */
class FakeOptimizer implements PolicyOptimizer {
  weights = [0.5, 0.5];
  batches: PolicyBatch[] = [];
  hypers: number[] = [];
  options: PolicyOptions = options;
  configure(told: PolicyOptions) {
    this.options = told;
  }
  async update(batch: PolicyBatch, hyper: { step: number }): Promise<PolicyUpdate> {
    this.batches.push(batch);
    this.hypers.push(hyper.step);
    const weightsBefore = this.weights;
    if (batch.iteration === 0) this.weights = [weightsBefore[0] * 0.9, 1 - weightsBefore[0] * 0.9];
    const told = { ...this.options, groupSize: batch.groupSize, weights: this.weights };
    return {
      advantages: Float32Array.from(computeAdvantages(batch.rewards, told)),
      weightsBefore,
      weightsAfter: this.weights,
      influence: null,
      gradNorms: null,
      gradCosines: null,
      loss: batch.iteration,
      kl: 0,
      entropy: 0,
      clip: { low_mean: 0, high_mean: 0, region_mean: 0 },
      gradNorm: 1,
    };
  }
  destroy() {}
}

const task = (optimizer: PolicyOptimizer): PolicyTask => ({
  model,
  optimizer,
  dataset,
  examples,
  format: {
    prompt: (example) => [example.user, 1],
    parse: (completion) => ({
      answer: String(completion[0]),
      item: completion[0] < ITEMS ? completion[0] : -1,
      valid: completion[1] === EOS,
      think: null,
      coherent: false,
    }),
  },
  eosToken: EOS,
  sources: {
    likeness: (answer, item) => Number(answer.item === item),
    rewardTable: Float32Array.from({ length: examples.length * ITEMS }, (_, i) => i / 100),
    items: ITEMS,
    rewards: ['semantic', 'id'],
    novelty: [],
    semanticExponent: 2,
  },
});

const options: InForce['options'] = {
  ...tinyOptions,
  promptsPerStep: 3,
  numGenerations: 4,
  numIterations: 2,
  topK: 0,
  maxCompletionLength: 2,
};

const training: PolicyTraining = {
  seed: 7,
  from: 0,
  steps: 4,
  promptsPerStep: 3,
  length: 4,
  at: () => ({ options, weights: null }),
  hyper: (update) => ({
    step: update + 1,
    learningRate: 0.1,
    beta1: 0,
    beta2: 0,
    eps: 0,
    weightDecay: 0,
    maxGradNorm: 1,
  }),
};

async function run(
  optimizer: FakeOptimizer,
  changes: Partial<PolicyTraining> = {},
  stopAfter = Number.POSITIVE_INFINITY,
) {
  const steps: PopoStep[] = [];
  const state = await trainPolicy(
    task(optimizer),
    { ...training, ...changes },
    {
      gate: async () => (steps.length >= stopAfter ? 'stop' : 'go'),
      onStep: (step) => void steps.push(step),
    },
  );
  return { steps, state };
}

describe('prompts', () => {
  const sampled = async (changes: Partial<PolicyTraining>) => {
    const { steps } = await run(new FakeOptimizer(), changes);
    return steps.map(({ sampleIds }) => sampleIds.map((id) => Number(id.slice(1))));
  };

  it('come once each before any comes again, in another order every epoch', async () => {
    const drawn = (await sampled({ steps: 10 })).flat();
    const epochs = Array.from({ length: 6 }, (_, epoch) => drawn.slice(epoch * 5, epoch * 5 + 5));
    for (const epoch of epochs) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(epochs.map(String)).size).toBeGreaterThan(1);
    expect(await sampled({ seed: 8, steps: 1 })).not.toEqual(await sampled({ steps: 1 }));
  });

  it('are those that links of version 0.5.0 drew', async () => {
    expect(await sampled({ steps: 4 })).toEqual([
      [2, 3, 4],
      [1, 0, 4],
      [0, 1, 3],
      [2, 2, 0],
    ]);
  });

  it('must be there', async () => {
    const without = { ...task(new FakeOptimizer()), examples: [] };
    const hooks = { gate: async () => 'go' as const, onStep: () => {} };
    await expect(trainPolicy(without, training, hooks)).rejects.toThrow(
      /popo-prompts: there are no examples/,
    );
  });
});

describe('a step', () => {
  it('keeps how its rewards went together, and what one was held at', async () => {
    const constraint = { reward: 1, level: 0.25, step: 1 };
    const at = (step: number): InForce => ({
      options: { ...options, weighting: step === 1 ? 'constraint' : 'fixed', constraint },
      weights: null,
    });
    const { steps } = await run(new FakeOptimizer(), { at, steps: 2 });
    expect(steps.map(({ level }) => level)).toEqual([undefined, 0.25]);
    for (const { rewards, weightsAfter, covariance, covarianceWithSum } of steps) {
      const C = Array.from(rewardCovariance(rewards.flat(2), 4, 2));
      expect(covariance).toEqual(C);
      expect(C[3]).toBeGreaterThan(0);
      expect(covarianceWithSum).toEqual(covarianceWith(C, weightsAfter));
    }
  });
});

describe('rollout batch', () => {
  it('masks completions and nothing else', () => {
    const batch = rolloutBatch([[1, 2], [3]], [[4], [5, 6], [7, 8], [9]], 4);
    expect(Array.from(batch.tokens)).toEqual([1, 2, 4, 0, 1, 2, 5, 6, 3, 7, 8, 0, 3, 9, 0, 0]);
    expect(Array.from(batch.mask)).toEqual([0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0]);
    expect(Array.from(batch.lengths)).toEqual([3, 4, 3, 2]);
  });

  it('refuses what does not fit', () => {
    expect(() => rolloutBatch([[1, 2, 3]], [[4, 5]], 4)).toThrow(/exceed T = 4/);
  });
});

describe('trainPolicy', () => {
  it('joins rewards to rollouts by example and item', async () => {
    const optimizer = new FakeOptimizer();
    const { steps } = await run(optimizer);
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    let paid = 0;
    steps.forEach((step, index) => {
      const indices = new Epochs(7, 'popo-prompts', 5).batch(index, 3);
      expect(step.sampleIds).toEqual(indices.map((example) => `s${example}`));
      const { batch } = optimizer.batches[index * 2];
      step.rewards.flat().forEach(([semantic, id], row) => {
        const example = indices[Math.floor(row / 4)];
        const [item, end] = batch.tokens.subarray(row * 4 + 2, row * 4 + 4);
        const resolved = item < ITEMS && end === EOS;
        expect(semantic).toBe(resolved && item === example % ITEMS ? 1 : 0);
        expect(id).toBeCloseTo(resolved ? (example * ITEMS + item) / 100 : 0, 6);
        if (resolved) paid++;
      });
    });
    expect(paid).toBeGreaterThan(10);
  });

  it('records what the update used, and TRL’s gauges', async () => {
    const optimizer = new FakeOptimizer();
    const { steps } = await run(optimizer, { steps: 1 });
    const [step] = steps;
    expect(step.weightsBefore).toEqual([0.5, 0.5]);
    expect(step.weightsAfter).toEqual([0.45, 0.55]);
    const combined = step.rewards.flat().map(([semantic, id]) => 0.45 * semantic + 0.55 * id);
    expect(step.reward).toBeCloseTo(combined.reduce((a, b) => a + b, 0) / 12, 9);
    expect(step.advantages.map((group) => group.length)).toEqual([4, 4, 4]);
    expect(step.loss).toBe(0.5);
    // Every row begins with its own prompt.
    const { tokens: rows } = optimizer.batches[0].batch;
    for (let row = 0; row < 12; row++) {
      expect(`s${rows[row * 4]}`).toBe(step.sampleIds[Math.floor(row / 4)]);
      expect(rows[row * 4 + 1]).toBe(1);
    }
    const cut = optimizer.batches[0].batch.tokens.filter((token) => token === 7).length;
    // Rows are [user, 1, item, end or not].
    const { tokens } = optimizer.batches[0].batch;
    const repeated = [0, 1, 2].map((group) => {
      const rows = [0, 1, 2, 3].map((i) => tokens.subarray((group * 4 + i) * 4, (group * 4 + i + 1) * 4));
      const answers = rows.filter((row) => row[3] === EOS && row[2] < ITEMS).map((row) => row[2]);
      return answers.length === 0 ? 0 : 1 - new Set(answers).size / answers.length;
    });
    expect(repeated.some((rate) => rate > 0)).toBe(true);
    expect(step.completions).toEqual({
      mean_length: 2,
      clipped_ratio: cut / 12,
      valid_rate: 1 - cut / 12,
      duplicate_rate: expect.closeTo((repeated[0] + repeated[1] + repeated[2]) / 3, 12),
    });
  });

  it('records the gradients as the first update found them, and the first cosine by itself', async () => {
    const found: Pick<PolicyUpdate, 'gradNorms' | 'gradCosines' | 'influence'>[] = [
      { gradNorms: [1, 2, 3], gradCosines: [0.5, null, -0.25], influence: [7, 8] },
      { gradNorms: [9, 9, 9], gradCosines: [0.9, 0.9, 0.9], influence: [9, 9] },
    ];
    class Measuring extends FakeOptimizer {
      override async update(batch: PolicyBatch, hyper: { step: number }): Promise<PolicyUpdate> {
        return { ...(await super.update(batch, hyper)), ...found[batch.iteration] };
      }
    }
    const [measured] = (await run(new Measuring(), { steps: 1 })).steps;
    expect(measured).toMatchObject({ ...found[0], gradCosine: 0.5 });
    // Not measured, or a gradient of zero that has no direction.
    const [plain] = (await run(new FakeOptimizer(), { steps: 1 })).steps;
    expect(plain).toMatchObject({ gradNorms: null, gradCosines: null, gradCosine: null });
    found[0].gradCosines = [null, 0.5, -0.25];
    const [without] = (await run(new Measuring(), { steps: 1 })).steps;
    expect(without.gradCosine).toBeNull();
  });

  it('averages the gauges of all updates of a step', async () => {
    class Measuring extends FakeOptimizer {
      override async update(batch: PolicyBatch, hyper: { step: number }): Promise<PolicyUpdate> {
        const scale = batch.iteration === 0 ? 1 : 3;
        const gauges = { loss: 10 * scale, kl: 20 * scale, entropy: 30 * scale, gradNorm: 40 * scale };
        const clip = { low_mean: 0.1 * scale, high_mean: 0.2 * scale, region_mean: 0.3 * scale };
        return { ...(await super.update(batch, hyper)), ...gauges, clip };
      }
    }
    const [step] = (await run(new Measuring(), { steps: 1 })).steps;
    expect(step).toMatchObject({ loss: 20, kl: 40, entropy: 60, grad_norm: 80 });
    expect(step.clip_ratio.low_mean).toBeCloseTo(0.2, 12);
    expect(step.clip_ratio.high_mean).toBeCloseTo(0.4, 12);
    expect(step.clip_ratio.region_mean).toBeCloseTo(0.6, 12);
  });

  it('tells after each step how many are done, of all, and what its parts took in seconds', async () => {
    const told: unknown[] = [];
    const timings: [string, number][] = [];
    const began = performance.now();
    const slow = task(new FakeOptimizer());
    slow.model = {
      ...model,
      generate: async (options) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return model.generate(options);
      },
    };
    await trainPolicy(
      slow,
      { ...training, from: 1, steps: 3 },
      {
        gate: async () => 'go',
        onStep: ({ step }) => void told.push(step),
        onProgress: (done, total) => void told.push([done, total]),
        onTiming: (part, seconds) => void timings.push([part, seconds]),
      },
    );
    expect(told).toEqual([1, [2, 3], 2, [3, 3]]);
    const parts = ['rollout', 'reward', 'update'];
    expect(timings.map(([part]) => part)).toEqual([...parts, ...parts]);
    for (const [part, seconds] of timings) {
      // Timers may fire a little early.
      if (part === 'rollout') expect(seconds).toBeGreaterThan(0.05);
      expect(seconds).toBeGreaterThanOrEqual(0);
    }
    expect(timings.reduce((sum, [, seconds]) => sum + seconds, 0)).toBeLessThanOrEqual(
      (performance.now() - began) / 1000,
    );
  });

  it('updates numIterations times on the same rollouts, counting AdamW steps on', async () => {
    const optimizer = new FakeOptimizer();
    await run(optimizer, {
      steps: 2,
      at: () => ({ options: { ...options, numIterations: 3 }, weights: null }),
    });
    expect(optimizer.batches.map(({ step, iteration }) => [step, iteration])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
    expect(optimizer.batches[1].batch).toBe(optimizer.batches[0].batch);
    expect(optimizer.hypers).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('stopped and resumed gives the same steps', async () => {
    const whole = await run(new FakeOptimizer());
    const first = await run(new FakeOptimizer(), {}, 2);
    expect(first.state.step).toBe(2);
    const resumed = new FakeOptimizer();
    resumed.weights = first.state.weights;
    const second = await run(resumed, { from: first.state.step });
    expect([...first.steps, ...second.steps]).toEqual(whole.steps);
    expect(second.state).toEqual(whole.state);
  });

  it('takes what is in force at each step, and weights that are set, before the step rolls out', async () => {
    const optimizer = new FakeOptimizer();
    const asked: [number, number][] = [];
    const spied = task(optimizer);
    spied.model = {
      ...model,
      generate: (wanted) => {
        asked.push([wanted.numGenerations, wanted.temperature]);
        return model.generate(wanted);
      },
    };
    const told: number[] = [];
    const steps: PopoStep[] = [];
    const at = (step: number): InForce => {
      told.push(step);
      const later = { ...options, numGenerations: 2, temperature: 0.5, scaleRewards: 'none' as const };
      return { options: step < 2 ? options : later, weights: step === 2 ? [0.2, 0.8] : null };
    };
    await trainPolicy(
      spied,
      { ...training, at },
      { gate: async () => 'go', onStep: (step) => void steps.push(step) },
    );
    expect(told).toEqual([0, 1, 2, 3]);
    expect(asked).toEqual([
      [4, 1],
      [4, 1],
      [2, 0.5],
      [2, 0.5],
    ]);
    expect(steps.map(({ rewards }) => rewards[0].length)).toEqual([4, 4, 2, 2]);
    expect(optimizer.batches.map(({ groupSize }) => groupSize)).toEqual([4, 4, 4, 4, 2, 2, 2, 2]);
    expect(steps[2].weightsBefore).toEqual([0.2, 0.8]);
    expect(steps[3].weightsBefore).toEqual(steps[2].weightsAfter);
    expect(optimizer.options.scaleRewards).toBe('none');
  });

  it('draws rollouts from the seed and step alone', async () => {
    const keys: (readonly [number, number])[] = [];
    const spied = task(new FakeOptimizer());
    spied.model = {
      ...model,
      generate: (options) => {
        keys.push(options.key);
        return model.generate(options);
      },
    };
    await trainPolicy(spied, { ...training, from: 3 }, { gate: async () => 'go', onStep: () => {} });
    expect(keys).toEqual([streamKey(7, 'rollout', 3)]);
  });

  it('composes the model at weights drawn from seed and step, learns under them, and leaves it at the ones asked for', async () => {
    const drawnOptions = { ...options, weighting: 'conditioned', rewardWeights: [0.3, 0.7] } as const;
    const run = async (from: number) => {
      const optimizer = new FakeOptimizer();
      const spied = task(optimizer);
      const told: string[] = [];
      spied.model = {
        generate: (wanted) => {
          told.push('generate');
          return model.generate(wanted);
        },
        compose: async (shares) => void told.push(shares.join()),
      };
      const steps: PopoStep[] = [];
      await trainPolicy(
        spied,
        {
          ...training,
          from,
          at: () => ({ options: { ...drawnOptions, rewardWeights: [0.3, 0.7] }, weights: null }),
        },
        { gate: async () => 'go', onStep: (step) => void steps.push(step) },
      );
      return { told, steps };
    };
    const { told, steps } = await run(0);
    const drawn = steps.map(({ step }) => drawWeights({ seed: training.seed, step, numRewards: 2 }));
    expect(told).toEqual(drawn.flatMap((weights) => [weights.join(), 'generate', '0.3,0.7']));
    expect(steps.map(({ weightsBefore }) => weightsBefore)).toEqual(drawn);
    expect(new Set(drawn.map(([first]) => first)).size).toBe(steps.length);
    expect((await run(2)).steps.map(({ weightsBefore }) => weightsBefore)).toEqual(drawn.slice(2));
  });
});
