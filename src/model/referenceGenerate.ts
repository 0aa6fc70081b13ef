/**
 * Rollouts of the reference model: prompts run once, then one token per row and step over a growing key-value cache.
 * Logits are read back and the token is drawn on the host (`sample.ts`), which is what the slow path can afford.
 */
import * as tf from '@tensorflow/tfjs';
import { threefry, toUnit } from '../numeric/random';
import type { ModelConfig } from './config';
import type { GenerateOptions, Generation } from './languageModel';
import { padRows } from './padding';
import { checkedIds } from './referenceBatch';
import {
  causalContext,
  decodeContext,
  hiddenStates,
  type LayerCache,
  logits,
  type WeightTensors,
} from './referenceForward';
import { sampleToken } from './sample';

/** `LanguageModel.generate` under `weights`. The draw of row r's n-th new token (from 0) uses counter (r, n). */
export async function generate(
  config: ModelConfig,
  weights: WeightTensors,
  options: GenerateOptions,
): Promise<Generation> {
  const { prompts, numGenerations, maxNewTokens } = options;
  const [key0, key1] = options.key;
  const rows = prompts.length * numGenerations;
  const completions: number[][] = Array.from({ length: rows }, () => []);
  const logps: number[][] = Array.from({ length: rows }, () => []);
  if (rows === 0 || maxNewTokens === 0) return packed(completions, logps);

  const promptSlots = Math.max(...prompts.map((prompt) => prompt.length));
  const batch = padRows(prompts, promptSlots);
  const ids = checkedIds(config, batch);
  if (promptSlots + maxNewTokens > config.max_position_embeddings) {
    throw new Error(
      `A prompt of ${promptSlots} tokens and ${maxNewTokens} new ones exceed the model's ` +
        `${config.max_position_embeddings} positions: shorten the prompt or raise max_position_embeddings.`,
    );
  }
  const promptLengths = Array.from(
    { length: rows },
    (_, row) => batch.lengths[Math.floor(row / numGenerations)],
  );
  let { next, cache } = prefill(config, weights, { ids, lengths: batch.lengths, numGenerations });
  try {
    for (let position = 0; position < maxNewTokens; position++) {
      const values = await next.data();
      const vocabulary = config.vocab_size;
      const chosen = new Int32Array(rows);
      let running = 0;
      for (let row = 0; row < rows; row++) {
        const completion = completions[row];
        const hasEnded = completion.length < position || completion[position - 1] === options.eosToken;
        if (hasEnded) continue;
        const uniform = toUnit(threefry(key0, key1, row, position)[0]);
        // Every row of one prompt starts from the same logits.
        const from = (position === 0 ? Math.floor(row / numGenerations) : row) * vocabulary;
        const sampled = sampleToken(
          values.subarray(from, from + vocabulary) as Float32Array,
          options.temperature,
          options.topK,
          uniform,
        );
        completion.push(sampled.token);
        logps[row].push(sampled.logp);
        chosen[row] = sampled.token;
        if (sampled.token !== options.eosToken) running++;
      }
      if (running === 0 || position + 1 === maxNewTokens) break;
      const advanced = decode(config, weights, {
        tokens: chosen,
        promptLengths,
        promptSlots,
        position,
        past: cache,
      });
      tf.dispose([next, ...caches(cache)]);
      ({ next, cache } = advanced);
    }
  } finally {
    tf.dispose([next, ...caches(cache)]);
  }
  return packed(completions, logps);
}

/** Runs the prompts, [P·T] ids; logits [P, V] behind each one's last token, and caches spread over the G rows of each prompt. */
function prefill(
  config: ModelConfig,
  weights: WeightTensors,
  { ids, lengths, numGenerations }: { ids: Int32Array; lengths: Uint32Array; numGenerations: number },
): { next: tf.Tensor2D; cache: LayerCache[] } {
  return tf.tidy(() => {
    const size = lengths.length;
    const length = ids.length / size;
    const { hidden, cache } = hiddenStates(config, weights, {
      ids: tf.tensor1d(ids, 'int32'),
      size,
      length,
      context: causalContext(config, length),
    });
    const last = Int32Array.from(lengths, (count, prompt) => prompt * length + count - 1);
    const next = logits(weights, tf.gather(hidden, tf.tensor1d(last, 'int32')));
    const owners = Int32Array.from({ length: size * numGenerations }, (_, row) =>
      Math.floor(row / numGenerations),
    );
    const spread = (x: tf.Tensor4D) => tf.gather(x, tf.tensor1d(owners, 'int32'));
    return { next, cache: cache.map(({ key, value }) => ({ key: spread(key), value: spread(value) })) };
  });
}

/** Feeds each row its token at completion position `position`; logits [R, V] of the next one. */
function decode(
  config: ModelConfig,
  weights: WeightTensors,
  {
    tokens,
    promptLengths,
    promptSlots,
    position,
    past,
  }: {
    tokens: Int32Array;
    promptLengths: number[];
    promptSlots: number;
    position: number;
    past: LayerCache[];
  },
): { next: tf.Tensor2D; cache: LayerCache[] } {
  return tf.tidy(() => {
    const positions = promptLengths.map((length) => length + position);
    const slots = promptSlots + position + 1;
    const { hidden, cache } = hiddenStates(config, weights, {
      ids: tf.tensor1d(tokens, 'int32'),
      size: tokens.length,
      length: 1,
      context: decodeContext(config, { positions, promptLengths, promptSlots, slots }),
      past,
    });
    return { next: logits(weights, hidden), cache };
  });
}

function caches(cache: LayerCache[]): tf.Tensor[] {
  return cache.flatMap(({ key, value }) => [key, value]);
}

function packed(completions: number[][], logps: number[][]): Generation {
  return {
    completions: completions.map((tokens) => Uint32Array.from(tokens)),
    logps: logps.map((values) => Float32Array.from(values)),
  };
}
