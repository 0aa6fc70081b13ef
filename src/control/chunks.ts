/** Long work in chunks of one kind, those that are done kept. */
import { passGate, type StageHooks, UNKEPT } from './hooks';

/**
 * Makes `count` chunks, asking the gate before each. Those of an earlier session are not made again.
 * @param name what is stopped when the hooks say stop
 * @param make a chunk by its number, as plain JSON with arrays of f32 that nobody writes into
 * @throws StoppedError when the hooks say stop
 */
export async function inChunks<T>(
  name: string,
  count: number,
  make: (index: number) => Promise<T>,
  hooks: StageHooks,
): Promise<T[]> {
  const { work = UNKEPT } = hooks;
  const chunks = [...((work.kept as T[] | null) ?? [])];
  if (chunks.length > count)
    throw new Error(
      `${name} has ${count} chunks, and ${chunks.length} were kept: train again from the link.`,
    );
  work.keep(() => [...chunks]);
  while (chunks.length < count) {
    await passGate(hooks, name);
    chunks.push(await make(chunks.length));
    hooks.onProgress?.(chunks.length, count);
  }
  return chunks;
}

/** Arrays one behind the other. */
export function joined(arrays: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
