/** The cache that the sentence encoder's files are kept in. */

const CACHE = 'taiji-sentence-encoder';

/** Null where the browser offers no cache. */
export function openSentenceCache(): Promise<Cache | null> {
  return caches.open(CACHE).catch(() => null);
}

/** Bytes of the files that are kept; 0 where there is no cache. */
export async function sentenceFileBytes(): Promise<number> {
  if (typeof caches === 'undefined' || !(await caches.has(CACHE).catch(() => false))) return 0;
  const cache = await openSentenceCache();
  let bytes = 0;
  for (const kept of (await cache?.matchAll()) ?? []) bytes += (await kept.blob()).size;
  return bytes;
}

export async function deleteSentenceFiles(): Promise<void> {
  await caches.delete(CACHE);
}
