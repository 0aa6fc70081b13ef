/** Log-probabilities of given tokens: a forward pass whose layers share one set of buffers, and a pass over the logits. */
import { BufferTable } from '../gpu/bufferTable';
import * as kernels from '../gpu/kernels';
import { Plan, submit } from '../gpu/plan';
import {
  type Activations,
  addForward,
  allocateActivations,
  type ModelBuffers,
  type WeightViews,
  weightViews,
} from './forward';
import {
  addFinalNorm,
  addLogits,
  addScores,
  allocateHead,
  type HeadActivations,
  type HeadProduct,
  type ScoringScratch,
} from './head';
import type { PaddedTokens, ScoreResult } from './languageModel';
import type { Layout } from './packing';
import { chunksOf, planScoring } from './plans';
import type { StoredWeights } from './storedWeights';
import { objectiveUniform, SUPERVISED, writeObjective } from './training';
import { fitBatch } from './upload';

export class ScoringStep {
  /** [B*T] of (logp, entropy), indexed by the predicted token. */
  readonly scores: GPUBuffer;
  readonly tokens: GPUBuffer;
  readonly lengths: GPUBuffer;
  readonly spans: GPUBuffer;
  readonly #table: BufferTable;
  readonly #shape: GPUBuffer;
  readonly #untempered: GPUBuffer;
  readonly #activations: Activations;
  readonly #head: HeadActivations;

  constructor(
    readonly model: ModelBuffers,
    /** B */
    readonly batch: number,
    /** T */
    readonly length: number,
    /** Of a step that is between its lists; none: its own. */
    scratch: ScoringScratch | null = null,
  ) {
    const { gpu, tuning, sizes } = model;
    const rows = batch * length;
    const { columns } = planScoring(model, { size: batch, length });
    const table = new BufferTable(gpu, `scoring ${batch}×${length}`);
    this.#table = table;
    this.#shape = table.add(kernels.shapeUniform(gpu, { rows, length, batch }));
    this.#untempered = objectiveUniform(table);
    writeObjective(gpu, this.#untempered, SUPERVISED);
    this.tokens = table.floats('tokens', rows);
    this.lengths = table.floats('lengths', batch);
    this.spans = table.floats('spans', 4 * rows);
    this.scores = table.floats('scores', 2 * rows);
    this.#activations =
      scratch?.activations ?? allocateActivations(table, tuning, { sizes, rows, keep: 'none', columns });
    this.#head = scratch?.head ?? allocateHead(table, model, { rows, columns });
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  /**
   * The list under some weights, by the kernels that take them as they are stored; compiled once for each by the caller.
   * @param objective whose temperature the logits are divided by; none: 1
   */
  async plan(
    stored: StoredWeights,
    { tokens, lengths, spans }: Pick<ScoringStep, 'tokens' | 'lengths' | 'spans'> = this,
    objective: GPUBuffer = this.#untempered,
  ): Promise<Plan> {
    const { batch, length } = this;
    const { gpu, sizes, table, rotation } = this.model;
    const tuning = { ...this.model.tuning, dtype: stored.dtype };
    const rows = batch * length;
    const weights = weightViews(stored, table, sizes.layers);
    const activations = this.#activations;
    const plan = new Plan(gpu);
    const shape = this.#shape;
    addForward(plan, tuning, {
      sizes,
      weights,
      activations,
      tokens,
      spans,
      rotation,
      batch,
      length,
      shape,
      isKept: false,
    });
    const { scores } = this;
    const x = activations.residual[sizes.layers];
    addFinalNorm(plan, tuning, { sizes, weights, x, head: this.#head, rows, shape });
    addScores(plan, tuning, { ...this.#product(weights), tokens, lengths, scores, objective });
    return plan.compile();
  }

  #product({ embedding }: Pick<WeightViews, 'embedding'>): HeadProduct {
    const { batch, length } = this;
    const { sizes } = this.model;
    const { scratch } = this.#activations;
    return { sizes, embedding, head: this.#head, scratch, rows: batch * length, shape: this.#shape };
  }

  /** Uploads a batch of at most [B, T] for plans that read this step's own buffers. @throws RangeError on another shape. */
  upload(batch: PaddedTokens & { layout?: Layout }): void {
    const { batch: size, length } = this;
    const { tokens, lengths, layout } = fitBatch(batch, { size, length, vocabulary: this.model.sizes.V });
    const { queue } = this.model.gpu.device;
    queue.writeBuffer(this.tokens, 0, tokens);
    queue.writeBuffer(this.lengths, 0, lengths);
    queue.writeBuffer(this.spans, 0, layout.spans);
  }

  /** Runs a plan of this step on a batch of at most [B, T]; results have the batch's own shape. */
  async run(plan: Plan, batch: PaddedTokens): Promise<ScoreResult> {
    this.upload(batch);
    const { gpu } = this.model;
    submit(gpu, plan);
    const pairs = new Float32Array(await gpu.read(this.scores, 0, this.batch * this.length * 8));
    const logps = new Float32Array(batch.size * batch.length);
    const entropies = new Float32Array(batch.size * batch.length);
    for (let b = 0; b < batch.size; b++) {
      for (let t = 0; t < batch.length; t++) {
        logps[b * batch.length + t] = pairs[2 * (b * this.length + t)];
        entropies[b * batch.length + t] = pairs[2 * (b * this.length + t) + 1];
      }
    }
    return { logps, entropies };
  }

  /** Runs a plan of the current weights as `run` does, for the logits of each sequence's last token: [B*V]. */
  async logitsAfter(plan: Plan, batch: PaddedTokens): Promise<Float32Array> {
    this.upload(batch);
    const { gpu, sizes } = this.model;
    submit(gpu, plan);
    const logits = new Float32Array(batch.size * sizes.V);
    const weights = weightViews(this.model.weights, this.model.table, sizes.layers);
    for (const chunk of chunksOf(sizes.V, this.#head.columns)) {
      if (this.#head.sums !== null) {
        const again = new Plan(gpu);
        addLogits(again, this.model.tuning, this.#product(weights), chunk);
        submit(gpu, await again.compile());
      }
      const rows = Array.from({ length: batch.size }, async (_, b) => {
        const row = b * this.length + batch.lengths[b] - 1;
        const read = await gpu.read(this.#head.logits, row * chunk.size * 4, chunk.size * 4);
        logits.set(new Float32Array(read), b * sizes.V + chunk.from);
      });
      await Promise.all(rows);
    }
    return logits;
  }

  destroy(): void {
    this.#table.destroy();
  }
}
