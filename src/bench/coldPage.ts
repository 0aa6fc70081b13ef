/**
 * How long a person waits for what the page is there for, from an address typed into a browser that has never seen it: POPO at work, a
 * second line, what somebody shared, two runs beside each other, and an answer of the model's own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserPage } from '../browsers/browser';
import { applyDiff, type ConfigDiff } from '../run/diff';
import { formatLink } from '../run/link';
import { presetConfig } from '../run/presets';

export interface Wait {
  /** From one thing that a person does or sees to another. */
  what: string;
  seconds: number;
}

/** Longest wait for anything, in seconds. */
const PATIENCE = 600;

/** A run with a result to share and to compare, so short that it is no part of what is measured. */
const SHORT: ConfigDiff = {
  'data.num_users': 300,
  'warmup.steps': 30,
  'rupr.prompts': 200,
  'orft.scorer_steps': 10,
  'sft.steps': 30,
  'popo.steps': 4,
  'popo.prompts_per_step': 4,
  'evaluate.users': 64,
  'evaluate.curve_users': 32,
  'ranking.users': 0,
};

/**
 * @param open opens a new browser, with nothing stored
 * @param url of the page as it is deployed
 */
export async function coldPage(
  open: () => Promise<BrowserPage>,
  url: string,
  say: (line: string) => void,
): Promise<Wait[]> {
  const waits: Wait[] = [];
  async function wait(what: string, page: BrowserPage, begin: () => Promise<void>, isThere: () => boolean) {
    const since = performance.now();
    await begin();
    await until(page, isThere, what);
    waits.push({ what, seconds: (performance.now() - since) / 1000 });
    say(`${what}: ${waits.at(-1)!.seconds.toFixed(1)} s`);
  }
  const press = (page: BrowserPage, action: string) => () => page.click(`[data-action=${action}]`);

  await withPage(open, async (page) => {
    const isAligning = () =>
      globalThis.taiji!.stages().some(({ name, step }) => name === 'popo' && step >= 1);
    await wait(
      'address to the page with its buttons',
      page,
      () => page.goto(url),
      () => globalThis.taiji !== undefined && document.querySelector('[data-action=play]') !== null,
    );
    await wait('Play with POPO to the first step of alignment', page, press(page, 'play'), isAligning);
    await press(page, 'pause')();
    await until(page, () => globalThis.taiji!.status() === 'paused', 'a pause');
    await wait(
      'Fork here to a second line at rest beside the first',
      page,
      press(page, 'fork'),
      () => document.querySelectorAll('.behind li').length > 0,
    );
    await page.evaluate(() => {
      const at = globalThis.taiji!.stages().find(({ name }) => name === 'popo')!.step;
      document.documentElement.dataset.forkedAt = String(at);
    }, null);
    await wait('Resume to the second line’s first step', page, press(page, 'resume'), () =>
      globalThis
        .taiji!.stages()
        .some(
          ({ name, step }) => name === 'popo' && step > Number(document.documentElement.dataset.forkedAt),
        ),
    );
  });

  let shared = '';
  await withPage(open, async (page) => {
    const done = () => until(page, () => globalThis.taiji!.status() === 'done', 'a short run');
    const config = applyDiff(presetConfig({ preset: 'tiny', version: 2 }), SHORT);
    for (const seed of [1, 2]) {
      await page.goto('about:blank');
      await page.goto(url + formatLink({ ...config, seed }, null, null));
      await until(page, () => document.querySelector('[data-action=train]') !== null, 'the page');
      await press(page, 'train')();
      await done();
    }
    shared = (await page.evaluate(() => globalThis.taiji!.resultLink(), null))!;
    await page.goto('about:blank');
    await page.goto(url);
    await until(page, () => document.querySelectorAll('[data-action=pin-run]').length === 2, 'kept runs');
    await wait(
      'two kept runs pinned to a table that compares them',
      page,
      () =>
        page.evaluate(() => {
          for (const button of document.querySelectorAll<HTMLButtonElement>('[data-action=pin-run]'))
            button.click();
        }, null),
      () => document.querySelectorAll('[aria-label="Results of pinned runs"] tbody tr').length === 2,
    );
    await wait(
      'Choose a history to a shopper’s own',
      page,
      press(page, 'ask-open'),
      () => document.querySelector('.ask-chip') !== null,
    );
    await wait(
      'Ask to the first answer',
      page,
      press(page, 'ask'),
      () => document.querySelector('.ask-answer b') !== null,
    );
  });

  await withPage(open, (page) =>
    wait(
      'a shared link to what came out of it, in another browser',
      page,
      () => page.goto(shared.startsWith('http') ? shared : url + shared),
      () => document.querySelectorAll('.linked tbody tr').length >= 3,
    ),
  );
  return waits;
}

async function withPage(
  open: () => Promise<BrowserPage>,
  use: (page: BrowserPage) => Promise<void>,
): Promise<void> {
  const page = await open();
  try {
    await use(page);
  } finally {
    await page.close();
  }
}

/** @throws an Error with what the page itself says, where it fails or takes too long */
async function until(page: BrowserPage, isThere: () => boolean, what: string): Promise<void> {
  for (const since = performance.now(); !(await page.evaluate(isThere, null)); await sleep(50)) {
    const notices = await page.evaluate(
      () =>
        globalThis.taiji?.notices().flatMap(({ level, message }) => (level === 'error' ? message : [])) ?? [],
      null,
    );
    const problems = [...page.errors, ...notices];
    if (problems.length > 0) throw new Error(`The page failed: ${problems.join(' ')}`);
    if (performance.now() - since > 1000 * PATIENCE) throw new Error(`No ${what} after ${PATIENCE} seconds.`);
  }
}
