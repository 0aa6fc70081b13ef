/** The deployed page without WebGPU: judges are trained in a worker of the training worker's, within the page's policy, to the bits of Node. */
import { chromium } from 'playwright-core';
import { expect, inject, test, vi } from 'vitest';
import type {} from '../../src/app/console';
import { ensureChromium } from '../../src/browsers/chromium';
import { formatLink } from '../../src/run/link';
import { runPipeline } from '../../src/run/runner';
import { minusculeConfig, recordedRun } from '../run/tinyRun';

const MINUTES = 60_000;

test(
  'judges are trained beside warm-up, in a worker that the policy lets start',
  async () => {
    const config = minusculeConfig(({ ranker, encoder }) => {
      ranker.steps = 40;
      encoder.steps = 20;
    });
    const browser = await chromium.launch({
      executablePath: ensureChromium(),
      args: ['--headless=new', '--no-sandbox'],
    });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      await page.goto(inject('pageUrl') + formatLink(config, null, null));
      await page.click('[data-action="train"]');
      const report = await vi.waitFor(
        async () => {
          const found = await page.evaluate(() => globalThis.taiji?.report() ?? null);
          expect(problems).toEqual([]);
          return found ?? Promise.reject(new Error('It is not done.'));
        },
        { timeout: 4 * MINUTES, interval: 500 },
      );
      // Only what no thread of the run did is counted there.
      expect(report.timings.beside).toBeGreaterThan(0);
      const here = (await runPipeline(recordedRun(config).context)).report!;
      const of = (name: string, { stages }: typeof here) => stages.find((stage) => stage.name === name)!.loss;
      for (const name of ['ranker', 'encoder']) expect(of(name, report)).toEqual(of(name, here));
      expect(report.ranker).toEqual(here.ranker);
      expect(of('ranker', report)).toHaveLength(40);
    } finally {
      await browser.close();
    }
  },
  6 * MINUTES,
);
