/** How large SASRec is (sasrec.ts); on its own, so that a budget need not load what trains it. */
import type { ModelConfig } from '../../model/config';

/** Items of a history that it reads, the newest. */
const CONTEXT = 50;
const LAYERS = 2;
const HEAD_WIDTH = 32;

/** The longest sequence: the token that every history begins with, and as many items as are read. */
export function sasRecLength(histories: readonly ArrayLike<number>[]): number {
  return (
    1 +
    Math.min(
      CONTEXT,
      histories.reduce((most, { length }) => Math.max(most, length), 1),
    )
  );
}

/** @param length tokens of the longest sequence */
export function sasRecShape(items: number, hiddenSize: number, length: number): ModelConfig {
  const heads = hiddenSize % HEAD_WIDTH === 0 ? hiddenSize / HEAD_WIDTH : 1;
  return {
    vocab_size: Math.ceil((items + 1) / 4) * 4,
    hidden_size: hiddenSize,
    num_hidden_layers: LAYERS,
    num_attention_heads: heads,
    num_key_value_heads: heads,
    intermediate_size: 2 * hiddenSize,
    max_position_embeddings: length,
    rope_theta: 10_000,
    rms_norm_eps: 1e-6,
  };
}
