/** A finished run that others are made from, as a study keeps it until they are: a run.zip, verified when it is read. */
import type { RunConfig } from '../run/config';
import { roundsWeights } from '../run/fields/run';
import { isAtEnd, packRun, unpackRun } from '../run/runFile';
import type { RunCheckpoint } from '../run/runState';

export async function packEnd(end: RunCheckpoint): Promise<Uint8Array<ArrayBuffer>> {
  return (await packRun(end, { id: crypto.randomUUID(), trained: null })).bytes;
}

/** Null where it is damaged, or no finished run of this config by this version of the app: then it is made again. */
export async function unpackEnd(bytes: Uint8Array, config: RunConfig): Promise<RunCheckpoint | null> {
  const end = await unpackRun(bytes).then(
    ({ checkpoint }) => checkpoint,
    () => null,
  );
  if (end === null || !isAtEnd(end)) return null;
  if (roundsWeights(end.state.config.kernels) !== roundsWeights(config.kernels)) return null;
  // Its kernels are resolved.
  const own = { ...end.state.config, kernels: config.kernels };
  return JSON.stringify(own) === JSON.stringify(config) ? end : null;
}
