/**
 * A policy update in plain steps over the reference model: one autodiff pass per reward, the pure functions for every
 * decision. Oracle of `compiledUpdate.ts`, and what trains where there is no WebGPU.
 */
import type { AdamWStep } from '../model/config';
import { lastLayerWindow, parameterTable } from '../model/parameters';
import type { ReferenceModel } from '../model/reference';
import { assertRewards, computeAdvantages, objectiveAdvantages } from './advantages';
import { objectiveMetrics, weighBatch } from './objective';
import { aggregationOf, type PolicyOptions } from './options';
import {
  assertFinite,
  assertRewardCount,
  influenceCorrection,
  influencePrompts,
  measurementOf,
  NOTHING_MEASURED,
  type PolicyBatch,
  type PolicyOptimizer,
  type PolicyUpdate,
} from './policy';
import { ruleOf } from './rules';
import {
  assertWeights,
  clipGram,
  gradientCosines,
  gradientNorms,
  influences,
  nextWeights,
} from './weighting';

/** What iterations after the first on the same rollouts use again. */
interface Kept {
  advantages: Float32Array;
  oldLogps: Float32Array;
  referenceLogps: Float32Array | null;
}

export class ReferencePolicyOptimizer implements PolicyOptimizer {
  weights: number[];
  readonly #model: ReferenceModel;
  #options: PolicyOptions;
  #kept: Kept | null = null;

  /** The model's reference policy must be frozen unless `beta` is 0. */
  constructor(model: ReferenceModel, options: PolicyOptions) {
    assertWeights(options.rewardWeights);
    this.#model = model;
    this.#options = options;
    this.weights = [...options.rewardWeights];
  }

  configure(options: PolicyOptions): void {
    this.#options = options;
  }

  async update(policyBatch: PolicyBatch, hyper: AdamWStep): Promise<PolicyUpdate> {
    const { batch, groupSize, rewards, numRewards, step, iteration } = policyBatch;
    const options = this.#options;
    assertRewardCount(policyBatch, this.weights);
    assertRewards(rewards, groupSize, numRewards);
    const weighted = weighBatch(batch, options.lossType, options.maxCompletionLength);
    const { beta, epsilon, epsilonHigh, temperature } = options;
    const clip = { beta, epsilonLow: epsilon, epsilonHigh, temperature };
    const weightsBefore = this.weights;
    let gram: number[] | null = null;
    let influence: number[] | null = null;
    const measured = iteration === 0 ? measurementOf(options, policyBatch) : NOTHING_MEASURED;
    if (iteration === 0) {
      const referenceLogps =
        beta > 0 ? (await this.#model.score(batch, 'reference', temperature)).logps : null;
      const gradientsOf = async (advantages: Float32Array[]) => {
        const none = { oldLogps: null, referenceLogps: null, klIn: -1 };
        const { gradients } = await this.#model.policyGradients(weighted, { ...clip, advantages, ...none });
        const { from, to } = this.#scope();
        return gradients.map((gradient) => gradient.subarray(from, to));
      };
      const single = this.#objectives(policyBatch);
      if (measured.gram) gram = gramMatrix(await gradientsOf(single));
      if (measured.influence) influence = await this.#influence(policyBatch, single, gradientsOf, hyper);
      const rule = ruleOf(options.weighting);
      const clipped =
        measured.weighs === 'gram' && gram ? clipGram(gram, numRewards, options.objectiveMaxNorm) : null;
      if (clipped && rule.needs === 'influence') influence = influences(clipped, numRewards);
      // The options are as much evidence as what was measured.
      const evidence = { ...options, weights: weightsBefore, rewards, groupSize, gram: clipped, influence };
      this.weights = nextWeights(rule, evidence, options.minWeight);
      const advantages = Float32Array.from(
        computeAdvantages(rewards, { ...this.#advantageOptions(groupSize), weights: this.weights }),
      );
      this.#kept = { advantages, referenceLogps, oldLogps: new Float32Array(0) };
    }
    const kept = this.#kept;
    if (!kept) throw new Error('Iteration 0 of a policy update must come before the others.');
    const { gradients, logps, entropies } = await this.#model.policyGradients(weighted, {
      ...clip,
      advantages: [kept.advantages],
      oldLogps: iteration === 0 ? null : kept.oldLogps,
      referenceLogps: kept.referenceLogps,
      klIn: 0,
    });
    if (iteration === 0) kept.oldLogps = logps;
    const metrics = objectiveMetrics(
      weighted,
      { logps, entropies, oldLogps: kept.oldLogps, referenceLogps: kept.referenceLogps ?? logps },
      kept.advantages,
      clip,
    );
    const gradNorm = await this.#model.applyGradient(gradients[0], hyper);
    return assertFinite(
      {
        ...metrics,
        gradNorm,
        advantages: kept.advantages,
        weightsBefore,
        weightsAfter: this.weights,
        influence,
        gradNorms: gram && gradientNorms(gram, numRewards),
        gradCosines: gram && gradientCosines(gram, numRewards),
      },
      step,
    );
  }

  destroy(): void {
    this.#kept = null;
  }

  #advantageOptions(groupSize: number) {
    const options = this.#options;
    return { ...options, aggregation: aggregationOf(options), groupSize };
  }

  #objectives({ rewards, groupSize }: PolicyBatch): Float32Array[] {
    const options = { ...this.#advantageOptions(groupSize), weights: this.weights };
    return objectiveAdvantages(rewards, options).map((advantages) => Float32Array.from(advantages));
  }

  #scope(): { from: number; to: number } {
    const table = parameterTable(this.#model.config);
    return this.#options.influenceScope === 'all' ? { from: 0, to: table.poolSize } : lastLayerWindow(table);
  }

  /** ⟨g_i, u⟩ by a gradient each, of the prompts that `influencePrompts` names. */
  async #influence(
    { groupSize }: PolicyBatch,
    single: Float32Array[],
    gradientsOf: (advantages: Float32Array[]) => Promise<Float32Array[]>,
    hyper: AdamWStep,
  ): Promise<number[]> {
    const prompts = single[0].length / groupSize;
    const correction = influenceCorrection(this.#options, prompts, hyper);
    const { direction, slopes } = influencePrompts(this.#options, prompts);
    const sloped = single.map((advantages) =>
      advantages.map((value, row) =>
        row >= slopes.from * groupSize && row < slopes.to * groupSize ? value : 0,
      ),
    );
    if (this.#options.influence === 'momentum') {
      const { from, to } = this.#scope();
      const along = (await this.#model.snapshot()).moment1.subarray(from, to);
      return (await gradientsOf(sloped)).map((gradient) => correction * dot(gradient, along));
    }
    const sum = single[0].map((_, row) =>
      row < direction * groupSize ? single.reduce((total, advantages) => total + advantages[row], 0) : 0,
    );
    const [along, ...gradients] = await gradientsOf([sum, ...sloped]);
    return gradients.map((gradient) => correction * dot(gradient, along));
  }
}

/** G_ij = ⟨g_i, g_j⟩, [K, K], summed in f64. */
function gramMatrix(gradients: Float32Array[]): number[] {
  return gradients.flatMap((a) => gradients.map((b) => dot(a, b)));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let p = 0; p < a.length; p++) sum += a[p] * b[p];
  return sum;
}
