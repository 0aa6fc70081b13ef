/** What the page says of a run, on a trainer that plays one: read by the run's settings, whatever the form says by then. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
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

async function train(page: Page): Promise<void> {
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
}

const titles = (page: Page) => page.locator('.chart-title').allTextContents();

it('keeps its words when the form moves on', async () => {
  const { page, problems } = await open('?speed=400');
  await train(page);
  const read = async () => ({
    protocol: await page.locator('.table-section').first().locator('.protocol').last().textContent(),
    meters: await page.locator('.sample').last().locator('dt').allTextContents(),
    sample: await page.locator('.sample h3').last().textContent(),
    charts: await titles(page),
  });
  const before = await read();
  expect(before.protocol).toContain('which the generated marketplace knows');
  expect(before.meters).toEqual(['semantic', 'ID']);
  expect(before.sample).toMatch(/^With POPO/);
  await page.click('.more');
  await page.getByLabel('semantic', { exact: true }).uncheck();
  await page.getByLabel('novelty', { exact: true }).check();
  await page.getByLabel('Weighting').selectOption('fixed');
  expect(await read()).toEqual(before);
  expect(problems).toEqual([]);
  await page.close();
});

it('says who wins, the model or recommenders without language, and shows both', async () => {
  const { page, problems } = await open('?speed=400');
  await train(page);
  const section = page.locator('.table-section', { has: page.locator('#baselines-title') });
  await section.locator('table').waitFor();
  expect(await page.locator('[data-alignment]').textContent()).toBe(
    'What alignment changed is within chance for 1\u202f000 users.',
  );
  expect(await section.locator('tbody th').allTextContents()).toEqual([
    'The model, Alignment',
    'Counting',
    'Popularity',
    'EASE',
  ]);
  const words = await section.locator('.section-head p').textContent();
  expect(words).toContain('the model is below EASE, the best of them: .300 against .350');
  expect(words).toContain('the model is above all of them, .337 against .250 of EASE');
  expect(words).toContain('the model for taste, EASE for meaning.');
  expect(await section.locator('tbody tr').last().locator('.down').textContent()).toBe('−.050 ± .030');
  expect(await section.locator('.protocol').last().textContent()).toContain('Left out, because');
  expect(await section.locator('.protocol').last().textContent()).toContain(
    'SASRec, often the strongest, was not asked',
  );
  expect(problems).toEqual([]);
  await page.close();
});

it('draws three rewards, their pulls, and lets each weight be set', async () => {
  const three =
    'popo.rewards=semantic,novelty,format&popo.reward_weights=0.5,0.25,0.25&orft.threshold=margin';
  const { page, problems } = await open(`?speed=400#run=1&preset=tiny&${three}`);
  await page.click('.more');
  await page.getByLabel('Weight of semantic').fill('0.2');
  await page.getByLabel('Weight of semantic').press('Tab');
  expect(await page.getByLabel('Weight of novelty').inputValue()).toBe('0.4');
  await train(page);
  expect(await titles(page)).toContain('Shares of the pull, w·σ');
  const plot = (await page.locator('.tradeoff-plot').getAttribute('aria-label'))!;
  expect(plot).toMatch(/^semantic reward against novelty reward: at step \d+/);
  expect(await page.locator('.orft').textContent()).toContain('No cut is drawn');
  expect(await page.locator('.histogram .cut').count()).toBe(0);
  expect(problems).toEqual([]);
  await page.close();
});

it('says that one reward has no trade-off, and shows and takes a perplexity to reject by', async () => {
  const one = 'popo.rewards=id&popo.reward_weights=1&orft.threshold=3.2';
  const { page, problems } = await open(`?speed=400#run=1&preset=tiny&${one}`);
  await page.click('.more');
  const field = page.getByLabel('perplexity');
  expect(await field.inputValue()).toBe('3.2');
  await field.fill('7.5');
  await field.press('Tab');
  expect(await page.locator('.diff').textContent()).toContain('orft.threshold = 7.5');
  await train(page);
  await page.locator('.tradeoff').getByLabel('Rewards').check();
  expect(await page.locator('.tradeoff').textContent()).toContain('one reward, so there is nothing to trade');
  expect(problems).toEqual([]);
  await page.close();
});

it('opens a kept report whole, and deletes only when asked twice', async () => {
  const { page, problems } = await open('?saved');
  const runs = page.locator('.saved li');
  expect(await page.locator('.saved .section-head p').textContent()).toBe(
    'With your data, 48 MB of the 10.7 GB that the browser allows. The browser may delete it when the disk is full.',
  );
  await runs.nth(1).getByText('Open').click();
  await page.waitForSelector('#ranking-title');
  const heldOut = await page.locator('.chart-frame[aria-label^="Held-out users"]').getAttribute('aria-label');
  expect(heldOut).toMatch(/L1 0\.\d+, L3 0\.\d+, Title@50 0\.\d+, CTCVR 0\.\d+$/);
  expect(await page.locator('.gauges div', { hasText: 'Distinct answers' }).locator('polyline').count()).toBe(
    1,
  );
  expect(await page.locator('.stage-found').textContent()).toBe(
    'AUC, held out: CTR 0.70, CVR 0.61, CTCVR 0.70',
  );

  const remove = runs.first().locator('button').last();
  await remove.click();
  expect(await remove.textContent()).toBe('Delete this run?');
  await page.keyboard.press('Escape');
  expect(await remove.textContent()).toBe('Delete');
  await remove.dblclick();
  expect(await runs.count()).toBe(2);
  await page.locator('h1').click();
  await remove.press('Enter');
  await remove.press('Enter');
  await expect.poll(() => runs.count()).toBe(1);

  await page.click('.more');
  await page.selectOption('select:has(option[value=openai])', 'openai');
  const answers = page.getByText('Delete the answers kept on this device');
  await answers.click();
  expect(await page.getByRole('button', { name: 'Delete 240 answers?' }).count()).toBe(1);
  expect(problems).toEqual([]);
  await page.close();
});
