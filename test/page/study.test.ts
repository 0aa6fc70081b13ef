import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type BrowserPage, openBrowser } from '../../src/browsers/browser';
import { formatLink } from '../../src/run/link';
import { shortRun } from './shortRun';

const MINUTES = 60_000;
const METHODS = ['orft', 'fixed-0.5'];
let page: BrowserPage;

beforeAll(async () => {
  page = await openBrowser('chromium');
}, MINUTES);
afterAll(() => page?.close());

/** Opens the page at a short run's settings, and the study with two methods at one seed. */
async function openStudy(): Promise<void> {
  await page.goto('about:blank');
  await page.goto(inject('pageUrl') + formatLink(shortRun({ 'evaluate.curve_users': 4 }), null, null));
  await page.click('[data-action="open-study"]');
  // Its code arrives only now.
  const isThere = () => page.evaluate(() => document.querySelector('.study-methods') !== null, null);
  await vi.waitFor(async () => expect(await isThere()).toBe(true), MINUTES);
  await page.evaluate((wanted) => {
    const boxes = document.querySelectorAll<HTMLInputElement>('.study-methods input');
    for (const box of boxes) {
      const name = box.parentElement!.querySelector('span')!.firstChild!.textContent!.trim();
      if (box.checked !== wanted.includes(name)) box.click();
    }
    const [, last] = document.querySelectorAll<HTMLInputElement>('.study-steering input');
    last.value = '1';
    last.dispatchEvent(new Event('change', { bubbles: true }));
  }, METHODS);
}

const status = () => page.evaluate(() => document.querySelector('.study-status')!.textContent!, null);
const says = (wanted: string | RegExp) =>
  vi.waitFor(async () => expect(await status()).toMatch(wanted), { timeout: 8 * MINUTES, interval: 100 });

test(
  'a study goes on after a reload with the runs that are missing, and fills its tables',
  async () => {
    await openStudy();
    await says('0 of 2 runs are kept');
    await page.click('[data-action="study"]');
    await says(/^1 of 2 done/);
    await openStudy();
    await says('1 of 2 runs are kept');
    await page.click('[data-action="study"]');
    await says('2 of 2 runs are kept');
    const rows = await page.evaluate(
      () => Array.from(document.querySelectorAll('.study tbody tr th'), (cell) => cell.textContent!),
      null,
    );
    // Beneath each name stands what it is.
    expect(rows.slice(0, 2)).toEqual(['orftSFT on filtered reasoning', 'fixed-0.5RL, semantic weight .5']);
    expect(rows.some((row) => row.startsWith('…with weights that never move'))).toBe(true);
    expect(await page.evaluate(() => document.querySelector('.study [role=alert]'), null)).toBeNull();
    expect(page.errors).toEqual([]);
  },
  15 * MINUTES,
);
