/** Keys for what buttons do, the list of them, and who is told of the end. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();
const status = (page: Page) => page.locator('html').getAttribute('data-status');

it('press what buttons do, leave text alone, are listed at a ?, and can be put away', async () => {
  const page = await openFake(fake, '?speed=4', '[data-action=train]');
  await page.getByLabel('Seed').fill('7');
  await page.keyboard.press('t');
  expect(await status(page)).toBe('idle');
  await page.getByLabel('Seed').blur();

  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keys' });
  await sheet.waitFor();
  expect(await sheet.locator('kbd').allTextContents()).toEqual(['t', 'p', 's', 'f', 'g', 'm', '?', '←', '→']);
  await page.keyboard.press('t');
  expect(await status(page)).toBe('idle');
  await page.keyboard.press('Escape');
  await expect.poll(() => sheet.count()).toBe(0);

  await page.keyboard.press('m');
  await expect.poll(() => page.locator('.more').getAttribute('aria-expanded')).toBe('true');
  await page.keyboard.press('t');
  await expect.poll(() => status(page)).toBe('running');
  await page.keyboard.press('t');
  await expect.poll(() => status(page)).toBe('paused');
  await page.keyboard.press('Control+t');
  await page.keyboard.press('t');
  await expect.poll(() => status(page)).toBe('running');
  // What throws work away has no key.
  for (const key of 'abcdehijklnoqruvwxyz') await page.keyboard.press(key);
  expect(await status(page)).toBe('running');

  await page.keyboard.press('?');
  await sheet.getByLabel('Use these keys').uncheck();
  await sheet.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('t');
  expect(await status(page)).toBe('running');
  await page.close();
});

it('tells of the end when it was asked to and nobody looks', async () => {
  const page = await openFake(fake, '?speed=100', '[data-action=train]');
  await page.evaluate(() => {
    const told: string[] = [];
    class Recorded {
      static permission = 'default';
      static requestPermission = async () => 'granted';
      constructor(title: string, { body }: { body: string }) {
        told.push(`${title}: ${body}`);
      }
    }
    Object.assign(globalThis, { Notification: Recorded, told });
    Object.defineProperty(document, 'hidden', { get: () => told.length === 0, configurable: true });
  });
  await page.click('[data-action=train]');
  await page.click('[data-action=notify]');
  await page.getByText('You are told when it ends.').waitFor();
  await page.waitForSelector('html[data-status=done]');
  const told = () => page.evaluate(() => (globalThis as unknown as { told: string[] }).told);
  await expect.poll(told).toHaveLength(1);
  expect((await told())[0]).toMatch(/^The run is done: /);
  await page.close();
});

it('prints what came out, and nothing to press', async () => {
  const page = await openFake(fake, '?speed=400', '[data-action=train]');
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
  await page.locator('.table-section table').first().waitFor();
  await page.emulateMedia({ media: 'print' });
  expect(await page.locator('button:visible').count()).toBe(0);
  expect(await page.locator('.controls').isVisible()).toBe(false);
  expect(await page.locator('.table-section table').first().isVisible()).toBe(true);
  await page.close();
});
