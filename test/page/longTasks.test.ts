import { chromium } from 'playwright-core';
import { expect, inject, test, vi } from 'vitest';
import { CHROMIUM_FLAGS, ensureChromium } from '../../src/browsers/chromium';
import { formatLink } from '../../src/run/link';
import { shortRun } from './shortRun';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds that the thread itself worked: what else the machine does meanwhile stays out. */
  tdur?: number;
  args: { name?: string };
}

test(
  'from Train to the end of a run the page’s thread never works longer than 50 ms at a time',
  async () => {
    const browser = await chromium.launch({ executablePath: ensureChromium(), args: CHROMIUM_FLAGS });
    try {
      const page = await browser.newPage();
      await page.goto(inject('pageUrl') + formatLink(shortRun({ seed: 4, 'sft.steps': 60 }), null, null));
      await page.waitForSelector('[data-action="train"]');
      await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
      await page.click('[data-action="train"]');
      await vi.waitFor(
        async () =>
          expect(await page.evaluate(() => document.documentElement.dataset.status)).toMatch(/done|error/),
        { timeout: 12 * 60_000, interval: 500 },
      );
      expect(await page.evaluate(() => globalThis.taiji!.status())).toBe('done');
      const tasks = pageTasks(JSON.parse(String(await browser.stopTracing())).traceEvents);
      expect(tasks.length).toBeGreaterThan(1000);
      expect(Math.max(...tasks)).toBeLessThan(50);
    } finally {
      await browser.close();
    }
  },
  15 * 60_000,
);

/** Milliseconds of each task of the page's main thread: the busiest of the threads of that kind. */
function pageTasks(events: TraceEvent[]): number[] {
  const thread = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`;
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  return mains
    .map((main) =>
      events
        .filter(
          (event) => event.ph === 'X' && event.name.endsWith('RunTask') && thread(event) === thread(main),
        )
        .map(({ tdur }) => (tdur ?? 0) / 1000),
    )
    .reduce((busiest, tasks) => (tasks.length > busiest.length ? tasks : busiest), []);
}
