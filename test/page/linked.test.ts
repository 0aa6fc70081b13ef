/** A link that shows what came out: shared in one browser, opened in another, which has trained nothing. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { parseLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import { withResult } from '../../src/run/result/resultField';
import { fakePage } from './fakePage';
import { fakePopoSteps, fakeReport } from './fakeTrainer';

const fake = fakePage();

/** Another person's browser: nothing is kept from one to the next. */
async function open(hash: string): Promise<{ page: Page; problems: string[]; close(): Promise<void> }> {
  const context = await fake.browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${fake.url}?speed=400${hash}`);
  await page.waitForSelector('[data-action=train]');
  return { page, problems, close: () => context.close() };
}

const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());
const hashOf = (link: string) => link.slice(link.indexOf('#'));
const rows = (page: Page) =>
  page
    .locator('.linked [aria-label="Results by stage, as the link has them"] tbody tr')
    .evaluateAll((all) => all.map((row) => row.textContent));
/** What each chart of a part of the page says to whoever cannot see it. */
const charts = (page: Page, within: string) =>
  page
    .locator(`${within} .chart-frame`)
    .evaluateAll((all) => all.map((chart) => chart.getAttribute('aria-label')));

it('tells its reader four changes at once, and all of them on request', async () => {
  const config = presetConfig({ preset: 'tiny', version: 1 });
  const changes = [0, 1, 2, 3, 4].map(
    (k) => `popo:${k + 1}:popo.beta:${config.popo.beta + k}:${config.popo.beta + k + 1}`,
  );
  const hash = await withResult(
    `#run=1&preset=tiny&version=1&changes=${changes.join(';')}`,
    fakeReport(config, [], fakePopoSteps(config, config.popo.steps)),
  );
  const { page, problems, close } = await open(hash!);
  await page.waitForSelector('.linked table');
  const told = page.locator('.linked-differs dd > span', { hasText: 'From step' });
  expect(await told.count()).toBe(4);
  expect(await page.textContent('.linked .all-changes summary')).toBe('All 5 changes');
  expect(await page.locator('.linked .all-changes li').last().textContent()).toBe(
    `From step 6 of alignment on: leash to the fine-tuned model ${config.popo.beta + 5}, not ${config.popo.beta + 4}.`,
  );
  expect(problems).toEqual([]);
  await close();
}, 60_000);

it('says that the covariance gauge is missing where its maker’s version did not send one', async () => {
  const config = presetConfig({ preset: 'tiny', version: 1 });
  const steps = fakePopoSteps(config, config.popo.steps).map(
    ({ covariance: _, covarianceWithSum: __, ...step }) => step,
  );
  const hash = await withResult('#run=1&preset=tiny&version=1', fakeReport(config, [], steps));
  const { page, problems, close } = await open(hash!);
  await page.waitForSelector('.linked table');
  expect(await page.textContent('[data-linked=no-gauge]')).toBe(
    'Whether each reward gained is not known: this link carries no covariances of the rewards.',
  );
  expect(await charts(page, '.linked')).toHaveLength(4);
  expect(problems).toEqual([]);
  await close();
}, 60_000);

it('tells changes in words also where it has no result, until something is set or trained', async () => {
  const { page, problems, close } = await open(
    '#run=1&preset=tiny&version=1&changes=popo:4:popo.weighting:popo:fixed;popo:4:popo.beta:0.1:0.3',
  );
  const said = page.locator('[data-notice=changes]');
  await said.waitFor();
  expect(await said.textContent()).toBe(
    'What is set changes on the way. From step 5 of alignment on: weighting fixed, not POPO. From step 5 of alignment on: leash to the fine-tuned model 0.3, not 0.1.',
  );
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=running]');
  expect(await said.count()).toBe(0);
  expect(problems).toEqual([]);
  await close();
}, 60_000);

it('shows its reader the table and the curves before anything is trained, then their own run over it', async () => {
  const maker = await open('#run=1&preset=tiny&seed=9&popo.weighting=fixed');
  await maker.page.click('[data-action=train]');
  await maker.page.waitForSelector('html[data-status=done]');
  await maker.page.click('[data-action=share]');
  await maker.page.waitForSelector('[data-action=share-short]');
  const link = await copied(maker.page);
  await maker.page.click('[data-action=share-short]');
  const short = await copied(maker.page);
  expect(link.startsWith(`${short}&result=`)).toBe(true);
  expect(link.length).toBeLessThanOrEqual(6144);
  expect(parseLink(short)).toMatchObject({ result: null, problem: null });
  const table = await maker.page.evaluate(() => globalThis.taiji!.report()!.table);
  const gained = (await maker.page.textContent('.charts-grid > div > .plot-note'))!.trim();
  expect(maker.problems).toEqual([]);
  await maker.close();

  const { page, problems, close } = await open(hashOf(link));
  await page.waitForSelector('.linked table');
  expect(await page.evaluate(() => globalThis.taiji!.status())).toBe('idle');
  const seen = await rows(page);
  expect(seen.map((text) => text!.replace(/\..*/, ''))).toEqual([
    'Counting',
    'Warm-up',
    'Fine-tuning',
    'Alignment',
  ]);
  // L1 of alignment, and its interval over 1,000 users.
  expect(table.at(-1)!.Category_L1_ACC).toBeCloseTo(0.51, 6);
  expect(seen.at(-1)).toContain('Alignment.510.479–.541');
  const words = (await page.textContent('.linked'))!;
  for (const said of [
    'As its maker’s browser reported it; nobody has checked it.',
    'WebGPU on NVIDIA ada-lovelace',
    'The preset tiny, but: seed 9, not 1; weighting fixed, not POPO.',
    'your run is drawn over theirs',
  ])
    expect(words).toContain(said);
  // By slice: L3 of the seen and the cold, and no column of one's own yet.
  const sliced = page.locator('[aria-label="Results by slice, as the link has them"] tbody tr').last();
  const cells = async () => (await sliced.locator('td').allTextContents()).filter((_, at) => at % 2 === 0);
  await page.locator('.linked details summary', { hasText: 'By slice: seen, composed, cold' }).click();
  expect(await cells()).toEqual(['.360 ± .030', '.240 ± .030', '.337 ± .030']);
  const drawn = await charts(page, '.linked');
  expect(drawn).toHaveLength(5);
  expect(drawn[0]).toMatch(/^Training loss: nats per answer token \d/);
  expect(drawn[1]).toMatch(/L3 0\.\d+, .*CTCVR 0\.\d+$/);
  expect(drawn[2]).toMatch(/semantic 0\.\d+, ID 0\.\d+$/);
  expect(drawn[3]).toBe('Weights: semantic 0.500, ID 0.500');
  expect(drawn[4]).toMatch(/^Does each reward gain\?: semantic −?\d\S*, ID −?\d\S*$/);
  // The very sentence that its maker has beneath the gauge.
  expect(gained).toMatch(/^Within groups .* over the last 20 steps/);
  expect(words).toContain(gained);
  expect(await page.locator('.linked-plane svg').getAttribute('aria-label')).toMatch(
    /^semantic reward against ID reward: at step/,
  );

  await page.click('[data-action=train-here]');
  await page.waitForSelector('html[data-status=done]');
  expect(await page.textContent('.verdict')).toBe(
    'Identical: every loss, reward and metric is the same to the bit.',
  );
  expect(await page.locator('.behind li').allTextContents()).toContain('as the link has it');
  expect(await page.locator('.tradeoff .plot-behind').count()).toBe(1);
  expect(await rows(page)).toEqual(seen);
  expect(await cells()).toEqual(['.360 ± .030here .360', '.240 ± .030here .240', '.337 ± .030here .337']);
  // It has been checked now.
  expect(await page.textContent('.linked .section-head p')).toBe(
    'As its maker’s browser reported it; your own is above.',
  );
  expect(problems).toEqual([]);
  await close();
});

it('says in one sentence that a result cannot be shown, and uses the rest of the link', async () => {
  const { page, problems, close } = await open('#run=1&preset=tiny&seed=9&result=AAAA');
  await page.getByText('The result in this link cannot be shown').waitFor();
  expect(await page.evaluate(() => globalThis.taiji!.config().seed)).toBe(9);
  expect(await page.locator('.linked').count()).toBe(0);
  expect(await page.locator('.hero').count()).toBe(1);
  expect(problems).toEqual([]);
  await close();
});
