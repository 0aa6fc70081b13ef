/** The page on a trainer that plays a run, served, and a Chromium to open it in, for the tests of one file. */
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { ensureChromium } from '../../src/browsers/chromium';
import { type ServedPage, servePage } from '../../src/commands/serve';

/** Filled in before the file's first test. */
export function fakePage(): { browser: Browser; server: ServedPage } {
  const there = {} as { browser: Browser; server: ServedPage };
  beforeAll(async () => {
    there.server = await servePage({ port: 0, outDir: '.cache/fake', entry: 'test/page/fake.html' });
    there.browser = await chromium.launch({
      executablePath: ensureChromium(),
      args: ['--headless=new', '--no-sandbox'],
    });
  });
  afterAll(async () => {
    await there.browser?.close();
    await there.server?.close();
  });
  return there;
}
