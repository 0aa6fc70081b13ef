/** Two tabs, in every order of start, keep, finish, reset, reload and kill: nothing that is kept goes back. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeCheckpoint, type RunHeader } from '../../src/run/checkpoint';
import { NOTHING_DONE } from '../../src/run/runState';
import { APP_VERSION } from '../../src/run/version';
import { Checkpoints } from '../../src/store/checkpoints';
import { Runs } from '../../src/store/runs';
import type { SavedRun } from '../../src/worker/protocol';
import { minusculeConfig } from '../run/tinyRun';
import { Browser, STEPS, Tab, until } from './twoTabs';

const config = minusculeConfig();
const RUN = 'the run';

type Place = 'A' | 'B';
const PLACES: readonly Place[] = ['A', 'B'];

/** Killed while it writes: the how manieth write of keeping or finishing it is, and whether the write itself is done. */
const DEATHS = {
  keep: ['1 lost', '1 done'],
  finish: ['1 lost', '1 done', '2 lost', '2 done', '3 lost', '3 done'],
};

/** A browser with two tabs, in which a run was kept by a tab that is gone. */
class Scene {
  readonly browser = new Browser();
  readonly tabs: Record<Place, Tab | null> = { A: null, B: null };
  /** The run as the tab's list showed it at first: what somebody may click before the list is another one. */
  readonly shown: Record<Place, SavedRun | null> = { A: null, B: null };
  readonly #fresh = new Set<Tab>();
  readonly #checkpoints = new Checkpoints<RunHeader>(this.browser.store);
  /** The furthest that was ever seen of the run. */
  #best = { step: 0, finished: false };

  async open(): Promise<void> {
    const stages = [{ name: 'data' as const, seconds: 0, steps: STEPS, loss: [], heldOutLoss: [] }];
    const state = { ...NOTHING_DONE, app: APP_VERSION, config, step: 1, stages };
    await this.#checkpoints.save(encodeCheckpoint(RUN, { state, model: null }, false));
    for (const place of PLACES) await this.#openTab(place);
  }

  async #openTab(place: Place): Promise<void> {
    const tab = new Tab(this.browser, config);
    this.tabs[place] = tab;
    this.#fresh.add(tab);
    await tab.session.wake();
    this.shown[place] = tab.runs().find(({ id }) => id === RUN) ?? null;
  }

  /** What can happen in the tab now. */
  events(place: Place, hasDeaths: boolean): string[] {
    const tab = this.tabs[place];
    if (tab === null) return ['open'];
    // A tab that has done nothing is as good as a new one.
    if (tab.running === null) return this.#fresh.has(tab) ? ['start'] : ['start', 'reload'];
    if (!hasDeaths) return ['keep', 'finish', 'reset', 'kill'];
    const dies = (Object.keys(DEATHS) as (keyof typeof DEATHS)[]).flatMap((work) =>
      DEATHS[work].map((death) => `${work}, killed at write ${death}`),
    );
    return ['keep', 'finish', 'reset', 'kill', ...dies];
  }

  async happen(place: Place, event: string): Promise<void> {
    const tab = this.tabs[place];
    const [what, death] = event.split(', killed at write ');
    if (tab !== null) this.#fresh.delete(tab);
    if (tab === null) return this.#openTab(place);
    if (death !== undefined) tab.dying = { writes: Number(death[0]), isDone: death.endsWith('done') };
    if (what === 'start') await this.#start(tab, place);
    else if (what === 'keep') {
      const before = await this.#kept();
      tab.running!.controls.step();
      await until(async () => tab.isDead || (await this.#kept()).step > before.step, 'a checkpoint is kept');
    } else if (what === 'finish') {
      tab.running!.toEnd = true;
      tab.running!.controls.resume();
      await until(() => tab.isDead || tab.session.status.value === 'done', 'the run is finished');
    } else if (what === 'reset') {
      await tab.session.reset();
    } else tab.kill();
    // What it would have died at did not come.
    if (death !== undefined && !tab.isDead) tab.kill();
    if (tab.isDead) this.tabs[place] = null;
    if (what === 'reload') await this.#openTab(place);
  }

  /** Takes the run up as the list has it, or had it; where another tab trains it, that is refused. */
  async #start(tab: Tab, place: Place): Promise<void> {
    const listed = tab.runs().find(({ id, finished }) => id === RUN && !finished) ?? this.shown[place];
    const before = await this.#kept();
    const holder = this.browser.locks.holder(RUN);
    const started = tab.session.start(listed);
    const isOver = () => ['error', 'done'].includes(tab.session.status.value);
    await until(() => tab.running !== null || isOver(), 'it starts, or is refused');
    if (tab.running !== null) {
      if (tab.running.from !== before.step)
        this.browser.wrong.push(`it went on from step ${tab.running.from}, where ${before.step} was kept`);
      if (tab.running.from === STEPS) await started;
      return;
    }
    await started;
    const said = tab.session.notices.value.map(({ message }) => message).join(' ');
    if (holder !== undefined && !/trained in another tab/.test(said))
      this.browser.wrong.push(`it said: ${said}`);
    if (holder === undefined && !before.finished) this.browser.wrong.push(`a free run was refused: ${said}`);
    if (tab.session.refused.value.size > 0)
      this.browser.wrong.push('an older checkpoint is offered for no reason');
  }

  async #kept(): Promise<RunHeader> {
    const [run] = await this.#checkpoints.list();
    if (run === undefined) throw new Error('Nothing is kept of the run any more.');
    return run.header;
  }

  /** What is kept of the run, which never goes back. */
  async look(): Promise<RunHeader> {
    const { wrong } = this.browser;
    const kept = await this.#kept();
    const { step, finished } = kept;
    if (step < this.#best.step)
      wrong.push(`the newest checkpoint went back from step ${this.#best.step} to ${step}`);
    if (this.#best.finished && !finished) wrong.push('a finished run is an unfinished one again');
    this.#best = { step, finished };
    return kept;
  }

  /** Everything that must be so after every event. */
  async check(): Promise<void> {
    const { wrong } = this.browser;
    const { step, finished } = await this.look();
    if ((await this.#checkpoints.load(RUN)) === null) wrong.push('the newest checkpoint cannot be loaded');
    if (finished && (await new Runs(this.browser.store).load(RUN))?.report == null)
      wrong.push('a finished run has no report');
    const open = [...this.browser.tabs];
    const writers = open.filter(({ running }) => running !== null).length;
    if (writers > 1) wrong.push(`${writers} tabs train the run`);
    const holder = this.browser.locks.holder(RUN);
    if ((holder !== undefined) !== (writers === 1))
      wrong.push('who trains the run does not hold it, or the reverse');
    let seen = '';
    const agrees = () => {
      seen = open
        .map((tab) =>
          tab
            .runs()
            .map((run) => `${run.id} ${run.step} ${run.finished} ${run.isElsewhere}`)
            .join(),
        )
        .join('; ');
      const wanted = open.map(
        (tab) => `${RUN} ${step} ${finished} ${holder !== undefined && holder !== tab}`,
      );
      return seen === wanted.join('; ');
    };
    await until(agrees, 'lists agree').catch(() =>
      wrong.push(`lists do not agree with step ${step}, ${finished}: ${seen}`),
    );
  }

  /** Whoever is left, or comes, can take the run over and finish it. */
  async takeOver(): Promise<void> {
    for (const place of PLACES) {
      this.tabs[place]?.kill();
      this.tabs[place] = null;
    }
    await this.#openTab('A');
    if (!this.shown.A?.finished) {
      await this.happen('A', 'start');
      // Where nothing but its end was missing, it has come to it.
      if (this.tabs.A?.running) await this.happen('A', 'finish');
    }
    await this.check();
    if ((await this.#kept()).step !== STEPS)
      this.browser.wrong.push('it was taken over, and is not finished');
  }
}

/** Plays events, and says what can come next and what was wrong. */
async function play(
  events: readonly string[],
  isLast: boolean,
  hasDeaths: boolean,
): Promise<{ next: string[]; wrong: string[] }> {
  const scene = new Scene();
  await scene.open();
  for (const [at, event] of events.entries()) {
    const [place, ...what] = event.split(' ');
    try {
      await scene.happen(place as Place, what.join(' '));
    } catch (error) {
      scene.browser.wrong.push(String(error));
      return { next: [], wrong: scene.browser.wrong };
    }
    // What came before was looked at where it was last.
    if (at === events.length - 1) await scene.check();
    else await scene.look();
  }
  const next = PLACES.flatMap((place) => scene.events(place, hasDeaths).map((event) => `${place} ${event}`));
  if (isLast) await scene.takeOver();
  for (const tab of scene.browser.tabs) tab.kill();
  return { next, wrong: scene.browser.wrong };
}

/** All orders up to a length; the first to start is A, since the two are alike. */
async function explore(length: number, hasDeaths: boolean): Promise<{ orders: number; wrong: object }> {
  const wrong = new Map<string, string>();
  let orders = 0;
  const go = async (before: readonly string[]): Promise<void> => {
    const isLast = before.length === length;
    const found = await play(before, isLast, hasDeaths);
    orders++;
    if (process.env.DEBUG) console.log(orders, before.join(', '), found.wrong.join(' | '));
    for (const sentence of found.wrong) if (!wrong.has(sentence)) wrong.set(sentence, before.join(', '));
    if (found.wrong.length > 0 || isLast) return;
    for (const event of found.next) {
      if (before.length === 0 && event !== 'A start') continue;
      await go([...before, event]);
    }
  };
  await go([]);
  return { orders, wrong: Object.fromEntries(wrong) };
}

describe('two tabs and one run', { timeout: 120_000 }, () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterAll(() => void vi.useRealTimers());

  it('lose nothing in every order of five events', async () => {
    const { orders, wrong } = await explore(Number(process.env.DEPTH ?? 5), false);
    console.log(orders);
    expect(wrong).toEqual({});
  });

  it('lose nothing where one is killed while it writes', async () => {
    const { orders, wrong } = await explore(Number(process.env.DEATHS ?? 3), true);
    console.log(orders);
    expect(wrong).toEqual({});
  });
});
