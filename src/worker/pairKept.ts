/** Kept runs held against one of them. Loaded when somebody compares some. */
import { pairRuns, type RunPairing } from '../run/pairing';
import type { RunState } from '../run/runState';

/** @param stateOf rejects in one sentence where a run is damaged or gone */
export async function pairKept(
  base: string,
  others: readonly string[],
  stateOf: (id: string) => Promise<RunState>,
): Promise<RunPairing[]> {
  const pairings: RunPairing[] = [];
  try {
    const first = await stateOf(base);
    // One at a time: each has all its weights with it.
    for (const id of others) pairings.push(await stateOf(id).then((own) => pairRuns(first, own), unpaired));
  } catch (error) {
    return others.map(() => unpaired(error));
  }
  return pairings;
}

const unpaired = (error: unknown): RunPairing => ({
  changes: null,
  why: error instanceof Error ? error.message : String(error),
});
