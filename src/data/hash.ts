/** The identity of a data set: a hash of everything in it that is data, and the sample ids derived from it. */
import { sha256 } from '../numeric/hash';
import type { Dataset, Example, Impressions } from './dataset';

/** Examples before they have a sample id: user and position. */
export interface Splits {
  train: Omit<Example, 'sampleId'>[];
  validation: Omit<Example, 'sampleId'>[];
  test: Omit<Example, 'sampleId'>[];
}

function bytesOf(array: Int32Array | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength).slice();
}

function columns({ user, item, historyLength, click, conversion }: Impressions) {
  return [user, item, historyLength, click, conversion];
}

function pairs(examples: readonly Omit<Example, 'sampleId'>[]): Int32Array {
  const flat = new Int32Array(examples.length * 2);
  examples.forEach((example, index) => {
    flat[index * 2] = example.user;
    flat[index * 2 + 1] = example.position;
  });
  return flat;
}

/** The stable name of an example: `<12 hex of the data set's hash>:<user id>:<position>`. */
export function sampleId(datasetSha256: string, userId: string, position: number): string {
  return `${datasetSha256.slice(0, 12)}:${userId}:${position}`;
}

/**
 * Completes a data set with its SHA-256 and sample ids. The hash covers
 * items, users, histories, impressions of both kinds, splits and facts, in order, and what a person said about the columns
 * if anything; not the notes, and not the oracle.
 */
export async function identify({
  map = '',
  ...data
}: Omit<Dataset, 'sha256' | 'splits'> & { splits: Splits; map?: string }): Promise<Dataset> {
  const { items, users, impressions, heldOutImpressions, splits, facts } = data;
  const histories = new Int32Array(users.reduce((total, user) => total + user.history.length + 1, 0));
  let at = 0;
  for (const user of users) {
    histories[at++] = user.history.length;
    histories.set(user.history, at);
    at += user.history.length;
  }
  const parts = await Promise.all([
    sha256(JSON.stringify(items.map((item) => [item.id, item.title, ...item.categories]))),
    sha256(JSON.stringify(users.map((user) => [user.id, user.profile]))),
    sha256(bytesOf(histories)),
    ...columns(impressions).map((column) => sha256(bytesOf(column))),
    sha256(bytesOf(pairs(splits.train))),
    sha256(bytesOf(pairs(splits.validation))),
    sha256(bytesOf(pairs(splits.test))),
    sha256(JSON.stringify(facts)),
    ...(heldOutImpressions ? columns(heldOutImpressions).map((column) => sha256(bytesOf(column))) : []),
    ...(map === '' ? [] : [sha256(map)]),
  ]);
  const hash = await sha256(parts.join('\n'));
  const identified = (examples: readonly Omit<Example, 'sampleId'>[]): Example[] =>
    examples.map(({ user, position }) => ({
      sampleId: sampleId(hash, users[user].id, position),
      user,
      position,
    }));
  return {
    ...data,
    sha256: hash,
    splits: {
      train: identified(splits.train),
      validation: identified(splits.validation),
      test: identified(splits.test),
    },
  };
}
