/** What is kept on this device, looked after by a person; and a run that is too large, told before it is begun. */
import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();
/** Where pictures go, for whoever wants to look at them. */
const { TAIJI_PICTURES: pictures } = process.env;

const open = (query: string, width?: number, colorScheme?: 'light' | 'dark') =>
  openFake(fake, query, '[data-action=storage]', { width, colorScheme });

const rows = (page: Page) => page.locator('.storage li');
const answer = (page: Page, yes: boolean) =>
  page
    .locator('.storage-asked')
    .getByRole('button', { name: yes ? 'Delete' : 'Keep', exact: true })
    .click();

it('lists everything by kind with its size, and asks before one, all of a kind, or everything goes', async () => {
  const page = await open('?saved');
  await page.click('[data-action=storage]');
  await page.waitForSelector('.storage li');
  expect(await page.locator('.storage h3').allTextContents()).toEqual([
    'Runs that are not finished',
    'Finished runs',
    'Your data',
    'Reasoning',
    'Answers of endpoints',
    'Studies',
    'Downloads',
    'All of it',
  ]);
  const shop = rows(page).filter({ hasText: 'shop' });
  expect(await shop.locator('.storage-size').textContent()).toBe('2 MB');
  expect(await shop.locator('.storage-size').getAttribute('title')).toMatch(/^2.300.512 bytes$/);

  // One, kept after all; the keyboard stands on the harmless button.
  await shop.getByRole('button').click();
  expect(await page.locator('.storage-asked p').textContent()).toBe(
    'Delete “shop: 4102 users, 3377 items”, 2 MB? Your own files stay where they are. A run that is not finished needs it to go on.',
  );
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Keep');
  await page.keyboard.press('Escape');
  expect(await page.locator('.storage-asked').count()).toBe(0);
  expect(await rows(page).count()).toBe(8);

  // All of a kind.
  await page.getByRole('button', { name: /^Delete all \d+: Your data$/ }).click();
  expect(await page.locator('.storage-asked p').textContent()).toBe(
    'Delete 2 data sets, 3 MB? Your own files stay where they are. A run that is not finished needs one of them to go on.',
  );
  await answer(page, true);
  await expect.poll(() => rows(page).count()).toBe(6);

  // Everything; the list of runs above goes with it.
  await page.click('[data-action=delete-everything]');
  expect(await page.locator('.storage-asked p').textContent()).toMatch(
    /^Delete 1 run that is not finished, 1 finished run with its model, .* and 1 download, 45 MB\? This cannot be undone\.$/,
  );
  await answer(page, true);
  await expect.poll(() => rows(page).count()).toBe(0);
  expect(await page.locator('.storage').textContent()).toBe('Nothing is kept.');
  await expect.poll(() => page.locator('.saved > ul li').count()).toBe(0);
  await page.close();
});

it('takes a run in from a file, chosen or dropped, and says why where it does not', async () => {
  const page = await open('');
  const file = (name: string, begin = 'x') => ({
    name,
    mimeType: 'application/zip',
    buffer: Buffer.from(begin),
  });
  await page.setInputFiles('[data-files=run]', file('run.zip'));
  await page.waitForSelector('text=is kept here now: open it below');
  // Among files for everything, a run is told by how it begins.
  const begin = `PK\x03\x04${'\0'.repeat(26)}run.json{}`;
  await page.setInputFiles('[data-files=data]', file('bad.zip', begin));
  await page.waitForSelector('text=bad.zip was not taken in: This run.zip is damaged: its part “moment2”');
  await page.close();
});

it('is readable at every width, in the dark too', async () => {
  for (const [width, scheme] of [
    [1280, 'light'],
    [1280, 'dark'],
    [360, 'light'],
    [360, 'dark'],
  ] as const) {
    const page = await open('?saved', width, scheme);
    await page.click('[data-action=storage]');
    await page.waitForSelector('.storage li');
    await page.getByRole('button', { name: /^Delete all \d+: Your data$/ }).click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), `${width} px`).toBe(width);
    if (pictures) {
      mkdirSync(pictures, { recursive: true });
      await page.locator('.saved').screenshot({ path: `${pictures}/storage-${width}-${scheme}.png` });
    }
    await page.close();
  }
});

it('does not let Train or Step be pressed for a run that is too large, and says both numbers', async () => {
  const page = await open('?speed=400#run=1&preset=large&popo.prompts_per_step=160&popo.num_generations=64');
  const train = page.locator('[data-action=train]');
  const step = page.locator('[data-action=step]');
  await expect.poll(() => train.isDisabled()).toBe(true);
  expect(await step.isDisabled()).toBe(true);
  expect(await page.locator('[data-notice=budget]').textContent()).toMatch(
    /^“Answers to each shopper” \(popo\.num_generations\) \(now 64\) asks for \d\.\d GiB in one buffer, most of it for a POPO batch, and this GPU allows 2\.0 GiB: lower it\.$/,
  );
  await page.evaluate(() => globalThis.taiji!.start());
  expect(await page.evaluate(() => globalThis.taiji!.notices().at(-1)?.message)).toMatch(
    /^This run cannot start: popo\.num_generations \(now 64\) asks for/,
  );
  await page.evaluate(() => globalThis.taiji!.set('popo.prompts_per_step=8'));
  await page.evaluate(() => globalThis.taiji!.set('popo.num_generations=8'));
  await expect.poll(() => train.isDisabled()).toBe(false);
  expect(await step.isDisabled()).toBe(false);
  await page.close();
});
