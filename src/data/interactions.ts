/** Interactions as columns: who, what, when, how much; and what is left of them after k-core filtering. */
import { detached } from './files/text';

/** A growing log. Users and items are interned in order of appearance. */
export class InteractionLog {
  userIds: string[] = [];
  readonly itemIds: string[] = [];
  /** Rows so far. */
  length = 0;
  user = new Int32Array(1024);
  item = new Int32Array(1024);
  /** Any unit that grows with time. */
  time = new Float64Array(1024);
  /** A rating, a quantity, a flag or the index of an event, as the reader says. NaN: nothing is said. */
  value = new Float64Array(1024);
  /** A hash of all that its row says, to know copies of a row by; 0 where nobody asks. */
  mark = new Int32Array(1024);
  #users = new Map<string, number>();
  readonly #items = new Map<string, number>();

  add(userId: string, itemId: string, time: number, value: number): void {
    if (this.length === this.user.length) this.#grow();
    this.user[this.length] = intern(this.#users, this.userIds, userId);
    this.item[this.length] = intern(this.#items, this.itemIds, itemId);
    this.time[this.length] = time;
    this.value[this.length] = value;
    this.length++;
  }

  /** Drops the rows whose mask is 0, and users who have none left; items stay interned. */
  keep(mask: Uint8Array): void {
    const renamed = new Map<number, number>();
    const { userIds } = this;
    this.userIds = [];
    this.#users = new Map();
    let to = 0;
    for (let row = 0; row < this.length; row++) {
      if (mask[row] === 0) continue;
      let user = renamed.get(this.user[row]);
      if (user === undefined) {
        user = intern(this.#users, this.userIds, userIds[this.user[row]]);
        renamed.set(this.user[row], user);
      }
      this.user[to] = user;
      this.item[to] = this.item[row];
      this.time[to] = this.time[row];
      this.value[to] = this.value[row];
      this.mark[to] = this.mark[row];
      to++;
    }
    this.length = to;
  }

  #grow(): void {
    const size = this.user.length * 2;
    const { user, item, time, value, mark } = this;
    this.user = new Int32Array(size);
    this.user.set(user);
    this.item = new Int32Array(size);
    this.item.set(item);
    this.time = new Float64Array(size);
    this.time.set(time);
    this.value = new Float64Array(size);
    this.value.set(value);
    this.mark = new Int32Array(size);
    this.mark.set(mark);
  }
}

function intern(indices: Map<string, number>, ids: string[], id: string): number {
  let index = indices.get(id);
  if (index === undefined) {
    index = ids.length;
    const own = detached(id);
    indices.set(own, index);
    ids.push(own);
  }
  return index;
}

/** Rows grouped by a column: those of group g are `rows[offsets[g] .. offsets[g + 1])`, in the log's order. */
export interface Grouping {
  offsets: Int32Array;
  rows: Int32Array;
}

/** Groups rows 0 … length−1 by `column`, whose values are below `groups`. */
export function groupRows(column: Int32Array, length: number, groups: number): Grouping {
  const offsets = new Int32Array(groups + 1);
  for (let row = 0; row < length; row++) offsets[column[row] + 1]++;
  for (let group = 0; group < groups; group++) offsets[group + 1] += offsets[group];
  const next = offsets.slice();
  const rows = new Int32Array(length);
  for (let row = 0; row < length; row++) rows[next[column[row]]++] = row;
  return { offsets, rows };
}

/**
 * The k-core: drops users and items with fewer than k interactions until none are left to drop. Repeated interactions of
 * a user with an item all count. The result does not depend on the order of dropping; the work is linear in the rows.
 * @returns [rows] 1 where the interaction is kept
 */
export function kCore(log: InteractionLog, k: number): Uint8Array {
  const users = log.userIds.length;
  const nodes = users + log.itemIds.length;
  const byUser = groupRows(log.user, log.length, users);
  const byItem = groupRows(log.item, log.length, log.itemIds.length);
  const kept = new Uint8Array(log.length).fill(1);
  const degree = new Int32Array(nodes);
  for (let user = 0; user < users; user++) degree[user] = byUser.offsets[user + 1] - byUser.offsets[user];
  for (let node = users; node < nodes; node++) {
    degree[node] = byItem.offsets[node - users + 1] - byItem.offsets[node - users];
  }
  const queue: number[] = [];
  for (let node = 0; node < nodes; node++) if (degree[node] < k) queue.push(node);
  while (queue.length > 0) {
    const node = queue.pop()!;
    const [group, grouping] = node < users ? [node, byUser] : [node - users, byItem];
    for (let at = grouping.offsets[group]; at < grouping.offsets[group + 1]; at++) {
      const row = grouping.rows[at];
      if (kept[row] === 0) continue;
      kept[row] = 0;
      const other = node < users ? users + log.item[row] : log.user[row];
      // Exactly once per node: when it falls below k.
      if (degree[other]-- === k) queue.push(other);
    }
  }
  return kept;
}
