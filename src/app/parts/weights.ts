/** Weights that sum to 1 with the k-th at `value`: the others keep their proportions, or are alike where all were 0. */
export function withWeight(weights: readonly number[], k: number, value: number): number[] {
  const others = weights.reduce((sum, weight, index) => (index === k ? sum : sum + weight), 0);
  const rest = (weight: number) =>
    others > 0 ? (weight * (1 - value)) / others : (1 - value) / (weights.length - 1);
  return weights.map((weight, index) => (index === k ? value : rest(weight)));
}
