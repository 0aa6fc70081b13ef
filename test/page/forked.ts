/** The way from a finished run to a link that another person opens: forked where its alignment began, weighted otherwise, shared. */
import { expect, vi } from 'vitest';
import type { BrowserPage } from '../../src/browsers/browser';
import type { Report } from '../../src/run/report';

const MINUTES = 60_000;

/** Waits until the run on show is at rest, done or whatever is wanted, and nothing went wrong. */
export async function reached(page: BrowserPage, wanted: string): Promise<void> {
  const now = () =>
    page.evaluate(
      () => ({
        status: document.documentElement.dataset.status,
        errors: globalThis.taiji!.notices().filter(({ level }) => level === 'error'),
      }),
      null,
    );
  await vi.waitFor(async () => expect(await now()).toEqual({ status: wanted, errors: [] }), {
    timeout: 12 * MINUTES,
    interval: 200,
  });
}

/** @returns the report of the second line, and the link with what came out of it */
export async function forkedAndShared(page: BrowserPage): Promise<{ report: Report; shared: string }> {
  await page.evaluate(() => globalThis.taiji!.fork('popo'), null);
  await reached(page, 'paused');
  await page.evaluate(
    () => globalThis.taiji!.change('popo.weighting=fixed', 'popo.reward_weights=0.9,0.1'),
    null,
  );
  await page.click('[data-action="resume"]');
  await reached(page, 'done');
  const report = (await page.evaluate(() => globalThis.taiji!.report(), null))!;
  // The list of kept runs is read again once a run is done, so it comes a moment later.
  const finished = () =>
    page.evaluate(() => globalThis.taiji!.savedRuns().filter((run) => run.finished).length, null);
  await vi.waitFor(async () => expect(await finished()).toBe(2), { timeout: 30_000 });
  await vi.waitFor(async () => expect(await linesBehind(page)).toBe(1), { timeout: 30_000 });
  await page.evaluate(() => {
    navigator.clipboard.writeText = async (text) => {
      document.documentElement.dataset.shared = text;
    };
  }, null);
  await page.click('[data-action="share"]');
  const shared = () => page.evaluate(() => document.documentElement.dataset.shared, null);
  await vi.waitFor(async () => expect(await shared()).toContain('&result='), { timeout: 30_000 });
  return { report, shared: (await shared())! };
}

/** Opens it as somebody who has never seen the run: what came out stands there before anything is trained. */
export async function opensShared(page: BrowserPage, shared: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(shared);
  const told = () => page.evaluate(() => document.querySelectorAll('.linked tbody tr').length, null);
  await vi.waitFor(async () => expect(await told()).toBeGreaterThanOrEqual(3), { timeout: 30_000 });
}

/** Lines of other runs that every chart has behind the one on show. */
export function linesBehind(page: BrowserPage): Promise<number> {
  return page.evaluate(() => document.querySelectorAll('.behind li').length, null);
}
