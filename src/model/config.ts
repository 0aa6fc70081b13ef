/**
 * Shape of a Llama-style decoder: RMSNorm, rotary positions, SwiGLU, grouped-query attention, tied embeddings.
 * Field names are those of Hugging Face's `LlamaConfig`, so that a checkpoint's config.json is this object and a few
 * constants.
 */
export interface ModelConfig {
  vocab_size: number;
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  /** Divides `num_attention_heads`; equal to it for plain multi-head attention. */
  num_key_value_heads: number;
  intermediate_size: number;
  /** Longest sequence, prompt and completion together. */
  max_position_embeddings: number;
  rope_theta: number;
  rms_norm_eps: number;
}

/** Width of one attention head. */
export function headDim(config: ModelConfig): number {
  return config.hidden_size / config.num_attention_heads;
}

/** Hyper-parameters of one AdamW update (decoupled weight decay; Loshchilov and Hutter, 2019). */
export interface AdamWStep {
  /** 1 for the first update: bias correction uses it. */
  step: number;
  learningRate: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Gradients are scaled down to this global L2 norm; Infinity turns clipping off. */
  maxGradNorm: number;
}
