/** Keys for what buttons do, the list of them, and who is told of the end. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { STARTERS } from '../../src/run/starters';
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

it('reach and turn everything by themselves: play, a weight, a fork, a group, a pin, a link', async () => {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.route('**/start/*.zip', (route) =>
    route.fulfill({ body: readFileSync(`public/${STARTERS[0].file}`) }),
  );
  await page.goto(`${fake.url}?saved&more=1&speed=60&rest=popo`);
  await page.waitForSelector('.saved li');
  const isAt = (selector: string) =>
    page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector);
  /** By Tab alone, from where the focus is, at most once round the page. */
  const go = async (selector: string) => {
    for (let press = 0; press < 200; press++) {
      if (await isAt(selector)) return;
      await page.keyboard.press('Tab');
    }
    expect.fail(`${selector} is not reached by Tab`);
  };
  const press = async (selector: string, key = 'Enter') => {
    await go(selector);
    // Whoever sees the page sees where the keyboard is.
    expect(await isAt(':focus-visible')).toBe(true);
    await page.keyboard.press(key);
  };
  await press('[data-action=play]');
  await expect.poll(() => status(page)).toBe('running');
  // The button is gone, and the one in its place has the focus.
  await expect.poll(() => isAt('[data-action=pause]')).toBe(true);
  await page.waitForSelector('.knobs');

  const weight = '.weight-bar input';
  await go(weight);
  const before = Number(await page.inputValue(weight));
  for (let k = 0; k < 3; k++) await page.keyboard.press('ArrowRight');
  const changes = () => page.evaluate(() => globalThis.taiji!.changes().map(({ field }) => field));
  await expect.poll(changes).toContain('popo.reward_weights');
  expect(Number(await page.inputValue(weight))).toBeGreaterThan(before);

  await press('.knobs [role=radiogroup] input:checked', 'ArrowRight');
  await expect.poll(changes).toContain('popo.weighting');

  await press('[data-action=fork]');
  await expect.poll(() => status(page)).toBe('paused');
  await expect.poll(() => isAt('[data-action=resume]')).toBe(true);
  await page.keyboard.press('Enter');
  await expect.poll(() => status(page)).toBe('running');

  await press('[data-action=glass]');
  await page.waitForSelector('.glass');
  await press('[data-glass=step]', 'ArrowLeft');
  await press('[data-action=glass-next]');
  expect(await page.locator('.glass-part').getAttribute('data-part')).toBe('1');
  await page.keyboard.press('ArrowRight');
  expect(await page.locator('.glass-part').getAttribute('data-part')).toBe('2');

  await press('[data-action=pin-run]', 'Space');
  await expect.poll(() => page.locator('[data-action=pin-run][aria-pressed=true]').count()).toBe(1);
  await page.waitForSelector('#compare-title');

  await press('[data-action=share]');
  await page.locator('.share').getByText('Link copied').or(page.locator('.link-shown')).first().waitFor();
  await page.close();
}, 120_000);

it('tells of the end when it was asked to and nobody looks', async () => {
  const page = await openFake(fake, '?speed=40', '[data-action=train]');
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
