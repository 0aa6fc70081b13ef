/** The page as people meet it: every state, light and dark, wide and narrow, through axe and from the keyboard. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type {} from '../../src/app/console';
import { presetConfig } from '../../src/run/presets';
import { withResult } from '../../src/run/result/resultField';
import { fakePage } from './fakePage';
import { fakePopoSteps, fakeReport } from './fakeTrainer';

const fake = fakePage();

const LOG = { name: 'log.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n') };

/** Of a run that is over: whoever opens it sees what came out. */
const config = presetConfig({ preset: 'tiny', version: 1 });
const LINK = await withResult(
  '#run=1&preset=tiny&version=1',
  fakeReport(config, [], fakePopoSteps(config, config.popo.steps)),
);

const STATES: { name: string; query: string; reach(page: Page): Promise<unknown> }[] = [
  { name: 'idle, with saved runs', query: '?saved', reach: (page) => page.waitForSelector('.saved li') },
  {
    name: 'all settings open',
    query: '',
    async reach(page) {
      await page.click('.more');
      await page.waitForSelector('.data');
    },
  },
  {
    name: 'a chat model as the teacher, its address refused',
    query: '',
    async reach(page) {
      await page.click('.more');
      await page.selectOption('select:has(option[value=openai])', 'openai');
      await page.fill('input[type=url]', 'http://192.168.1.5:8000/v1');
      await page.press('input[type=url]', 'Tab');
      await page.waitForSelector('[role=alert]');
    },
  },
  {
    name: 'files that were read with doubts',
    query: '',
    async reach(page) {
      await page.setInputFiles('[data-files=data]', LOG);
      await page.waitForSelector('.preview-found');
      for (const closed of ['45 rows were dropped', 'One user in order'])
        await page.locator('.preview summary', { hasText: closed }).press('Enter');
    },
  },
  {
    name: 'files whose correction is refused',
    query: '',
    async reach(page) {
      await page.setInputFiles('[data-files=data]', LOG);
      await page.locator('select[data-role=item]').selectOption('price');
      await page.waitForSelector('[data-action=undo]');
    },
  },
  {
    name: 'files that could not be read',
    query: '',
    async reach(page) {
      await page.setInputFiles('[data-files=data]', { ...LOG, name: 'bad.csv' });
      await page.locator('select[data-role=item]').waitFor();
    },
  },
  {
    name: 'paused while it aligns',
    query: '?speed=8',
    async reach(page) {
      await page.click('[data-action=train]');
      await page.waitForFunction(() => {
        const popo = taiji!.stages().find(({ name }) => name === 'popo');
        if (popo === undefined || popo.step < 30) return false;
        return taiji!.pause().then(() => true);
      });
      await page.waitForSelector('[data-action=resume]');
    },
  },
  {
    name: 'done',
    query: '?speed=400',
    async reach(page) {
      await page.click('[data-action=train]');
      await page.waitForSelector('html[data-status=done]');
    },
  },
  {
    name: 'one group under the glass, all of it',
    query: '?speed=400',
    async reach(page) {
      await page.click('[data-action=train]');
      await page.waitForSelector('html[data-status=done]');
      await page.click('[data-action=glass]');
      await page.click('[data-action=glass-all]');
      await page.waitForSelector('[data-part="6"]');
    },
  },
  {
    name: 'a link that shows what came out',
    query: `?speed=400${LINK}`,
    reach: (page) => page.waitForSelector('.linked tbody'),
  },
  {
    name: 'a study under way',
    query: '?speed=400',
    async reach(page) {
      await page.click('[data-action=open-study]');
      await page.click('[data-action=study]');
      await page.waitForFunction(() => /^9 of/.test(document.querySelector('.study-status')!.textContent!));
    },
  },
  {
    name: 'failed, without WebGPU',
    query: '?speed=400&fail=popo&backend=cpu',
    async reach(page) {
      await page.click('[data-action=train]');
      await page.waitForSelector('.notice.error');
    },
  },
];

/** Dark is asked of the same page after light: it is the same markup, and what is drawn must follow the system's change. */
const LOOKS = [
  { width: 1280, schemes: ['light', 'dark'] },
  { width: 360, schemes: ['light'] },
] as const;

async function open(
  query: string,
  { width }: (typeof LOOKS)[number],
): Promise<{ page: Page; problems: string[] }> {
  const page = await fake.browser.newPage({
    colorScheme: 'light',
    viewport: { width, height: 800 },
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

describe.each(LOOKS)('$width pixels wide', (look) => {
  it.each(STATES)('has nothing for axe to say, and fits: $name', async ({ query, reach }) => {
    const { page, problems } = await open(query, look);
    await reach(page);
    await page.waitForTimeout(300);
    await page.evaluate(axe.source);
    for (const colorScheme of look.schemes) {
      await page.emulateMedia({ colorScheme });
      expect({ colorScheme, found: await violations(page) }).toEqual({ colorScheme, found: [] });
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    expect(problems).toEqual([]);
    await page.close();
  });
});

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
  const { page } = await open('?speed=1', LOOKS[0]);
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the run');
  // Play, where it is offered, comes before Train.
  const isTrain = () => page.evaluate(() => document.activeElement?.matches('[data-action=train]') === true);
  for (let presses = 0; presses < 3 && !(await isTrain()); presses++) await page.keyboard.press('Tab');
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
