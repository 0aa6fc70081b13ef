/** Every state of the page that somebody should look at, with the way there: for axe, and for `npm run screenshots`. */
import type { Page } from 'playwright-core';
import type {} from '../../src/app/console';
import { presetConfig } from '../../src/run/presets';
import { RECORDINGS } from '../../src/run/recordings';
import { withResult } from '../../src/run/result/resultField';
import { fakePopoSteps, fakeReport } from './fakeTrainer';

const LOG = { name: 'log.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n') };

/** Of a run that is over: whoever opens it sees what came out. */
const config = presetConfig({ preset: 'tiny', version: 1 });
const LINK = await withResult(
  '#run=1&preset=tiny&version=1',
  fakeReport(config, [], fakePopoSteps(config, config.popo.steps)),
);

export interface PageState {
  name: string;
  /** Of the page on a trainer that plays a run (fake.tsx). */
  query: string;
  reach(page: Page): Promise<unknown>;
}

/** Trains to the end. */
async function train(page: Page): Promise<void> {
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
}

/** Rests in the middle of alignment, with what can be turned. */
async function align(page: Page): Promise<void> {
  await page.click('[data-action=train]');
  await page.waitForSelector('.knobs');
  await page.click('[data-action=pause]');
  await page.waitForSelector('html[data-status=paused]');
}

/** The panel in which models are asked, with a run to ask. */
async function askOf(page: Page, run: string): Promise<void> {
  await page.click('[data-action=ask-open]');
  await page.waitForSelector('.ask-chip');
  await page.selectOption('[data-ask=run]', run);
  await page.waitForFunction(() => !document.querySelector('[data-ask=run]')?.hasAttribute('disabled'));
  await page.click('.ask [data-action=ask]');
  await page.waitForSelector('.ask-grid h3');
}

export const STATES: PageState[] = [
  { name: 'as a stranger finds it', query: '', reach: (page) => page.waitForSelector('.world-card') },
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
    reach: train,
  },
  {
    name: 'the knobs of two rewards, all of them',
    query: '?speed=60&rest=popo',
    async reach(page) {
      await align(page);
      await page.getByText('More knobs').click();
    },
  },
  {
    name: 'three weights in a triangle',
    query:
      '?speed=60&rest=popo#run=1&preset=tiny&version=1&popo.rewards=semantic,id,novelty&popo.reward_weights=0.4,0.4,0.2',
    async reach(page) {
      await align(page);
      await page.waitForSelector('.weight-triangle');
    },
  },
  {
    name: 'a fork, with the line that it left behind it',
    query: '?saved&speed=60&rest=popo',
    async reach(page) {
      await align(page);
      await page.click('[data-action=fork]');
      await page.waitForSelector('.behind li');
    },
  },
  {
    name: 'one that runs away',
    query: '?speed=100&diverge=sft',
    async reach(page) {
      await page.click('[data-action=train]');
      await page.waitForSelector('[data-decide]');
    },
  },
  {
    name: 'a chart with its menu and its numbers',
    query: '?speed=400',
    async reach(page) {
      await train(page);
      await page.getByLabel('More of Held-out users').click();
      await page.getByLabel('Numbers of Held-out users').click();
    },
  },
  {
    name: 'one conditioned run, with its front',
    query: '?speed=400#run=1&preset=tiny&version=1&popo.weighting=conditioned&popo.keep=last',
    reach: train,
  },
  {
    name: 'three rewards, done',
    query:
      '?speed=400#run=1&preset=tiny&version=1&popo.rewards=semantic,id,novelty&popo.reward_weights=0.4,0.4,0.2',
    reach: train,
  },
  {
    name: 'a result to share',
    query: '?speed=400',
    async reach(page) {
      await train(page);
      await page.click('[data-action=share]');
    },
  },
  {
    name: 'the keys',
    query: '',
    async reach(page) {
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    },
  },
  {
    name: 'what is kept on this device, before something is deleted',
    query: '?saved',
    async reach(page) {
      await page.click('[data-action=storage]');
      await page.waitForSelector('.storage li');
      await page.locator('.storage li').first().getByRole('button').first().click();
      await page.waitForSelector('.storage-asked');
    },
  },
  {
    name: 'four runs pinned and compared',
    query: '?saved&more=3',
    async reach(page) {
      const pins = page.locator('[data-action=pin-run]');
      await pins.first().waitFor();
      for (let at = 0; at < 4; at++) {
        await pins.nth(at).click();
        await page.waitForFunction(
          (count) => document.querySelectorAll('[data-action=pin-run][aria-pressed=true]').length === count,
          at + 1,
        );
      }
      await page.locator('.saved li', { hasText: 'seed 7' }).getByText('Open').click();
      await page.waitForSelector('#compare-title');
    },
  },
  {
    name: 'models that are asked, and mixed along the trade-off',
    query: '?saved=1',
    async reach(page) {
      await page.click('[data-action=ask-open]');
      await page.waitForSelector('.ask-chip');
      await page.click('.ask [data-action=ask]');
      await page.waitForSelector('[data-card=mix]');
      await page.click('[data-ask=share-curve]');
      await page.waitForSelector('.ask-curve figcaption');
    },
  },
  {
    name: 'a conditioned run that is asked along its front',
    query: '?saved=1',
    reach: (page) => askOf(page, 'b'),
  },
  {
    name: 'a link that cannot be read',
    query: '#run=1&preset=enormous',
    reach: (page) => page.waitForSelector('.notice'),
  },
  {
    name: 'one group under the glass, all of it',
    query: '?speed=400',
    async reach(page) {
      await train(page);
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
    name: 'a recorded run in its midst, without WebGPU',
    query: '?backend=cpu',
    async reach(page) {
      await page.route('**/recorded/*', (route) => route.fulfill({ path: `public/${RECORDINGS[0].file}` }));
      await page.click('.controls [data-action=watch]');
      await page.waitForSelector('.transport');
      await page.locator('[data-recording=step]').fill('40');
      await page.waitForSelector('.samples');
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
