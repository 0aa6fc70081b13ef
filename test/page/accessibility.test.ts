/** The page as people meet it: every state, light and dark, wide and narrow, through axe and from the keyboard. */
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fakePage } from './fakePage';
import { STATES } from './states';

const fake = fakePage();

/** Where pictures of every state go (`npm run screenshots`); none are taken without. */
const { TAIJI_PICTURES: pictures } = process.env;

async function open(query: string): Promise<{ page: Page; problems: string[] }> {
  const page = await fake.browser.newPage({
    colorScheme: 'light',
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('favicon')) problems.push(message.text());
  });
  await page.goto(fake.url + query);
  await page.waitForSelector('[data-action=train]');
  return { page, problems };
}

/** The same page is asked in every look: it is the same markup, and what is drawn must follow. Colours do not go by width. */
const LOOKS = [
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 360, colorScheme: 'light' },
  ...(pictures === undefined ? [] : [{ width: 360, colorScheme: 'dark' } as const]),
] as const;

it.each(STATES)(
  'has nothing for axe to say, wide and narrow, light and dark, and fits: $name',
  async ({ name, query, reach }) => {
    const { page, problems } = await open(query);
    await reach(page);
    await page.evaluate(axe.source);
    for (const { width, colorScheme } of LOOKS) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      // Charts are drawn anew for the width that they have.
      await page.waitForTimeout(300);
      expect({ width, colorScheme, found: await violations(page) }).toEqual({
        width,
        colorScheme,
        found: [],
      });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect({ width, overflow }).toEqual({ width, overflow: Math.min(overflow, 0) });
      if (pictures !== undefined)
        await page.screenshot({
          path: join(pictures, `${name.replace(/\W+/g, '-')}-${width}-${colorScheme}.png`),
          fullPage: true,
        });
    }
    expect(problems).toEqual([]);
    await page.close();
  },
);

function violations(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document);
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
    );
  });
}

it('trains, pauses and resumes from the keyboard alone', async () => {
  const { page } = await open('?speed=1');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the run');
  // Languages, and Play where it is offered, come before Train.
  const isTrain = () => page.evaluate(() => document.activeElement?.matches('[data-action=train]') === true);
  for (let presses = 0; presses < 5 && !(await isTrain()); presses++) await page.keyboard.press('Tab');
  expect(await isTrain()).toBe(true);
  await page.keyboard.press('Enter');
  await page.waitForSelector('html[data-status=running]');
  await page.focus('[data-action=pause]');
  await page.keyboard.press('Space');
  await page.waitForSelector('html[data-status=paused]');
  await page.focus('[data-action=resume]');
  await page.keyboard.press('Space');
  await page.waitForSelector('html[data-status=running]');
  await page.close();
});
