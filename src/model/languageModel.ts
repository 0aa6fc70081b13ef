/**
 * What the method needs of a language model. Implemented twice: `transformer.ts`, the compiled WebGPU engine, and
 * `reference.ts`, the same mathematics in TensorFlow.js ops with autodiff (oracle of the tests, slow path without WebGPU).
 */
import type { AdamWStep, ModelConfig } from './config';

/** B sequences padded on the right to T tokens. */
export interface PaddedTokens {
  /** B */
  size: number;
  /** T */
  length: number;
  /** [B*T], `tokens[b*T + t]` for t < lengths[b]; what lies beyond is ignored. */
  tokens: Uint32Array;
  /** [B] */
  lengths: Uint32Array;
}

/** Sequences to learn from. */
export interface TokenBatch extends PaddedTokens {
  /**
   * [B*T]: what multiplies −log P(tokens[t] | tokens[<t]) in the loss, a mask and a normaliser in one (prompt tokens 0, completion
   * tokens 1/count). That of t = 0 is never used: nothing predicts the first token.
   */
  lossWeights: Float32Array;
}

/** Sequences whose completions are known, but not yet how much each token of them counts. */
export interface MaskedBatch extends PaddedTokens {
  /** [B*T], 1 for a completion's tokens and 0 for all others. */
  mask: Uint8Array;
}

/** Means over a step, read back lazily. */
export interface StepMetrics {
  /** Σ lossWeights · −logp over all micro-batches of the step. */
  loss: number;
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
}

export interface ScoreResult {
  /** [B*T], log P(tokens[t] | tokens[<t]); 0 at t = 0 and beyond a sequence's end. */
  logps: Float32Array;
  /** [B*T], entropy in nats of the distribution that predicted token t; 0 where logps is 0 by definition. */
  entropies: Float32Array;
}

export interface GenerateOptions {
  /** P prompts of token ids, each of at least one token. */
  prompts: ArrayLike<number>[];
  /** G completions per prompt. */
  numGenerations: number;
  maxNewTokens: number;
  /** 0 is greedy. */
  temperature: number;
  /** 0 keeps the whole vocabulary. */
  topK: number;
  /** A completion ends with (and includes) this token. */
  eosToken: number;
  /** Key of the counter-based generator (numeric/random.ts, streamKey); the draw of row r, position s uses counter (r, s). */
  key: readonly [number, number];
}

export interface Generation {
  /** P*G rows in prompt-major order; without padding, with the end token where it was reached. */
  completions: Uint32Array[];
  /** log-probability of each sampled token under the *untempered* model. */
  logps: Float32Array[];
}

/** Weights and optimiser moments as one flat pool each, in the order of `parameters.ts`. Byte-exact. */
export interface WeightPools {
  parameters: Float32Array<ArrayBuffer>;
  moment1: Float32Array<ArrayBuffer>;
  moment2: Float32Array<ArrayBuffer>;
}

export interface ModelState extends WeightPools {
  /** What the weights are composed of (`split`); left out where they stand for themselves. */
  ends?: WeightPools[];
}

export interface LanguageModel {
  readonly config: ModelConfig;
  /** `webgpu` for the engine, a TensorFlow.js backend's name for the reference. */
  readonly backend: 'webgpu' | 'wasm' | 'cpu' | 'tfjs-webgpu';

  /**
   * Begins to compile the training step for batches of [size, length], so that other work can go on meanwhile. The first
   * step of this shape waits for it, and what went wrong is thrown there.
   */
  prepare(size: number, length: number): void;

  /**
   * One optimiser step on the weighted next-token loss, gradients accumulated over `microBatches`. Work is queued;
   * the promise resolves with metrics when the GPU is done. Await every few steps, not every step, to stay ahead.
   */
  trainStep(microBatches: TokenBatch[], hyper: AdamWStep): Promise<StepMetrics>;

  /** Scores under the current weights, or under the frozen reference weights (see `freezeReference`). */
  score(batch: PaddedTokens, weights?: 'current' | 'reference'): Promise<ScoreResult>;

  /** Logits of what follows each sequence, [B*V]; every sequence has a token at least. */
  logitsAfter(batch: PaddedTokens): Promise<Float32Array>;

  /** Ends when every row has ended. The weights must stay as they are until it resolves. */
  generate(options: GenerateOptions): Promise<Generation>;

  /** Copies the current weights to the frozen reference policy that the KL term is measured against. */
  freezeReference(): Promise<void>;

  /** Reads weights and moments back, those of the ends too; `restore` puts them there again, to the bit. */
  snapshot(): Promise<ModelState>;
  restore(state: ModelState): Promise<void>;

  /** Sets AdamW's moments to zero: each stage starts its own optimiser. */
  resetOptimizer(): Promise<void>;

  /**
   * Splits the model into K ends, each with the weights that it has now and moments of zero. From then on an update moves the ends: each
   * by AdamW under its share of the gradient at the weights that `compose` made, by moments of its own; an end of share 0 stays.
   * Weight decay is that of the composed weights, shared out in the same way. `restore` of a state without ends takes them away.
   */
  split(ends: number): Promise<void>;

  /** K of `split`; 0 where the weights stand for themselves. */
  readonly ends: number;

  /** Sets the weights to Σ_k shares_k · end_k, [K] with sum 1; with a share of 1 they are that end's to the bit. @throws Error before `split` into as many */
  compose(shares: readonly number[]): Promise<void>;

  /**
   * Frees what was made for steps, scores and answers so far, at the end of a stage: the next one's have other shapes. Nothing may be
   * under way. What was prepared and not used yet stays; all else is made again where it is needed.
   */
  tidy(): void;

  /** Planned and actual bytes on the device. */
  memory(): { bytesPlanned: number; bytesAllocated: number };

  destroy(): void;
}
