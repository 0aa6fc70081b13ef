/**
 * What test/worker/twoTabs.test.ts looks through, a sample of it on the browser's own Web Locks, IndexedDB and BroadcastChannel. A
 * tab is a session with a worker; a tab that is killed has its worker terminated, which is what becomes of it when a tab goes.
 */
import * as Comlink from 'comlink';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createSession, type Services } from '../../src/app/state/session';
import { encodeCheckpoint, type RunHeader } from '../../src/run/checkpoint';
import { presetConfig } from '../../src/run/presets';
import { Checkpoints } from '../../src/store/checkpoints';
import { openStore } from '../../src/store/database';
import { Runs } from '../../src/store/runs';
import type { Store } from '../../src/store/store';
import type { ImporterApi, TrainerApi } from '../../src/worker/protocol';
import { heldRuns, RUNS_CHANNEL, runIsFree } from '../../src/worker/runLock';
import { playedState, STEPS } from '../worker/played';

const config = presetConfig({ preset: 'tiny', version: 1 });
const database = `tabs-${crypto.randomUUID()}`;
const channel = new BroadcastChannel(RUNS_CHANNEL);

class Tab {
  readonly #worker: Worker;
  readonly #channel = new BroadcastChannel(RUNS_CHANNEL);
  readonly trainer: TrainerApi;
  readonly session;

  constructor() {
    this.#worker = new Worker(new URL('./tabWorker.ts', import.meta.url), { type: 'module', name: database });
    const remote = Comlink.wrap<TrainerApi>(this.#worker) as unknown as TrainerApi;
    this.trainer = new Proxy(remote, {
      get: (target, name: keyof TrainerApi) =>
        name === 'start'
          ? (...[wanted, from, onEvent, extras]: Parameters<TrainerApi['start']>) =>
              target.start(wanted, from, Comlink.proxy(onEvent), extras)
          : target[name],
    });
    const services: Services = {
      trainer: () => this.trainer,
      importer: () => ({ listImports: async () => [] }) as unknown as ImporterApi,
      discardTrainer: () => expect.unreachable(),
      discardImporter() {},
      tabs: {
        onRuns: (changed) => this.#channel.addEventListener('message', changed),
        runIsFree: (id) => runIsFree(navigator.locks, id),
      },
      disk: { room: async () => null, async persist() {} },
    };
    this.session = createSession(services, (callback) => void setTimeout(callback));
    void this.session.wake();
  }

  kill(): void {
    this.#worker.terminate();
    this.#channel.close();
  }
}

/** Waits for what workers tell. */
const soon = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 20_000, interval: 20 });

/** Those that are open; they stay from one order to the next. */
const tabs: Record<string, Tab | null> = {};
let store: Store;
let checkpoints: Checkpoints<RunHeader>;

beforeAll(async () => {
  ({ store } = await openStore(database));
  checkpoints = new Checkpoints(store);
});

afterAll(() => {
  for (const tab of Object.values(tabs)) tab?.kill();
  channel.close();
  store.close();
  indexedDB.deleteDatabase(database);
});

test.each([
  'A start, A keep, A reset, B start, B finish, A start',
  'A start, A keep, A reset, B start, B keep, B reset, A start, A keep',
  'A start, A keep, A kill, B start, B keep, A open, A start, B finish, A start',
  'A start, B start, A keep, B start, A kill, B start, B finish',
  'A start, A finish, B start',
  'A start, B start, A finish, B start',
  'A start, A keep, A reset, A start, B start, A kill, B start, B keep, B kill, A open, A start',
  'A start, A reset, B start, B reset, A start, A kill, B start, B finish',
])('two tabs lose nothing in %s', async (order) => {
  const id = crypto.randomUUID();
  await checkpoints.save(encodeCheckpoint(id, playedState(config, 1), false));
  const kept = async () => (await checkpoints.list()).find((run) => run.id === id)!.header;
  const listOf = (tab: Tab) =>
    tab.session.savedRuns.value
      .filter((run) => run.id === id)
      .map((run) => [run.step, run.finished, run.isElsewhere]);
  for (const place of ['A', 'B']) tabs[place] ??= new Tab();
  channel.postMessage(null);
  for (const tab of [tabs.A!, tabs.B!]) await soon(() => expect(listOf(tab)).toEqual([[1, false, false]]));
  const shown = tabs.A!.session.savedRuns.value.find((run) => run.id === id)!;
  /** Which tab trains the run. */
  let writer: string | null = null;
  let best = 1;
  for (const event of order.split(', ')) {
    const [place, what] = event.split(' ');
    const tab = tabs[place] ?? new Tab();
    tabs[place] = tab;
    const { session, trainer } = tab;
    const before = await kept();
    if (what === 'start') {
      // From a list as it was at first, whatever has become of the run since.
      void session.start(shown);
      if (writer !== null && writer !== place) {
        await soon(() => expect(session.notices.value.at(-1)?.message).toMatch(/trained in another tab/));
        expect(session.refused.value.size).toBe(0);
      } else if (before.finished) await soon(() => expect(session.status.value).toBe('done'));
      else {
        await soon(() => expect(session.view.currentStage.value?.name).toBe('data'));
        writer = place;
      }
    } else if (what === 'keep') {
      await trainer.step();
      expect((await kept()).step, event).toBe(before.step + 1);
    } else if (what === 'finish') {
      await trainer.resume();
      await soon(() => expect(session.status.value).toBe('done'));
      writer = null;
    } else if (what === 'reset') {
      await session.reset();
      writer = null;
    } else if (what === 'kill') {
      tab.kill();
      tabs[place] = null;
      if (writer === place) writer = null;
    }
    await soon(async () =>
      expect([...(await heldRuns(navigator.locks))]).toEqual(writer === null ? [] : [id]),
    );
    const { step, finished } = await kept();
    expect(step, event).toBeGreaterThanOrEqual(best);
    expect(finished, event).toBe(before.finished || what === 'finish');
    best = step;
    if (finished) expect((await new Runs(store).load(id))?.report, event).not.toBeNull();
    for (const [name, open] of Object.entries(tabs)) {
      if (open === null) continue;
      const isElsewhere = writer !== null && writer !== name;
      await soon(() => expect(listOf(open), `${event}, in ${name}`).toEqual([[step, finished, isElsewhere]]));
    }
  }
  // Whoever is left takes it over.
  if (writer !== null) {
    tabs[writer]?.kill();
    tabs[writer] = null;
  }
  const last = tabs.A ?? tabs.B ?? new Tab();
  if ((await kept()).finished) return;
  await soon(() => expect(listOf(last)).toEqual([[best, false, false]]));
  const ended = last.session.start(last.session.savedRuns.value.find((run) => run.id === id));
  await soon(() => expect(last.session.view.currentStage.value?.name).toBe('data'));
  await last.trainer.resume();
  await ended;
  expect(last.session.status.value).toBe('done');
  expect(await kept()).toMatchObject({ step: STEPS, finished: true });
});
