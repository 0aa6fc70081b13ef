/**
 * A browser with tabs, as far as they can spoil each other's work: one store, Web Locks, a word to all tabs, and tabs that are
 * killed without a word. Session, training service, store and whoever asks for locks are the page's own; training is played.
 */
import { vi } from 'vitest';
import { createSession, type Services } from '../../src/app/state/session';
import type { RunConfig } from '../../src/run/config';
import { memoryStore } from '../../src/store/memory';
import type { Store } from '../../src/store/store';
import type { ImporterApi, SavedRun } from '../../src/worker/protocol';
import { runIsFree } from '../../src/worker/runLock';
import { createTrainer } from '../../src/worker/trainService';
import { LockTable } from './lockTable';
import { type Played, playedPipeline } from './played';

export class Browser {
  readonly store: Store = { ...memoryStore(), persistent: true };
  readonly locks = new LockTable();
  readonly tabs = new Set<Tab>();
  /** What was done against the rules, as it happened. */
  readonly wrong: string[] = [];
}

const never = new Promise<never>(() => {});

export class Tab {
  readonly session;
  isDead = false;
  /** The run that it trains: its id, and what steers it. */
  running: Played | null = null;
  /** Which write of it, from now on, it dies at: before or after that is done. */
  dying: { writes: number; isDone: boolean } | null = null;

  constructor(
    readonly browser: Browser,
    config: RunConfig,
  ) {
    browser.tabs.add(this);
    const locks = browser.locks.of(this);
    const trainer = createTrainer({
      openStore: async () => ({ store: this.#store(), problem: null }),
      openDevice: never as never,
      describeDevice: async () => ({
        device: { backend: 'webgpu', vendor: '', architecture: '', description: '', limits: {} },
        warning: null,
      }),
      locks,
      tellTabs: () => this.#tellTabs(),
      pipeline: playedPipeline((running) => {
        if (!this.isDead) this.running = running;
      }),
    });
    const services: Services = {
      trainer: () => trainer,
      importer: () => ({ listImports: async () => [], listCots: async () => [] }) as unknown as ImporterApi,
      discardTrainer: () => browser.wrong.push('a worker did not stop'),
      discardImporter() {},
      tabs: {
        onRuns: (changed) => {
          this.#hear = changed;
        },
        runIsFree: (id) => runIsFree(locks, id),
      },
      disk: { room: async () => null, async persist() {} },
    };
    // Every look at the clock is a frame later.
    let now = 0;
    this.session = createSession(
      services,
      (callback) => void setImmediate(callback),
      () => (now += 1000),
    );
    this.session.edit((draft) => Object.assign(draft, structuredClone(config)));
  }

  #hear = () => {};

  #tellTabs(): void {
    if (this.isDead) return;
    for (const tab of this.browser.tabs) if (!tab.isDead) tab.#hear();
  }

  /** The browser's store, until the tab dies: what is on its way then is never heard of. */
  #store(): Store {
    const { store, locks, wrong } = this.browser;
    const write =
      <Args extends unknown[]>(
        work: (...args: Args) => Promise<void>,
        isOwn: (...args: Args) => string | null,
      ) =>
      async (...args: Args) => {
        if (this.isDead) return never;
        const id = isOwn(...args);
        if (id !== null && locks.holder(id) !== this)
          wrong.push(`${id} was written by a tab without its lock`);
        const dies = this.dying !== null && --this.dying.writes === 0;
        if (!dies || this.dying?.isDone) await work(...args);
        if (dies) this.kill();
        return this.isDead ? never : undefined;
      };
    const read =
      <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
      async (...args: Args) => {
        const found = this.isDead ? never : await work(...args);
        return this.isDead ? never : found;
      };
    return {
      ...store,
      put: write(store.put, (collection, { id }) =>
        collection === 'checkpoints' ? id.replace(/ \(2\)$/, '') : id,
      ),
      delete: write(store.delete, (_collection, id) => id.replace(/ \(2\)$/, '')),
      list: read(store.list),
      get: read(store.get),
    };
  }

  /** Trains to the end, without a stop in between. */
  finish(): void {
    if (this.running === null) return;
    this.running.toEnd = true;
    this.running.controls.resume();
  }

  /** Gone without a word. */
  kill(): void {
    this.isDead = true;
    this.running = null;
    this.browser.tabs.delete(this);
    this.browser.locks.free(this);
  }

  runs(): SavedRun[] {
    return this.session.savedRuns.value;
  }
}

/** Waits until it holds; timers go on meanwhile, so that whoever is patient comes to the end of it. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const from = performance.now();
  for (let turn = 1; performance.now() - from < 20_000; turn++) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 25 === 0) vi.advanceTimersByTime(600);
  }
  throw new Error(`It never came to this: ${what}`);
}
