/**
 * A policy update as one submit on the engine. For the first update on a batch of rollouts:
 *
 *     reference scores → forward → A_k → (measure) → w(t), Â → backward → AdamW
 *
 * and one read-back at the end. What is measured (policy.ts) shares the forward pass and carries no KL term, which is
 * counted once, in the combined loss:
 *
 *     gram        per reward: backward of A_k into pool k; then all ⟨g_i, g_j⟩              2 K forward passes' worth
 *     influence   backward of Σ_k A_k → u; forward at θ + h u; then all ⟨g_i, u⟩             3, whatever K
 *                 or AdamW's first moment as u, and that forward                             1
 *
 * Of these two the backward runs only over the prompts that give u, and the forward over those that give the slopes: 1.5 forward
 * passes' worth for `halves`, and less with `influencePrompts`.
 *
 * Later updates on the same rollouts replay forward → backward → AdamW against the log-probabilities the first one kept.
 */
import { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import { Plan, submit } from '../gpu/plan';
import type { AdamWStep } from '../model/config';
import { packedLength, packGroups, sliceRows } from '../model/packing';
import { lastLayerWindow } from '../model/parameters';
import { ScoringStep } from '../model/scoring';
import { wholePool } from '../model/storedWeights';
import { objectiveUniform, type TrainingStep, writeObjective } from '../model/training';
import type { Transformer } from '../model/transformer';
import { assertRewards } from './advantages';
import { keepBaselines } from './kernels/baselines';
import { DirectionalInfluence } from './kernels/directionalInfluence';
import { GradientAlignment } from './kernels/gradientAlignment';
import { RewardWeighting } from './kernels/rewardWeighting';
import { weighBatch } from './objective';
import type { PolicyOptions } from './options';
import {
  assertFinite,
  assertRewardCount,
  everMeasured,
  influenceCorrection,
  influencePrompts,
  measurementOf,
  type PolicyBatch,
  type PolicyOptimizer,
  type PolicyUpdate,
} from './policy';
import { ruleOf } from './rules';
import { assertWeights, gradientCosines, gradientNorms } from './weighting';

/** Floats of the engine's metrics buffer. */
const METRICS = 16;

/** Lists and buffers for one batch shape. */
interface Compiled {
  /** B×T×G, and what else decides which lists there are */
  key: string;
  table: BufferTable;
  step: TrainingStep;
  /** P·G */
  rollouts: number;
  weighting: RewardWeighting;
  directional: { kernels: DirectionalInfluence; scoring: ScoringStep } | null;
  /** They write into the step's scratch. */
  scorings: ScoringStep[];
  /** Uniforms of the single rewards' losses, whose temperature scoring takes too, and of the combined one. */
  probeObjective: GPUBuffer;
  objective: GPUBuffer;
  /** Everything that is read back, side by side. */
  readout: GPUBuffer;
  referenceScores: Plan[];
  objectiveAdvantages: Plan;
  gram: Plan[];
  influence: Plan[];
  weigh: Plan;
  backward: Plan;
  keepOld: Plan;
}

/** What the lists that measure single rewards are made of. */
interface MeasuredParts {
  table: BufferTable;
  step: TrainingStep;
  weighting: RewardWeighting;
  /** [poolSize] each: of the gradients of single rewards, the first of which is the model's own until the update's is known. */
  pools: GPUBuffer[];
  /** Of a single reward's loss. */
  objective: GPUBuffer;
}

export class CompiledPolicyOptimizer implements PolicyOptimizer {
  weights: number[];
  readonly #model: Transformer;
  readonly #gpu: Gpu;
  #options: PolicyOptions;
  #compiled: Compiled | null = null;
  /** Of the last iteration 0. */
  #kept: { advantages: Float32Array; weights: number[] } | null = null;

  /** The model's reference policy must be frozen unless `beta` is 0. */
  constructor(model: Transformer, options: PolicyOptions) {
    assertWeights(options.rewardWeights);
    this.#model = model;
    this.#gpu = model.gpu;
    this.#options = options;
    this.weights = [...options.rewardWeights];
  }

  /** Lists are built anew at the next update where these options need others. */
  configure(options: PolicyOptions): void {
    this.#options = options;
  }

  /** Bytes this optimizer holds besides the model's own. */
  get bytes(): number {
    const { table, scorings } = this.#compiled ?? {};
    return (scorings ?? []).reduce((sum, { bytes }) => sum + bytes, table?.bytes ?? 0);
  }

  async update(policyBatch: PolicyBatch, hyper: AdamWStep): Promise<PolicyUpdate> {
    const { batch, groupSize, rewards, numRewards, step, iteration } = policyBatch;
    const options = this.#options;
    assertRewardCount(policyBatch, this.weights);
    assertRewards(rewards, groupSize, numRewards);
    const compiled = await this.#compile(policyBatch);
    const { queue } = this.#gpu.device;
    this.#gpu.assertHealthy();
    const weighed = weighBatch(batch, options.lossType, options.maxCompletionLength);
    const packed = packGroups(weighed, groupSize, compiled.step.length);
    compiled.step.upload(packed);
    const clip = {
      mode: 'policy',
      accumulate: false,
      epsilonLow: options.epsilon,
      epsilonHigh: options.epsilonHigh,
      temperature: options.temperature,
    } as const;
    writeObjective(this.#gpu, compiled.objective, { ...clip, useOld: iteration > 0, beta: options.beta });
    writeObjective(this.#gpu, compiled.probeObjective, { ...clip, useOld: false, beta: 0 });
    this.#model.writeHyper(hyper);
    if (iteration > 0) {
      if (!this.#kept) throw new Error('Iteration 0 of a policy update must come before the others.');
      this.#submit(compiled, [compiled.step.forward, compiled.backward, this.#model.optimizer]);
      const { metrics } = await this.#read(compiled);
      const { advantages, weights } = this.#kept;
      const decision = { advantages, weightsBefore: weights, weightsAfter: weights };
      return assertFinite({ ...decision, ...NOT_MEASURED, ...gauges(metrics) }, step);
    }
    const measured = measurementOf(options, policyBatch);
    compiled.weighting.configure(options, measured);
    if (measured.influence && compiled.directional) {
      const { kernels, scoring } = compiled.directional;
      const { from, to } = kernels.shape.slopes;
      kernels.configure(influenceCorrection(options, packed.size, hyper));
      scoring.upload(sliceRows(packed, from, to));
    }
    queue.writeBuffer(compiled.weighting.rewards, 0, Float32Array.from(rewards));
    queue.writeBuffer(compiled.weighting.weights, 0, Float32Array.from(this.weights));
    this.#submit(compiled, [
      ...compiled.referenceScores,
      compiled.step.forward,
      compiled.objectiveAdvantages,
      ...(measured.gram ? compiled.gram : []),
      ...(measured.influence ? compiled.influence : []),
      compiled.weigh,
      compiled.backward,
      this.#model.optimizer,
      compiled.keepOld,
    ]);
    const { metrics, statistics, gram, advantages } = await this.#read(compiled);
    const goesByInfluence = ruleOf(options.weighting).needs === 'influence';
    const { weightsBefore, weightsAfter, influence } = compiled.weighting.readStatistics(statistics);
    const update = assertFinite(
      {
        advantages,
        weightsBefore,
        weightsAfter,
        influence: goesByInfluence && measured.weighs !== null ? influence : null,
        gradNorms: measured.gram ? gradientNorms(gram, numRewards) : null,
        gradCosines: measured.gram ? gradientCosines(gram, numRewards) : null,
        ...gauges(metrics),
      },
      step,
    );
    this.weights = weightsAfter;
    this.#kept = { advantages, weights: weightsAfter };
    return update;
  }

  destroy(): void {
    this.#compiled?.table.destroy();
    for (const scoring of this.#compiled?.scorings ?? []) scoring.destroy();
    this.#compiled = null;
    this.#kept = null;
  }

  /** The lists in order, then everything worth reading into `readout`. */
  #submit({ weighting, readout }: Compiled, plans: Plan[]): void {
    const { device } = this.#gpu;
    const K = this.weights.length;
    submit(this.#gpu, ...plans);
    const encoder = device.createCommandEncoder();
    const { buffer, offset, size } = weighting.advantagesOf(K);
    let at = 0;
    for (const [source, from, floats] of [
      [this.#model.metrics, 0, METRICS],
      [weighting.statistics, 0, 5 * K],
      [weighting.gram, 0, K * K],
      [buffer, offset, size / 4],
    ] as const) {
      encoder.copyBufferToBuffer(source, from, readout, at, floats * 4);
      at += floats * 4;
    }
    device.queue.submit([encoder.finish()]);
  }

  async #read({ readout }: Compiled) {
    const K = this.weights.length;
    const values = new Float32Array(await this.#gpu.read(readout));
    const gramAt = METRICS + 5 * K;
    const advantagesAt = gramAt + K * K;
    const rows = this.#compiled?.rollouts ?? 0;
    return {
      metrics: values.slice(0, METRICS),
      statistics: values.slice(METRICS, gramAt),
      gram: values.slice(gramAt, advantagesAt),
      advantages: values.slice(advantagesAt, advantagesAt + rows),
    };
  }

  /** The lists for this batch's shape; built at the first step, since shapes are static over a stage. */
  async #compile({ batch, groupSize }: PolicyBatch): Promise<Compiled> {
    const options = this.#options;
    const key = `${batch.size}×${batch.length}×${groupSize} ${listsOf(options)}`;
    if (this.#compiled?.key === key) return this.#compiled;
    this.destroy();
    const model = this.#model;
    const gpu = this.#gpu;
    const K = this.weights.length;
    // A group's prompt is run through once: its completions are packed behind it.
    const prompt = Math.max(1, batch.length - options.maxCompletionLength);
    const packed = packedLength(prompt, batch.length - prompt, groupSize);
    const step = await model.training(batch.size / groupSize, packed, batch.length);
    const table = new BufferTable(gpu, `popo ${key}`);
    const shape = { groups: batch.size / groupSize, groupSize, numRewards: K };
    const weighting = new RewardWeighting(table, shape);
    const { poolSize } = model.table;
    const scope = options.influenceScope === 'all' ? { from: 0, to: poolSize } : lastLayerWindow(model.table);
    const { stride } = weighting;
    const { slopes } = influencePrompts(options, step.batch);
    const measured = everMeasured(options);
    const pools = [model.gradient];
    // Gradients are compared before anything is displaced, so the second pool is free by then.
    const more = Math.max(measured.gram ? K : 0, measured.influence ? 2 : 0);
    while (pools.length < more) pools.push(table.floats(`pool ${pools.length}`, poolSize));
    const scratch = options.beta > 0 || measured.influence ? step.scoringScratch(table) : null;
    const scoringOf = (groups: number) => {
      model.checkLength(batch.length);
      const scoring = new ScoringStep(model, groups, step.length, scratch);
      scorings.push(scoring);
      return scoring;
    };
    const scorings: ScoringStep[] = [];
    const directional = measured.influence
      ? {
          kernels: new DirectionalInfluence(
            table,
            { ...shape, slopes, length: step.length, poolSize, scope, stride },
            pools[1],
          ),
          scoring: scoringOf(slopes.to - slopes.from),
        }
      : null;
    const probeObjective = objectiveUniform(table);
    const objective = objectiveUniform(table);
    const objectiveAdvantages = new Plan(gpu);
    weighting.addObjectiveAdvantages(objectiveAdvantages);
    const weigh = new Plan(gpu);
    weighting.addWeigh(weigh);
    const keepOld = new Plan(gpu);
    const { scores, baselines } = step.buffers;
    const rows = step.batch * step.length;
    keepBaselines(keepOld, 'old', { scores, baselines, rows });
    const parts = { table, step, weighting, pools, objective: probeObjective };
    const [referenceScores, gram, influence, backward] = await Promise.all([
      options.beta > 0 ? this.#referenceScores(step, scoringOf(step.batch), probeObjective) : [],
      measured.gram ? this.#gram(parts, scope) : [],
      directional ? this.#influence(parts, directional) : [],
      step.backward({ objective, advantages: weighting.advantagesOf(K), gradient: model.gradient }),
      objectiveAdvantages.compile(),
      weigh.compile(),
      keepOld.compile(),
    ]);
    const readout = table.floats('readout', METRICS + 5 * K + K * K + batch.size);
    gpu.assertHealthy();
    this.#compiled = {
      key,
      table,
      step,
      rollouts: batch.size,
      weighting,
      directional,
      scorings,
      probeObjective,
      objective,
      readout,
      referenceScores,
      objectiveAdvantages,
      gram,
      influence,
      weigh,
      backward,
      keepOld,
    };
    return this.#compiled;
  }

  /** Scores of the uploaded batch under the frozen reference, kept as baselines. */
  async #referenceScores(step: TrainingStep, scoring: ScoringStep, objective: GPUBuffer): Promise<Plan[]> {
    const { baselines } = step.buffers;
    const keep = new Plan(this.#gpu);
    const rows = step.batch * step.length;
    keepBaselines(keep, 'reference', { scores: scoring.scores, baselines, rows });
    return Promise.all([scoring.plan(this.#model.reference, step.buffers, objective), keep.compile()]);
  }

  /** A backward pass per reward into a pool of its own, and the Gram matrix of the pools within the scope. */
  async #gram(
    { table, step, weighting, pools, objective }: MeasuredParts,
    scope: { from: number; to: number },
  ): Promise<Plan[]> {
    const own = pools.slice(0, this.weights.length);
    const count = scope.to - scope.from;
    const windows = own.map((buffer) => ({ buffer, offset: scope.from * 4, size: count * 4 }));
    const gram = new Plan(this.#gpu);
    new GradientAlignment(table, count, windows, weighting.gram).add(gram);
    const backwards = own.map((gradient, k) =>
      step.backward({ objective, advantages: weighting.advantagesOf(k), gradient }),
    );
    return Promise.all([...backwards, gram.compile()]);
  }

  /** The direction, into the gradient pool, which is free until the combined loss's backward; then the influences along it. */
  async #influence(
    { table, step, weighting, objective }: Omit<MeasuredParts, 'pools'>,
    { kernels, scoring }: NonNullable<Compiled['directional']>,
  ): Promise<Plan[]> {
    const { parameters, weights, table: pool, gradient, moment1 } = this.#model;
    const { direction, slopes } = influencePrompts(this.#options, step.batch);
    const sum = new Plan(this.#gpu);
    weighting.addDirectionAdvantages(sum);
    const advantages = weighting.advantagesOf(this.weights.length + 1);
    const displacement = new Plan(this.#gpu);
    const rounded = weights.dtype === 'f16' ? pool.decayedSize : 0;
    kernels.addDisplacement(displacement, parameters, direction > 0 ? gradient : moment1, rounded);
    const influences = new Plan(this.#gpu);
    kernels.addInfluences(influences, {
      before: step.buffers.scores,
      after: scoring.scores,
      weights: step.buffers.weights,
      advantages: weighting.advantages,
      influence: weighting.influence,
    });
    const backward = () =>
      step.backward({ objective, advantages, gradient, leading: step.leading(table, direction) });
    return Promise.all([
      ...(direction > 0 ? [sum.compile(), backward()] : []),
      // A backward pass scores its tokens at θ on its way.
      ...(slopes.to > direction ? [step.score(objective, step.leading(table, slopes.to))] : []),
      displacement.compile(),
      scoring.plan(wholePool(kernels.displaced), scoring, objective),
      influences.compile(),
    ]);
  }
}

/** What of the options decides which lists there are, and what is in them; all else is told to each update. */
function listsOf(options: PolicyOptions): string {
  const { beta, influence, influenceScope, influencePrompts } = options;
  return JSON.stringify([everMeasured(options), beta > 0, influence, influenceScope, influencePrompts]);
}

const NOT_MEASURED = { influence: null, gradNorms: null, gradCosines: null };

/** Means over completion tokens from the engine's metrics (token_statistics.wgsl, adamw.wgsl). */
function gauges(metrics: Float32Array): Pick<PolicyUpdate, 'loss' | 'kl' | 'entropy' | 'clip' | 'gradNorm'> {
  const [loss, kl, entropy, count, low, high] = metrics;
  const tokens = Math.max(count, 1);
  return {
    loss,
    kl: kl / tokens,
    entropy: entropy / tokens,
    clip: { low_mean: low / tokens, high_mean: high / tokens, region_mean: (low + high) / tokens },
    gradNorm: metrics[8],
  };
}
