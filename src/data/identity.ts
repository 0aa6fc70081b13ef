/** What makes two data sets the same, and the names of their examples. */
import { sha256 } from '../numeric/hash';
import type { Dataset, Example } from './dataset';

/** The stable id of "predict `users[user].history[position]`" in the data set of this hash. */
export function sampleId(datasetSha256: string, user: number, position: number): string {
  return `${datasetSha256.slice(0, 12)}:${user}:${position}`;
}

/**
 * SHA-256 (hex) of a data set's data: items, users with their histories, impressions, splits and facts, in their order;
 * not of its name, notes or sample ids (which contain the hash). Sections are hashed one by one, so that nothing is
 * copied whole; numbers count as little-endian, as on every platform that browsers run on.
 */
export async function datasetHash(
  data: Pick<Dataset, 'items' | 'users' | 'impressions' | 'facts'> & {
    splits: Record<keyof Dataset['splits'], Omit<Example, 'sampleId'>[]>;
  },
): Promise<string> {
  const { items, users, impressions, splits, facts } = data;
  const histories = flatten(users.map((user) => user.history));
  const sections: (string | ArrayBufferView)[] = [
    JSON.stringify(items.map(({ id, title, categories }) => [id, title, ...categories])),
    JSON.stringify(users.map(({ id, profile, history }) => [id, profile, history.length])),
    histories,
    impressions.user,
    impressions.item,
    impressions.historyLength,
    impressions.click,
    impressions.conversion,
    ...[splits.train, splits.validation, splits.test].map((examples) =>
      flatten(examples.map(({ user, position }) => [user, position])),
    ),
    JSON.stringify(facts),
  ];
  const hashes: string[] = [];
  for (const section of sections) {
    hashes.push(await sha256(typeof section === 'string' ? section : bytesOf(section)));
  }
  return sha256(hashes.join('\n'));
}

/** Rows of integers one after the other. */
export function flatten(rows: ArrayLike<number>[]): Int32Array<ArrayBuffer> {
  const flat = new Int32Array(rows.reduce((total, row) => total + row.length, 0));
  let offset = 0;
  for (const row of rows) {
    flat.set(row, offset);
    offset += row.length;
  }
  return flat;
}

/** The bytes a view covers, as an array that owns nothing else's memory being shared between threads. */
function bytesOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (view.buffer instanceof ArrayBuffer) {
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
}
