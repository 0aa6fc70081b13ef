/**
 * A policy update in plain steps over the reference model: one autodiff pass per reward, the pure functions for every
 * decision. Oracle of `compiledStep.ts`, and what trains where there is no WebGPU.
 */
import type { AdamWStep } from '../model/config';
import type { ReferenceModel } from '../model/reference';
import { assertRewards, computeAdvantages, objectiveAdvantages } from './advantages';
import { objectiveMetrics, weighBatch } from './objective';
import type { PolicyOptions } from './options';
import {
  assertFinite,
  assertRewardCount,
  measuresGradients,
  type PolicyBatch,
  type PolicyOptimizer,
  type PolicyUpdate,
} from './policy';
import {
  assertWeights,
  gradientCosine,
  gradientNorms,
  influences,
  popoLightWeights,
  popoWeights,
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
  readonly #options: PolicyOptions;
  #kept: Kept | null = null;

  /** The model's reference policy must be frozen unless `beta` is 0. */
  constructor(model: ReferenceModel, options: PolicyOptions) {
    assertWeights(options.reward_weights);
    this.#model = model;
    this.#options = options;
    this.weights = [...options.reward_weights];
  }

  async update(policyBatch: PolicyBatch, hyper: AdamWStep): Promise<PolicyUpdate> {
    const { batch, groupSize, rewards, numRewards, step, iteration } = policyBatch;
    const options = this.#options;
    assertRewardCount(policyBatch, this.weights);
    assertRewards(rewards, groupSize, numRewards);
    const weighted = weighBatch(batch, options.loss_type, options.max_completion_length);
    const clip = { beta: options.beta, epsilonLow: options.epsilon, epsilonHigh: options.epsilon_high };
    const weightsBefore = this.weights;
    let gram: number[] | null = null;
    if (iteration === 0) {
      const referenceLogps = options.beta > 0 ? (await this.#model.score(batch, 'reference')).logps : null;
      if (measuresGradients(options, policyBatch)) {
        const { gradients } = await this.#model.policyGradients(weighted, {
          ...clip,
          advantages: this.#objectives(policyBatch),
          oldLogps: null,
          referenceLogps: null,
          klIn: -1,
        });
        gram = gramMatrix(gradients);
      }
      this.weights = this.#weigh(policyBatch, gram);
      const advantages = Float32Array.from(
        computeAdvantages(rewards, { ...options, groupSize, weights: this.weights }),
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
        influence: gram && options.weighting === 'popo' ? influences(gram, numRewards) : null,
        gradNorms: gram && gradientNorms(gram, numRewards),
        gradCosine: gram && gradientCosine(gram, numRewards),
      },
      step,
    );
  }

  destroy(): void {
    this.#kept = null;
  }

  #objectives({ rewards, groupSize }: PolicyBatch): Float32Array[] {
    const options = { ...this.#options, groupSize, weights: this.weights };
    return objectiveAdvantages(rewards, options).map((advantages) => Float32Array.from(advantages));
  }

  #weigh({ rewards, groupSize, numRewards }: PolicyBatch, gram: number[] | null): number[] {
    const { weighting, eta_over_mu } = this.#options;
    if (weighting === 'popo-light') return popoLightWeights(rewards, groupSize, this.weights);
    if (weighting === 'popo' && gram)
      return popoWeights(this.weights, influences(gram, numRewards), eta_over_mu);
    return this.weights;
  }
}

/** G_ij = ⟨g_i, g_j⟩, [K, K], summed in f64. */
function gramMatrix(gradients: Float32Array[]): number[] {
  return gradients.flatMap((a) =>
    gradients.map((b) => {
      let sum = 0;
      for (let p = 0; p < a.length; p++) sum += a[p] * b[p];
      return sum;
    }),
  );
}
