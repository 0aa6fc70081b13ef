/** How one token is drawn from logits: the definition that the engine's sampling kernel and the reference both follow. */

export interface SampledToken {
  token: number;
  /** log-probability under the untempered distribution over the whole vocabulary, in nats. */
  logp: number;
}

/**
 * Draws from softmax(logits / temperature) restricted to the `topK` largest logits (of equal ones the lower ids are
 * kept), by inverse CDF over ids in ascending order: the first id whose cumulative probability exceeds `uniform`.
 * Temperature 0 takes the largest logit, of equal ones the lowest id.
 * @param logits [V]
 * @param topK 0 keeps the whole vocabulary
 * @param uniform in [0, 1)
 */
export function sampleToken(
  logits: ArrayLike<number>,
  temperature: number,
  topK: number,
  uniform: number,
): SampledToken {
  const vocabulary = logits.length;
  let best = 0;
  for (let id = 1; id < vocabulary; id++) if (logits[id] > logits[best]) best = id;
  const max = logits[best];
  let total = 0;
  for (let id = 0; id < vocabulary; id++) total += Math.exp(logits[id] - max);
  const logp = (token: number) => logits[token] - max - Math.log(total);
  if (temperature === 0) return { token: best, logp: logp(best) };

  const kept = largest(logits, topK);
  const masses = kept.map((id) => Math.exp((logits[id] - max) / temperature));
  const threshold = uniform * masses.reduce((sum, mass) => sum + mass, 0);
  let cumulative = 0;
  for (let i = 0; i < kept.length; i++) {
    cumulative += masses[i];
    if (cumulative > threshold) return { token: kept[i], logp: logp(kept[i]) };
  }
  // Only rounding at the very end of the CDF leads here; the most likely token is a safe answer to it.
  return { token: best, logp: logp(best) };
}

/** Ids of the k largest logits, ascending; of equal logits the lower ids. All ids for k = 0 or k ≥ V. */
function largest(logits: ArrayLike<number>, k: number): number[] {
  const ids = Array.from({ length: logits.length }, (_, id) => id);
  if (k === 0 || k >= ids.length) return ids;
  ids.sort((a, b) => logits[b] - logits[a] || a - b);
  return ids.slice(0, k).sort((a, b) => a - b);
}
