/** Charts: read by pointer and by keyboard, as a table, as a file; drawn as a person likes them. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();

const pictures = (page: Page) =>
  page
    .locator('.charts .chart canvas')
    .evaluateAll((all) => all.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()));

/** The same, once there are so many and nothing is drawn any more. */
async function settled(page: Page, count: number): Promise<string[]> {
  for (let last: string[] = []; ; ) {
    const next = await pictures(page);
    if (next.length === count && next.join() === last.join()) return next;
    last = next;
    await page.waitForTimeout(400);
  }
}

it('say what was last measured at the step that is pointed at, all of them alike, also to the keyboard', async () => {
  const page = await openFake(fake, '?speed=400', '[data-action=train]');
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
  const heldOut = page.locator('.chart', { hasText: 'Held-out users' });
  const rewards = page.locator('.chart', { hasText: 'Rewards of sampled answers' });
  const said = async (chart: typeof rewards) => ({
    at: await chart.locator('.chart-step').allTextContents(),
    now: await chart.getByRole('slider').getAttribute('aria-valuetext'),
    label: await chart.getByRole('slider').getAttribute('aria-label'),
  });
  const newest = await said(heldOut);
  expect(newest.at).toEqual([]);

  // Alignment has 150 steps here, and users are held out for every tenth.
  await rewards.getByRole('slider').focus();
  for (const key of ['End', 'PageUp', 'PageUp', 'ArrowLeft']) await page.keyboard.press(key);
  await expect.poll(async () => (await said(rewards)).at).toEqual(['at 128']);
  const there = await said(heldOut);
  expect(there.at).toEqual(['at 120']);
  expect(there.label).toMatch(/^Held-out users: L1 0\.\d+, L3 0\.\d+, Title@50 0\.\d+, CTCVR 0\.\d+$/);
  expect(there.label).not.toBe(newest.label);
  await page.keyboard.press('Escape');
  await expect.poll(() => said(heldOut)).toEqual(newest);

  // A dashed line is dashed in its legend.
  const dashes = heldOut.locator('.swatch line');
  expect(await dashes.evaluateAll((all) => all.map((line) => line.getAttribute('stroke-dasharray')))).toEqual(
    ['2 3', null, '4 3', null],
  );

  await page.getByLabel('More of Held-out users').click();
  await page.getByLabel('Numbers of Held-out users').click();
  const rows = heldOut.locator('.chart-numbers tbody tr');
  await expect.poll(() => rows.count()).toBe(15);
  expect(await heldOut.locator('thead th').allTextContents()).toEqual([
    'Step',
    'L1',
    'L3',
    'Title@50',
    'CTCVR',
  ]);
  expect(await rows.last().locator('td').nth(1).textContent()).toBe(/L3 ([\d.]+)/.exec(newest.label!)![1]);

  await page.getByLabel('More of Rewards of sampled answers').click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByLabel('Rewards of sampled answers as CSV').click(),
  ]);
  expect(file.suggestedFilename()).toBe('rewards-of-sampled-answers.csv');
  const csv = readFileSync(await file.path(), 'utf8')
    .trim()
    .split('\n');
  expect(csv[0]).toBe('step,semantic,ID');
  expect(csv).toHaveLength(1 + 150);

  await page.getByLabel('More of Rewards of sampled answers').click();
  const [picture] = await Promise.all([
    page.waitForEvent('download'),
    page.getByLabel('Rewards of sampled answers as PNG').click(),
  ]);
  expect(
    [...readFileSync(await picture.path()).subarray(1, 4)].map((code) => String.fromCharCode(code)),
  ).toEqual(['P', 'N', 'G']);

  // What is drawn changes, what is said does not.
  const before = await pictures(page);
  await page.getByLabel('Smoothing').selectOption('none');
  await page.getByLabel('Log loss axis').check();
  await expect
    .poll(async () => (await pictures(page)).map((data, at) => data !== before[at]))
    // Loss and its axis, rewards, covariances, norms and the cosine are noisy; held-out rates and weights are not averaged.
    .toEqual([true, false, true, false, true, true, true]);
  expect(await said(heldOut)).toEqual(newest);
  await page.close();
});

it('show another run in each of them', async () => {
  const page = await openFake(fake, '?saved&more=1', '[data-action=pin-run]');
  await page.locator('.saved li', { hasText: 'seed 7' }).getByText('Open').click();
  const alone = await settled(page, 7);
  await page.locator('.saved li', { hasText: 'seed 20' }).locator('[data-action=pin-run]').click();
  await page.locator('.behind li').waitFor();
  const beside = await settled(page, 7);
  expect(beside.map((data, at) => data !== alone[at])).toEqual(new Array(7).fill(true));
  await page.close();
});
