/** Which category notably follows which, from training transitions only. */
import type { Splits } from './hash';

/** Fewer transitions are chance. */
const MIN_COUNT = 3;

/**
 * For each group, the other group that most notably follows it: the greatest c² / (from · to), where c counts the
 * transitions and from, to the groups' own (the cosine of the two, squared: a raw count would name what sells most).
 * Ties go to the lower index. −1 where nothing follows at least MIN_COUNT times.
 *
 * Transitions are neighbours within a history's training part: what is before its first held-out target.
 * @param group [items] group of each item, below `groups`
 */
export function successors(
  histories: readonly Int32Array[],
  { validation, test }: Splits,
  group: Int32Array,
  groups: number,
): Int32Array {
  const visible = Int32Array.from(histories, (history) => history.length);
  for (const { user, position } of [...validation, ...test])
    visible[user] = Math.min(visible[user], position);
  const from = new Float64Array(groups);
  const to = new Float64Array(groups);
  const counts = Array.from({ length: groups }, () => new Map<number, number>());
  histories.forEach((history, user) => {
    for (let position = 1; position < visible[user]; position++) {
      const [before, after] = [group[history[position - 1]], group[history[position]]];
      if (before === after) continue;
      from[before]++;
      to[after]++;
      counts[before].set(after, (counts[before].get(after) ?? 0) + 1);
    }
  });
  return Int32Array.from(counts, (following, before) => {
    let best = -1;
    let bestScore = 0;
    for (const [after, count] of following) {
      if (count < MIN_COUNT) continue;
      const score = (count * count) / (from[before] * to[after]);
      if (score > bestScore || (score === bestScore && after < best)) [best, bestScore] = [after, score];
    }
    return best;
  });
}
