/** The users that little is known of, whom enhancement should help most. */

/** Share of judged users that the long tail holds, at least. */
const LONG_TAIL = 0.25;

/**
 * Users with at most so many behaviours before their last request: the fewest that let in a quarter of the users, or more of them
 * where equals stand at the border.
 */
export function longTailOf(requests: readonly { user: number; position: number }[]): {
  behaviours: number;
  users: ReadonlySet<number>;
} {
  const known = new Map<number, number>();
  for (const { user, position } of requests) known.set(user, Math.max(known.get(user) ?? 0, position));
  const behaviours = quantile([...known.values()], LONG_TAIL);
  return {
    behaviours,
    users: new Set([...known].filter(([, count]) => count <= behaviours).map(([user]) => user)),
  };
}

/** The least value that at least this share of the values does not exceed. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
