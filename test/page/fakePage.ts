/** A Chromium to open the page on a trainer that plays a run in, for the tests of one file. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject } from 'vitest';
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

/** Opens the page and waits for what the test is about; whatever the page throws fails the test. */
export async function openFake(
  fake: ReturnType<typeof fakePage>,
  query: string,
  shown: string,
  { width = 1280, colorScheme = 'light' as 'light' | 'dark' } = {},
): Promise<Page> {
  const page = await fake.browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  page.on('pageerror', (error) => expect.fail(error.message));
  await page.goto(fake.url + query);
  await page.waitForSelector(shown);
  return page;
}
