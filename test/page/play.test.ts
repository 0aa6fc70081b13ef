/** *Play with POPO*: offered on a page that nobody has touched, and what comes of the press. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { STARTERS } from '../../src/run/starters';
import { fakePage } from './fakePage';

const fake = fakePage();
const [starter] = STARTERS;

/** @param body what the server has in the starter's place */
async function open(query: string, body = readFileSync(`public/${starter.file}`)): Promise<Page> {
  const page = await fake.browser.newPage({ viewport: { width: 360, height: 800 } });
  await page.route('**/start/*.zip', (route) => route.fulfill({ body }));
  await page.goto(fake.url + query);
  await page.waitForSelector('.device .dot:not(.unknown)');
  return page;
}

const buttons = (page: Page) =>
  page.locator('.steering button[data-action]').evaluateAll((all) => all.map((one) => one.textContent));

it('stands before training from nothing, and goes on from the run beside the page', async () => {
  const page = await open('?speed=100');
  expect(await buttons(page)).toEqual(['Play with POPO', 'Train from nothing', 'Step', 'Reset']);
  expect(await page.locator('.steering .primary').count()).toBe(1);
  await page.fill('.seed input', '5');
  await page.press('.seed input', 'Tab');
  expect(await buttons(page)).toEqual(['Train', 'Step', 'Reset']);
  await page.fill('.seed input', '1');
  await page.press('.seed input', 'Tab');
  await page.click('[data-action=play]');
  await page.waitForSelector('html[data-status=running]');
  expect([await page.inputValue('.setup select'), await page.inputValue('.seed input')]).toEqual([
    'tiny',
    '7',
  ]);
  expect(await page.textContent('.notice')).toContain(
    `Everything before alignment was trained on ${starter.device}, by this app;`,
  );
  await page.waitForSelector('html[data-status=done]');
  expect(await buttons(page)).toEqual(['Train', 'Step', 'Reset']);
  await page.close();
});

it('never shows a preset that the page itself advises against, while it looks for the device', async () => {
  const page = await fake.browser.newPage({ viewport: { width: 360, height: 800 } });
  await page.addInitScript(() => {
    const shown: string[] = [];
    Object.assign(globalThis, { shown });
    const look = () => {
      const chosen = document.querySelector<HTMLSelectElement>('.setup select')?.selectedOptions[0]?.text;
      if (chosen !== undefined && chosen !== shown.at(-1)) shown.push(chosen);
      requestAnimationFrame(look);
    };
    look();
  });
  await page.goto(`${fake.url}?backend=cpu&look=1000`);
  await page.waitForSelector('.device .dot.slow');
  await expect
    .poll(() => page.evaluate(() => (globalThis as unknown as { shown: string[] }).shown))
    .toEqual(['What suits this device…', 'Tiny · any device']);
  await page.close();
});

it('is refused in one sentence where its file came damaged, and training from nothing is still there', async () => {
  const hurt = readFileSync(`public/${starter.file}`);
  hurt[1000] ^= 1;
  const page = await open('?speed=20&backend=cpu', hurt);
  // Chosen by the page itself.
  expect(await page.inputValue('.setup select')).toBe('tiny');
  expect(await page.textContent('.device')).toContain('So the smallest preset, tiny, is chosen.');
  await page.click('[data-action=play]');
  await page.waitForSelector('.notice.error');
  expect(await page.textContent('.notice.error')).toContain(
    `There is nothing to play with: ${starter.file} came damaged, or is of another version of the page (${hurt.length} bytes, not the ${starter.bytes} that were wanted). Train from nothing instead.`,
  );
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=running]');
  await page.close();
});
