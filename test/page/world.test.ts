/** The card of the world of devices, and results by slice, on a trainer that plays a run. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { storyOf } from '../../src/data/compatibility/story';
import { defaultConfig } from '../../src/run/presets';
import { fakePage } from './fakePage';

const fake = fakePage();

async function open(query: string): Promise<{ page: Page; problems: string[] }> {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 800 } });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(fake.url + query);
  await page.waitForSelector('[data-action=train]');
  return { page, problems };
}

it('shows one shopper of the world that the page begins with, and the next one', async () => {
  const { page, problems } = await open('');
  const { seed, data, text } = defaultConfig();
  const story = (index: number) => storyOf({ seed, devices: data.devices }, text.history_length, index);
  const card = page.locator('.world-card');
  await card.waitFor();
  const lists = async () => ({
    read: (await card.locator('ol li').allTextContents()).map((line) => line.trim()),
    facts: await card.locator('ul li').allTextContents(),
    end: await card.locator('.world-end').textContent(),
  });
  for (const index of [0, 1]) {
    const { behaviours, facts, bought, slice } = story(index);
    await expect.poll(async () => (await lists()).end).toContain(bought);
    const shown = await lists();
    expect(shown.read).toEqual(behaviours.map(({ title, categories }) => `${title} ${categories[0]}`));
    expect(shown.facts).toEqual(facts);
    expect(shown.end?.endsWith(slice)).toBe(true);
    await card.getByRole('button', { name: 'Next shopper' }).click();
  }
  await page.evaluate(() => globalThis.taiji!.set('seed=2'));
  await expect
    .poll(async () => (await lists()).end)
    .toContain(storyOf({ seed: 2, devices: data.devices }, text.history_length, 2).bought);
  expect(problems).toEqual([]);
  await page.close();
});

it('shows no card of a world that is another', async () => {
  const { page } = await open('#run=1&preset=tiny&version=1');
  await page.waitForSelector('#know-title');
  expect(await page.locator('.world').count()).toBe(0);
  await page.close();
});

it('tells results by slice, those of baselines too', async () => {
  const { page, problems } = await open('?speed=400');
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
  const section = page.locator('details', { hasText: 'By slice: seen, composed, cold' });
  await section.locator('summary').click();
  expect(await section.locator('tbody th').allTextContents()).toEqual([
    'Warm-up',
    'Fine-tuning',
    'Alignment',
    'Counting',
    'Popularity',
    'EASE',
  ]);
  const aligned = section.locator('tbody tr', { hasText: 'Alignment' });
  expect(await aligned.locator('td').allTextContents()).toEqual([
    // Below each its change from fine-tuning; of CTCVR the run tells that of slices alone.
    '.300 ± .030+.025',
    '.360 ± .030+.025',
    '.300 ± .030+.050',
    '.240 ± .030+.075',
    '.337 ± .030',
    '.404 ± .030±.000',
    '.337 ± .030±.000',
    '.270 ± .030±.000',
  ]);
  // Of an interval that leaves out zero alone.
  expect(await aligned.locator('.up').allTextContents()).toEqual(['+.050', '+.075']);
  const ease = section.locator('tbody tr', { hasText: 'EASE' });
  expect(await ease.locator('.up').allTextContents()).toEqual(['+.100', ...Array(4).fill('+.087')]);
  expect(await ease.locator('.down').allTextContents()).toEqual(['−.050', '−.060', '−.060']);
  expect(
    await page.locator('.table-section', { has: page.locator('#baselines-title') }).textContent(),
  ).toContain(
    'In the category of the 333 cold users, the model is above all of them, .240 against .140 of EASE',
  );
  expect(await section.locator('p').textContent()).toContain('seen 352, composed 299, cold 349 of');
  const rankers = page.locator('[aria-label="Rankers by slice"]');
  await page.locator('summary', { hasText: 'Slices of requests: seen, composed, cold' }).click();
  expect(await rankers.locator('thead th').allTextContents()).toEqual([
    'Features',
    'AUC buy, seen',
    'AUC buy, composed',
    'AUC buy, cold',
  ]);
  // The AUC, its interval, and the gain with its own; the control must gain nothing.
  expect(
    await rankers.locator('tbody tr', { hasText: 'The answer, named' }).locator('td').first().textContent(),
  ).toBe('.6911.682–.699+.0051+.0031 to +.0071');
  expect(await rankers.locator('.flagged').count()).toBe(0);
  await page.click('[data-action=open-study]');
  await page.click('[data-action=study]');
  await page.waitForFunction(() => /^3 of/.test(document.querySelector('.study-status')!.textContent!));
  const sliced = page.locator('section[aria-label="By slice of test users"]');
  expect((await sliced.locator('thead th').allTextContents()).slice(0, 3)).toEqual([
    'By slice',
    'L3, seen',
    'CTCVR, seen',
  ]);
  expect(problems).toEqual([]);
  await page.close();
});
