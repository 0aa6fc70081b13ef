/** Two tabs, in every order of start, keep, finish, reset, reload and kill: nothing that is kept goes back. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeCheckpoint, type RunHeader } from '../../src/run/checkpoint';
import { Checkpoints } from '../../src/store/checkpoints';
import { Runs } from '../../src/store/runs';
import type { SavedRun } from '../../src/worker/protocol';
import { minusculeConfig } from '../run/tinyRun';
import { playedState, STEPS } from './played';
import { Browser, Tab, until } from './twoTabs';

const config = minusculeConfig();
const RUN = 'the run';
/** How many more events an order has than is looked through each time: one more takes about four times as long. */
const MORE = Number(process.env.TAIJI_MORE_EVENTS ?? 0);

type Place = 'A' | 'B';
const PLACES: readonly Place[] = ['A', 'B'];

/** Killed while it writes: the how manieth write of keeping or finishing it is, and whether the write itself is done. */
const DEATHS = {
  keep: ['1 lost', '1 done'],
  finish: ['1 lost', '1 done', '2 lost', '2 done', '3 lost', '3 done'],
};

/** What may come, and who trains what. */
interface Plot {
  /** Whether a tab can be killed while it writes. */
  hasDeaths: boolean;
  /** B trains the run that A does, or begins one of its own with the same settings. */
  isShared: boolean;
}

/** A browser with two tabs, in which a run was kept by a tab that is gone. */
class Scene {
  readonly browser = new Browser();
  readonly tabs: Record<Place, Tab | null> = { A: null, B: null };
  /** The run as the tab's list showed it at first: what somebody may click before the list is another one. */
  readonly shown: Record<Place, SavedRun | null> = { A: null, B: null };
  readonly #fresh = new Set<Tab>();
  readonly #checkpoints = new Checkpoints<RunHeader>(this.browser.store);
  /** The furthest that was ever seen kept, and the runs that were seen finished. */
  #best = 0;
  readonly #finished = new Set<string>();

  constructor(readonly plot: Plot) {}

  async open(): Promise<void> {
    await this.#checkpoints.save(encodeCheckpoint(RUN, playedState(config, 1), false));
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
  events(place: Place): string[] {
    const tab = this.tabs[place];
    if (tab === null) return ['open'];
    // A tab that has done nothing is as good as a new one.
    if (tab.running === null) return this.#fresh.has(tab) ? ['start'] : ['start', 'reload'];
    const alive = ['keep', 'finish', 'reset', 'kill'];
    if (!this.plot.hasDeaths) return alive;
    const dies = (Object.keys(DEATHS) as (keyof typeof DEATHS)[]).flatMap((work) =>
      DEATHS[work].map((death) => `${work}, killed at write ${death}`),
    );
    return [...alive, ...dies];
  }

  async happen(place: Place, event: string): Promise<void> {
    const tab = this.tabs[place];
    const [what, death] = event.split(', killed at write ');
    if (tab === null) return this.#openTab(place);
    this.#fresh.delete(tab);
    if (death !== undefined) tab.dying = { writes: Number(death[0]), isDone: death.endsWith('done') };
    if (what === 'start') await this.#start(tab, place);
    else if (what === 'keep') {
      const keptAt = () => tab.session.view.checkpoint.value?.step ?? 0;
      const before = keptAt();
      tab.running?.controls.step();
      await until(() => tab.isDead || keptAt() > before, 'a checkpoint is kept');
    } else if (what === 'finish') {
      tab.finish();
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
    const isNew = place === 'B' && !this.plot.isShared;
    const wanted = tab.runs().find(({ id, finished }) => (id === RUN) !== isNew && !finished);
    const listed = wanted ?? (isNew ? null : this.shown[place]);
    const before = listed && (await this.#runs()).find(({ id }) => id === listed.id);
    const holder = listed && this.browser.locks.holder(listed.id);
    const started = tab.session.start(listed);
    const isOver = () => ['error', 'done'].includes(tab.session.status.value);
    await until(() => tab.running !== null || isOver(), 'it starts, or is refused');
    const { wrong } = this.browser;
    if (tab.running !== null) {
      const kept = before?.step ?? 0;
      const { from } = tab.running;
      if (from !== kept) wrong.push(`it went on from step ${from}, where ${kept} was kept`);
      if (from === STEPS) await started;
      return;
    }
    await started;
    const said = tab.session.notices.value.map(({ message }) => message).join(' ');
    if (holder && !/trained in another tab/.test(said)) wrong.push(`of a held run it said: ${said}`);
    // One that was overtaken is gone.
    if (before === undefined && !/not in storage any more/.test(said))
      wrong.push(`of a dropped run it said: ${said}`);
    if (!holder && before && !before.finished) wrong.push(`a free run was refused: ${said}`);
    if (tab.session.refused.value.size > 0) wrong.push('an older checkpoint is offered for no reason');
  }

  async #runs() {
    return (await this.#checkpoints.list()).map(({ id, header }) => ({ id, ...header }));
  }

  /** What is kept, which never goes back. */
  async look(): Promise<void> {
    const { wrong } = this.browser;
    const runs = await this.#runs();
    const step = Math.max(0, ...runs.map((run) => run.step));
    if (step < this.#best) wrong.push(`what is kept went back from step ${this.#best} to ${step}`);
    this.#best = step;
    for (const id of this.#finished)
      if (!runs.find((run) => run.id === id)?.finished) wrong.push('a finished run is none any more');
    for (const { id, finished } of runs) if (finished) this.#finished.add(id);
  }

  /** Everything that must be so after every event. */
  async check(): Promise<void> {
    await this.look();
    const { wrong, locks } = this.browser;
    const runs = await this.#runs();
    for (const { id, finished } of runs) {
      if ((await this.#checkpoints.load(id)) === null) wrong.push('the newest checkpoint cannot be loaded');
      if (finished && !(await new Runs(this.browser.store).load(id))?.report)
        wrong.push('a finished run has no report');
    }
    const open = [...this.browser.tabs];
    const writers = open.filter(({ running }) => running !== null).length;
    if (this.plot.isShared && writers > 1) wrong.push(`${writers} tabs train the run`);
    const held = locks.held.filter(({ isShared }) => !isShared).length;
    if (writers !== held) wrong.push(`${writers} tabs train, and ${held} hold a run`);
    const words = (id: string, of: Pick<SavedRun, 'step' | 'finished' | 'isElsewhere'>) =>
      `${id === RUN ? 'the run' : 'another'} at ${of.step}${of.finished ? ', finished' : ''}${of.isElsewhere ? ', elsewhere' : ''}`;
    const wanted = open.map((tab) =>
      runs.map((run) => {
        const holder = locks.holder(run.id);
        return words(run.id, { ...run, isElsewhere: holder !== undefined && holder !== tab });
      }),
    );
    const seen = () => open.map((tab) => tab.runs().map((run) => words(run.id, run)));
    const text = (lists: string[][]) => lists.map((list) => list.sort().join('; ')).join(' | ');
    await until(() => text(seen()) === text(wanted), 'lists agree').catch(() =>
      wrong.push(`lists show ${text(seen())}, and not ${text(wanted)}`),
    );
  }

  /** Whoever comes when all others are gone can take over what got furthest, and finish it. */
  async takeOver(): Promise<void> {
    for (const place of PLACES) {
      this.tabs[place]?.kill();
      this.tabs[place] = null;
    }
    await this.#openTab('A');
    const tab = this.tabs.A as Tab;
    const [furthest] = tab.runs().sort((a, b) => b.step - a.step || Number(b.finished) - Number(a.finished));
    if (!furthest.finished) {
      const ended = tab.session.start(furthest);
      const isDone = () => tab.session.status.value === 'done';
      await until(() => tab.running !== null || isDone(), 'the run is taken over');
      tab.finish();
      await ended;
    }
    await this.check();
    if (this.#finished.size === 0) this.browser.wrong.push('what was taken over is not finished');
  }
}

/** Plays events, and says what can come next and what was wrong. */
async function play(
  events: readonly string[],
  isLast: boolean,
  plot: Plot,
): Promise<{ next: string[]; wrong: string[] }> {
  const scene = new Scene(plot);
  const { wrong } = scene.browser;
  await scene.open();
  for (const [at, event] of events.entries()) {
    const [place, ...what] = event.split(' ');
    try {
      await scene.happen(place as Place, what.join(' '));
    } catch (error) {
      return { next: [], wrong: [...wrong, String(error)] };
    }
    // What came before was looked at where it was last.
    if (at === events.length - 1) await scene.check();
    else await scene.look();
  }
  const next = PLACES.flatMap((place) => scene.events(place).map((event) => `${place} ${event}`));
  if (isLast) await scene.takeOver();
  for (const tab of scene.browser.tabs) tab.kill();
  return { next, wrong };
}

/** All orders up to a length. Where the two are alike, A is the first to start. */
async function explore(length: number, plot: Plot): Promise<{ orders: number; wrong: object }> {
  const wrong = new Map<string, string>();
  let orders = 0;
  const go = async (before: readonly string[]): Promise<void> => {
    const isLast = before.length === length;
    const found = await play(before, isLast, plot);
    orders++;
    for (const sentence of found.wrong) if (!wrong.has(sentence)) wrong.set(sentence, before.join(', '));
    if (found.wrong.length > 0 || isLast) return;
    for (const event of found.next) {
      if (plot.isShared && before.length === 0 && event !== 'A start') continue;
      await go([...before, event]);
    }
  };
  await go([]);
  return { orders, wrong: Object.fromEntries(wrong) };
}

describe('two tabs', { timeout: 120_000 }, () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterAll(() => void vi.useRealTimers());

  it.each([
    ['one run, in every order of events', 4, 90, { isShared: true, hasDeaths: false }],
    ['one run, where one is killed while it writes', 3, 50, { isShared: true, hasDeaths: true }],
    ['two runs of the same settings', 3, 50, { isShared: false, hasDeaths: false }],
  ])('lose nothing of %s', async (_of, length, least, plot) => {
    const { orders, wrong } = await explore(length + MORE, plot);
    expect(wrong).toEqual({});
    expect(orders).toBeGreaterThan(least);
    if (MORE > 0) console.log(`${orders} orders of at most ${length + MORE} events`);
  });

  /** Longer ones, in which a tab has in its memory what another has gone on with. */
  it.each([
    ['A start', 'A keep', 'A reset', 'B start', 'B finish', 'A start'],
    ['A start', 'A keep', 'A reset', 'B start', 'B keep', 'B reset', 'A start', 'A keep'],
    [
      'A start',
      'A keep',
      'A reset',
      'B start',
      'B keep',
      'B kill',
      'A start',
      'A finish',
      'B open',
      'B start',
    ],
    [
      'A start',
      'B start',
      'A keep',
      'A kill',
      'B start',
      'B keep',
      'A open',
      'A start',
      'B finish',
      'A start',
    ],
    ['A start', 'A finish, killed at write 1 done', 'B start', 'A open', 'A start'],
  ])('lose nothing of one run in %s, %s, %s, %s, %s …', async (...events) => {
    for (let length = 1; length <= events.length; length++) {
      const plot = { isShared: true, hasDeaths: true };
      const { wrong } = await play(events.slice(0, length), length === events.length, plot);
      expect([length, ...wrong]).toEqual([length]);
    }
  });

  it('leave each other alone where one drops what it has overtaken', async () => {
    const plot = { isShared: false, hasDeaths: false };
    const events = [
      'A start',
      'A keep',
      'A reset',
      'B start',
      'B keep',
      'B keep',
      'A start',
      'B keep',
      'A start',
    ];
    for (let length = 1; length <= events.length; length++)
      expect((await play(events.slice(0, length), length === events.length, plot)).wrong).toEqual([]);
  });
});
