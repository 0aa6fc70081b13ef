/** What the page says where training runs away, on a trainer that plays it: the curve, and a choice that is a person's. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fakePage } from './fakePage';

const fake = fakePage();

async function runaway(width = 1280): Promise<Page> {
  const page = await fake.browser.newPage({ viewport: { width, height: 800 } });
  await page.goto(`${fake.url}?speed=100&diverge=sft`);
  await page.click('[data-action=train]');
  await page.waitForSelector('[data-decide]');
  return page;
}

it('pauses, shows the curve, and goes on when that is chosen', async () => {
  const page = await runaway();
  const notice = page.locator('[data-notice=divergence]');
  expect(await page.getAttribute('html', 'data-status')).toBe('paused');
  expect(await notice.textContent()).toMatch(
    /may be running away\. The loss is far above where it has been: .* after step \d+ of fine-tuning/,
  );
  expect(await notice.locator('svg polyline').getAttribute('points')).toMatch(/^[\d., ]+$/);
  expect(await notice.locator('svg').getAttribute('aria-label')).toMatch(
    /^From .* at step 1 to .* at step \d+$/,
  );
  expect(await notice.getByRole('button').allTextContents()).toEqual(['Go back', 'Go on', 'Stop']);
  await notice.getByRole('button', { name: 'Go on' }).click();
  await page.waitForSelector('html[data-status=done]');
  expect(await notice.count()).toBe(0);
  await page.close();
});

it('says of a run that was stopped why, and offers to go back or on instead of resuming it', async () => {
  const page = await runaway();
  await page.click('[data-decide=stop]');
  const notice = page.locator('[data-notice=divergence]');
  await notice.getByText('was stopped, because it may be running away.').waitFor();
  expect(await notice.textContent()).toMatch(/seed 1, was stopped.*The loss is far above where it has been/);
  expect(await notice.getByRole('button').allTextContents()).toEqual(['Go back', 'Go on', 'Not now']);
  const row = page.locator('.saved li');
  expect(await row.textContent()).toMatch(
    /stopped at step \d+ of fine-tuning, because it may be running away/,
  );
  expect(await row.locator('[data-action=resume-run]').count()).toBe(0);
  await notice.getByRole('button', { name: 'Not now' }).click();
  expect(await notice.count()).toBe(0);
  await row.locator('[data-action=go-on-run]').click();
  await page.waitForSelector('html[data-status=done]');
  await page.close();
});

it('stops when that is chosen, and what was drawn stays; a narrow page holds the question', async () => {
  const page = await runaway(360);
  const { scroll, own } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    own: document.querySelector('[data-notice=divergence]')!.getBoundingClientRect().right,
  }));
  expect(scroll).toBeLessThanOrEqual(360);
  expect(own).toBeLessThanOrEqual(360);
  await page.click('[data-decide=stop]');
  await page.waitForSelector('html[data-status=idle]');
  expect(await page.locator('#charts-title').count()).toBe(1);
  await page.close();
});
