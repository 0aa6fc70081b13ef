/** A recorded run, on the page as it is deployed, where the browser has no WebGPU: every panel at any step, and nothing pretended. */
import { readFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import type {} from '../../src/app/console';
import { short } from '../../src/app/words/format';
import { unpackRecording } from '../../src/run/recording';
import { RECORDINGS } from '../../src/run/recordings';
import { fakePage } from './fakePage';

const fake = fakePage();
const [{ file, bytes, aligned }] = RECORDINGS;
const packed = new Uint8Array(readFileSync(`public/${file}`));
const { events, ...about } = await unpackRecording(packed);

const table = events.flatMap((event) => (event.type === 'metrics' ? [event.row] : []));
const steps = events.flatMap((event) => (event.type === 'popo' ? [event.step] : []));
const groups = events.flatMap((event) => (event.type === 'group' ? [event.group] : []));
const rate = (value: number) => value.toFixed(3).replace(/^0/, '');

async function open(): Promise<{ page: Page; problems: string[] }> {
  const page = await fake.browser.newPage({
    viewport: { width: 360, height: 800 },
    colorScheme: 'dark',
    reducedMotion: 'reduce',
  });
  await page.addInitScript(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(inject('pageUrl'));
  // What stands out where nothing trains fast.
  await page.waitForSelector('.controls .primary[data-action=watch]', { timeout: 60_000 });
  return { page, problems };
}

it('is offered a moment after the page is there, and moves no button under a finger', async () => {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'gpu', { value: undefined });
    const places: string[] = [];
    Object.assign(globalThis, { places });
    const look = () => {
      const train = document.querySelector('[data-action=train]')?.getBoundingClientRect();
      if (train !== undefined) places.push(`${train.left} ${train.top}`);
      requestAnimationFrame(look);
    };
    look();
  });
  await page.goto(inject('pageUrl'));
  await page.waitForSelector('.controls .primary[data-action=watch]', { timeout: 60_000 });
  const places = await page.evaluate(() => (globalThis as unknown as { places: string[] }).places);
  expect(places.length).toBeGreaterThan(2);
  expect([...new Set(places)]).toHaveLength(1);
  await page.close();
}, 120_000);

const rows = (page: Page) =>
  page.locator('[aria-label="Results by stage"] tbody tr').evaluateAll((all) =>
    all.map((row) => ({
      stage: row.querySelector('th')!.textContent!,
      l3: row.querySelectorAll('td')[2].firstChild!.textContent!,
    })),
  );

it('is watched without WebGPU: its numbers, one step’s weights and group, and then one’s own training', async () => {
  const { page, problems } = await open();
  await page.click('[data-action=watch]');
  await page.waitForSelector('.transport');
  // Where motion is not wanted it rests at its end; the keyboard is where it goes on.
  const slider = page.locator('[data-recording=step]');
  expect(await slider.inputValue()).toBe(String(steps.length));
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Play again');
  await expect.poll(async () => (await rows(page)).length).toBe(4);
  const told = await rows(page);
  expect(told.slice(1).map(({ l3 }) => l3)).toEqual(table.map((row) => rate(row.Category_L3_ACC)));
  await page.waitForSelector('[aria-labelledby=baselines-title]');

  const said = (await page.textContent('.recorded'))!;
  for (const words of ['This device trains nothing now', 'seed 7', about.app, about.device.description])
    expect(said).toContain(words);

  await slider.press('Home');
  expect(await rows(page)).toHaveLength(2);
  for (let press = 0; press < 3; press++) await slider.press('ArrowRight');
  expect(await slider.getAttribute('aria-valuetext')).toBe(`3 of ${steps.length} steps taken`);
  const weights = page.locator('.chart', { hasText: 'Weights' }).first().getByRole('slider');
  const [semantic, id] = steps[2].weightsAfter;
  await expect
    .poll(() => weights.getAttribute('aria-label'))
    .toMatch(new RegExp(`^Weights: semantic ${short(semantic)}, ID ${short(id)}`));
  await page.click('[data-action=glass]');
  expect(await page.inputValue('[data-glass=step]')).toBe('3');
  expect(await page.locator('[data-glass=prompt] option:checked').textContent()).toContain(
    `: ${groups[2].prompt + 1} of `,
  );
  const [, newest] = groups[2].text.split('<sep>').map((part) => part.trim());
  expect(await page.textContent('[data-part="0"]')).toContain(newest);

  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    return (await axe.run(document)).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
  expect(found).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  const own = () => page.evaluate(() => [taiji!.status(), taiji!.report(), taiji!.savedRuns().length]);
  expect(await own()).toEqual(['idle', null, 0]);

  // The model that alignment began with lies beside the page, and may be that it ended with; they answer without a GPU.
  await page.click('[data-action=ask-recorded]');
  await page.waitForSelector('[data-action=ask-open]:focus');
  expect(await own()).toEqual(['idle', null, 1]);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-action=ask]:enabled');
  await page.click('[data-action=ask]');
  await page.waitForSelector('.ask-grid .ask-answer', { timeout: 60_000 });
  await page.waitForSelector('.ask[data-working=false]');
  expect(await page.locator('.ask-grid h3').allTextContents()).toEqual(
    aligned === undefined ? ['After fine-tuning'] : ['After fine-tuning', `With POPO, step ${steps.length}`],
  );
  expect(await page.textContent('.ask-answer b')).not.toBe('(no answer)');
  expect(await page.locator('.transport').count()).toBe(1);

  await page.click('[data-action=train-recorded]');
  await page.waitForSelector('.notice.info');
  expect(await page.textContent('.notices')).toContain('This link came with the fingerprint of a run.');
  expect(await page.inputValue('.seed input')).toBe('7');
  expect(await page.locator('.transport, .recorded, [aria-label="Results by stage"]').count()).toBe(0);
  expect(problems).toEqual([]);
  await page.close();
});

it('is refused in one sentence where its file came damaged, and can be asked for again', async () => {
  const { page, problems } = await open();
  const hurt = Buffer.from(packed);
  hurt[1000] ^= 1;
  await page.route('**/recorded/*', (route) => route.fulfill({ body: hurt }));
  await page.click('[data-action=watch]');
  await page.waitForSelector('.notice.error');
  expect(await page.textContent('.notice.error')).toContain(
    `There is no recording to watch: ${file} came damaged, or is of another version of the page (${bytes} bytes, not the ${bytes} that were wanted).`,
  );
  await page.unroute('**/recorded/*');
  await page.click('[data-action=watch]');
  await page.click('[data-action=recording-play]');
  await page.click('[data-action=recording-pause]');
  await page.click('[data-action=close-recording]');
  await page.waitForSelector('.hero');
  expect(await page.locator('[data-action=watch]').count()).toBe(1);
  expect(problems).toEqual([]);
  await page.close();
});
