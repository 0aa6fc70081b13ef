/** A Chromium to open the page on a trainer that plays a run in, for the tests of one file. */
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, inject } from 'vitest';
import { ensureChromium } from '../../src/browsers/chromium';

/** Filled in before the file's first test. */
export function fakePage(): { browser: Browser; url: string } {
  const there = {} as { browser: Browser; url: string };
  beforeAll(async () => {
    there.url = inject('fakeUrl');
    there.browser = await chromium.launch({
      executablePath: ensureChromium(),
      args: ['--headless=new', '--no-sandbox'],
    });
  });
  afterAll(async () => {
    await there.browser?.close();
  });
  return there;
}
