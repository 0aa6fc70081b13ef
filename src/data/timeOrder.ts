/**
 * Each user's interactions in time, which decides what leave-one-out asks for. Rows that are copies of each other are found
 * on the way. Where several rows of a user have one time, the file's order stands, unless the file lists such rows by
 * ascending item id: then "the next item" would be "the next id", and a seeded shuffle takes its place.
 */
import { fnv1a, threefry } from '../numeric/random';
import { groupRows, type InteractionLog } from './interactions';

export interface TimeOrder {
  /** Rows of the log by user, oldest first, each user's between two offsets. */
  offsets: Int32Array;
  rows: Int32Array;
  /** Of all neighbours in a user's history, the share that have one time, in [0, 1]. */
  ties: number;
  /** Whether tied rows were shuffled. */
  isShuffled: boolean;
}

/** Of tied neighbours, so many must ascend by item id for the file to say nothing about their order. */
const ASCENDING = 0.9;
const SEED = 0x7165;

/** @returns [rows] 0 where a row says what an earlier one says: same user, item, time, value and mark */
export function withoutCopies(log: InteractionLog): { mask: Uint8Array; copies: number } {
  const mask = new Uint8Array(log.length).fill(1);
  const { offsets, rows } = groupRows(log.user, log.length, log.userIds.length);
  let copies = 0;
  for (let user = 0; user < log.userIds.length; user++) {
    const seen = new Set<string>();
    for (let at = offsets[user]; at < offsets[user + 1]; at++) {
      const row = rows[at];
      const key = `${log.item[row]} ${log.time[row]} ${log.value[row]} ${log.mark[row]}`;
      if (seen.has(key)) {
        mask[row] = 0;
        copies++;
      } else seen.add(key);
    }
  }
  return { mask, copies };
}

export function orderInTime(log: InteractionLog): TimeOrder {
  const { offsets, rows } = groupRows(log.user, log.length, log.userIds.length);
  const { time, item } = log;
  const users = log.userIds.length;
  const rank = ranks(log.itemIds);
  let neighbours = 0;
  let tied = 0;
  let ascending = 0;
  let telling = 0;
  for (let user = 0; user < users; user++) {
    const own = rows.subarray(offsets[user], offsets[user + 1]).sort((a, b) => time[a] - time[b] || a - b);
    for (let at = 1; at < own.length; at++) {
      neighbours++;
      const [before, after] = [own[at - 1], own[at]];
      if (time[before] !== time[after]) continue;
      tied++;
      if (item[before] === item[after]) continue;
      telling++;
      if (rank[item[before]] < rank[item[after]]) ascending++;
    }
  }
  const isShuffled = telling > 0 && ascending >= ASCENDING * telling;
  if (isShuffled) {
    const keys = shuffleKeys(log);
    for (let user = 0; user < users; user++) {
      rows
        .subarray(offsets[user], offsets[user + 1])
        .sort((a, b) => time[a] - time[b] || keys[a] - keys[b] || a - b);
    }
  }
  return { offsets, rows, ties: neighbours === 0 ? 0 : tied / neighbours, isShuffled };
}

/** By ids, not by rows: the same whatever the order of the file. */
function shuffleKeys(log: InteractionLog): Uint32Array {
  const users = Uint32Array.from(log.userIds, fnv1a);
  const items = Uint32Array.from(log.itemIds, fnv1a);
  const keys = new Uint32Array(log.length);
  for (let row = 0; row < log.length; row++)
    keys[row] = threefry(SEED, 0, users[log.user[row]], items[log.item[row]])[0];
  return keys;
}

/** The place of each id when whole numbers go by value and other ids by code units. */
function ranks(ids: readonly string[]): Int32Array {
  const order = ids.map((_, index) => index).sort(byId(ids));
  const rank = new Int32Array(ids.length);
  order.forEach((index, at) => {
    rank[index] = at;
  });
  return rank;
}

/** Compares two of the ids by their indices: whole numbers by value, then other ids by code units. */
export function byId(ids: readonly string[]): (a: number, b: number) => number {
  const numbers = ids.map((id) => (/^\d{1,15}$/.test(id) ? Number(id) : Number.POSITIVE_INFINITY));
  return (a, b) => {
    if (numbers[a] !== numbers[b]) return numbers[a] < numbers[b] ? -1 : 1;
    return ids[a] < ids[b] ? -1 : ids[a] > ids[b] ? 1 : 0;
  };
}
