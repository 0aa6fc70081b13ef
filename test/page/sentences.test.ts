/** The Universal Sentence Encoder is loaded when a run wants it, and then kept. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import type {} from '../../src/app/console';
import { CHROMIUM_FLAGS, ensureChromium } from '../../src/browsers/chromium';
import type { ConfigDiff } from '../../src/run/diff';
import { formatLink } from '../../src/run/link';
import { shortRun } from './shortRun';

const MINUTES = 60_000;

let browser: Browser;
let page: Page;
let loaded: string[] = [];
let isBroken = false;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: ensureChromium(), args: CHROMIUM_FLAGS });
  page = await browser.newPage();
  await page.context().route(/group1-shard|vocab-|model-/, (route) => {
    loaded.push(route.request().url());
    return isBroken && route.request().url().includes('shard5')
      ? route.fulfill({ status: 404 })
      : route.continue();
  });
}, MINUTES);
afterAll(() => browser?.close());

async function train(diff: ConfigDiff): Promise<void> {
  loaded = [];
  await page.goto('about:blank');
  await page.goto(inject('pageUrl') + formatLink(shortRun({ seed: 5, ...diff }), null, null));
  await page.click('[data-action="train"]');
}

/** Until the encoder's stage is over, or something went wrong. */
async function encoded(): Promise<string[]> {
  return vi.waitFor(
    async () => {
      const { stages, errors } = await page.evaluate(() => ({
        stages: globalThis.taiji!.stages(),
        errors: globalThis.taiji!.notices().filter(({ level }) => level === 'error'),
      }));
      const isOver = stages.find(({ name }) => name === 'warmup')!.step > 0;
      expect(isOver || errors.length > 0).toBe(true);
      return errors.map(({ message }) => message);
    },
    { timeout: 3 * MINUTES, interval: 100 },
  );
}

test(
  'not where a run does without it',
  async () => {
    await train({});
    expect(await encoded()).toEqual([]);
    expect(loaded).toEqual([]);
  },
  4 * MINUTES,
);

test(
  'a part that cannot be had is one sentence, and nothing of a run is begun',
  async () => {
    isBroken = true;
    await train({ 'encoder.semantic_reward': 'use-lite' });
    expect(await encoded()).toEqual([
      expect.stringMatching(/The Universal Sentence Encoder could not be loaded \(the server answered 404\)/),
    ]);
    isBroken = false;
  },
  4 * MINUTES,
);

test(
  'the rest of it when asked again, and never once more',
  async () => {
    await train({ 'encoder.semantic_reward': 'use-lite' });
    expect(await encoded()).toEqual([]);
    // The four parts before the one that was missing are kept.
    expect(loaded.filter((url) => url.includes('shard'))).toHaveLength(3);
    await train({ 'encoder.semantic_reward': 'use-lite' });
    expect(await encoded()).toEqual([]);
    expect(loaded).toEqual([]);
  },
  6 * MINUTES,
);
