/**
 * One writer per run, among all tabs of this page: whoever trains a run holds its Web Lock, which the browser frees when the
 * tab is gone, however it went. Where a browser has no Web Locks, nobody is kept out.
 */

/** A BroadcastChannel: something was said on it, so the list of kept runs is another one. */
export const RUNS_CHANNEL = 'taiji-lab runs';
const PREFIX = 'taiji-lab run ';
/** Milliseconds to wait for one that is just being let go of, before saying that it is held. */
const PATIENCE = 500;

export type Locks = Pick<LockManager, 'request' | 'query'>;

/**
 * Does `work` while holding the run.
 * @throws an Error with one sentence when another tab holds it
 */
export async function holdingRun<T>(
  locks: Locks | undefined,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  if (locks === undefined) return work();
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), PATIENCE);
  let isHeld = false;
  try {
    return await locks.request(PREFIX + id, { signal: waiting.signal }, () => {
      isHeld = true;
      clearTimeout(timer);
      return work();
    });
  } catch (error) {
    if (isHeld || !waiting.signal.aborted) throw error;
    throw new Error(
      'This run is being trained in another tab of this page: look at it there, or close that tab and resume it here.',
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Does `work` while holding the run, unless somebody holds it. */
export async function whereFree(
  locks: Locks | undefined,
  id: string,
  work: () => Promise<void>,
): Promise<void> {
  if (locks === undefined) return work();
  await locks.request(PREFIX + id, { ifAvailable: true }, (lock) => (lock === null ? undefined : work()));
}

/** Ids of the runs that somebody holds, this tab included. */
export async function heldRuns(locks: Locks | undefined): Promise<Set<string>> {
  const { held = [] } = (await locks?.query()) ?? {};
  // Whoever waits for a run (`runIsFree`) shares it for a moment, and does nothing to it.
  const names = held.flatMap(({ name, mode }) =>
    name?.startsWith(PREFIX) && mode !== 'shared' ? [name] : [],
  );
  return new Set(names.map((name) => name.slice(PREFIX.length)));
}

/** Resolves once nobody holds the run. */
export async function runIsFree(locks: Locks | undefined, id: string): Promise<void> {
  await locks?.request(PREFIX + id, { mode: 'shared' }, () => undefined);
}
