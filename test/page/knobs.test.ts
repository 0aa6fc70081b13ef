/** Knobs that are turned while alignment goes on, on a trainer that plays a run. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { parseLink } from '../../src/run/link';
import { fakePage } from './fakePage';

const fake = fakePage();

/** A run that rests in the middle of alignment. */
async function resting(settings = '', query = ''): Promise<Page> {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${fake.url}?speed=60&rest=popo${query}#run=1&preset=tiny&version=1${settings}`);
  await page.click('[data-action=train]');
  await page.waitForSelector('.knobs', { timeout: 60_000 });
  await page.click('[data-action=pause]');
  await page.waitForSelector('html[data-status=paused]');
  return page;
}

it('are there once alignment is, take what is set, say so, mark it in the charts, and are in the link', async () => {
  const page = await resting();
  const bar = page.getByRole('slider', { name: /^Weight of the semantic reward/ });
  await bar.fill('0.8');
  // It stays there, though no step has been taken under it.
  await expect.poll(() => bar.inputValue()).toBe('0.8');
  await expect.poll(() => page.locator('.weight-bar').textContent()).toBe('semantic 0.800.20 ID');
  await page.locator('.knobs').getByRole('radio', { name: 'Fixed', exact: true }).check();
  await page.getByText('More knobs').click();
  await page.locator('[data-knob="popo.beta"]').fill('0.3');
  await page.locator('[data-knob="popo.beta"]').press('Tab');
  await page.locator('[data-knob="popo.scale_rewards"]').selectOption('none');
  await expect
    .poll(() => page.locator('.knobs .own-changes li').last().textContent())
    .toMatch(/what an advantage is divided by none, not group\. Undo$/);
  const changes = await page.evaluate(() => globalThis.taiji!.changes());
  expect(changes.map(({ stage, field, to }) => [stage, field, to])).toEqual([
    ['popo', 'popo.reward_weights', [0.8, 0.2]],
    ['popo', 'popo.weighting', 'fixed'],
    ['popo', 'popo.beta', 0.3],
    ['popo', 'popo.scale_rewards', 'none'],
  ]);
  // The three newest are told at a glance, and all of them on request.
  expect(await page.textContent('.knobs .all-changes summary')).toBe('All 4 changes');
  expect(await page.locator('.knobs .all-changes li').count()).toBe(4);
  const link = await page.evaluate(() => globalThis.taiji!.link());
  expect(parseLink(link).changes).toEqual(changes);
  // What the rule does not read any more cannot be turned.
  expect(await page.locator('[data-knob="popo.eta_over_mu"]').isDisabled()).toBe(true);
  await page.close();
}, 90_000);

it('of weights and rules say beneath them why they were refused, in words, and show what holds', async () => {
  const page = await resting('', '&refuse=popo.reward_weights,popo.weighting');
  const bar = page.getByRole('slider', { name: /^Weight of the semantic reward/ });
  const before = await bar.inputValue();
  await bar.fill('0.8');
  await expect
    .poll(() => page.locator('.weight-bars .field-problem').allTextContents())
    .toEqual(['Nothing was changed: “Reward weights” (popo.reward_weights) must stay as it is.']);
  expect(await bar.inputValue()).toBe(before);
  const rules = page.locator('.knobs [role=radiogroup]');
  await rules.getByRole('radio', { name: 'Fixed', exact: true }).click();
  const problem = page.locator('.knobs .segments + .field-problem');
  await expect
    .poll(() => problem.allTextContents())
    .toEqual(['Nothing was changed: “Weighting” (popo.weighting) must stay as it is.']);
  expect(await rules.locator('input:checked').getAttribute('value')).toBe('popo');
  expect(await page.locator('.notice').count()).toBe(0);
  await page.close();
}, 90_000);

it('say under a field why a value was not taken, until one is', async () => {
  const page = await resting();
  await page.getByText('More knobs').click();
  const field = page.locator('label.field', { has: page.locator('[data-knob="popo.temperature"]') });
  const type = async (text: string) => {
    await field.locator('input').fill(text);
    await field.locator('input').press('Tab');
  };
  const problem = field.locator('.field-problem');
  for (const text of ['99', '-1', '0']) {
    await type(text);
    await expect
      .poll(() => problem.allTextContents())
      .toEqual([`Only a number from 0.01 to 10 fits, so ${text} was not taken.`]);
    // What holds is shown.
    expect(await field.locator('input').inputValue()).toBe('1');
  }
  expect(await field.locator('input').getAttribute('aria-invalid')).toBe('true');
  await type('0.7');
  await expect.poll(() => problem.count()).toBe(0);
  expect(await page.locator('.notice.error').count()).toBe(0);
  // One answer is allowed, and its field says what comes of it.
  const alone = page.locator('label.field', { has: page.locator('[data-knob="popo.num_generations"]') });
  await alone.locator('input').fill('1');
  await alone.locator('input').press('Tab');
  await expect
    .poll(() => alone.locator('.field-problem').allTextContents())
    .toEqual(['With one answer to a prompt there is nothing to compare it with: all advantages are 0.']);
  // A program is told what turns what it cannot set.
  await expect(page.evaluate(() => globalThis.taiji!.set('popo.beta=0.3'))).rejects.toThrow(
    'The form is read-only while a run is on: taiji.change turns what can be turned then.',
  );
  await page.close();
}, 90_000);

it('of two lines are turned in turn: the one behind is gone on with while the other rests', async () => {
  const page = await resting('', '&saved');
  const status = () => page.evaluate(() => globalThis.taiji!.status());
  const stands = () => page.locator('.stage.running .stage-time').textContent();
  const at = await stands();
  expect(at).toMatch(/^paused at [1-9]\d*$/);
  await page.click('[data-action=fork]');
  await page.waitForSelector('.behind li');
  await expect.poll(status).toBe('paused');
  // Where it was forked, and not at the stage's beginning.
  await expect.poll(stands).toBe(at);
  // The list offers whatever can be taken up, but not the one on show.
  const resumable = page.locator('[data-action=resume-run]');
  await expect
    .poll(() =>
      resumable.evaluateAll((all) => all.map((button) => (button as HTMLButtonElement).disabled).sort()),
    )
    .toEqual([false, false, true]);
  await page.click('[data-action=continue-line]');
  await expect.poll(status).toBe('running');
  await page.waitForFunction(() => document.querySelector('.stage.running')?.textContent?.includes(' left'));
  expect(await page.locator('[data-action=continue-line]').count()).toBe(0);
  await page.click('[data-action=pause]');
  await expect.poll(status).toBe('paused');
  // The other one is behind now, and can be taken up again.
  await page.click('[data-action=continue-line]');
  await expect.poll(status).toBe('running');
  expect(await page.locator('.behind li').count()).toBe(1);
  expect(
    await page.evaluate(() => globalThis.taiji!.notices().filter(({ level }) => level === 'error')),
  ).toEqual([]);
  await page.close();
}, 90_000);

it.each([
  ['which goes on from just before it', '', 1, 0],
  ['which says so where that state is gone, and comes to it again', '&pointless', 0, 1],
])(
  'are turned back by a second line, %s',
  async (_how, query, undone, notices) => {
    const page = await resting('', `&saved${query}`);
    const set = async (knob: string, value: string) => {
      await page.locator(`[data-knob="${knob}"]`).fill(value);
      await page.locator(`[data-knob="${knob}"]`).press('Tab');
    };
    const undo = page.locator('.own-changes [data-action=undo]');
    await page.getByText('More knobs').click();
    await set('popo.beta', '0.3');
    await set('popo.temperature', '0.7');
    await expect.poll(() => undo.count()).toBe(2);
    const made = await page.evaluate(() => globalThis.taiji!.changes());
    await page.click('[data-action=resume]');
    await page.waitForSelector('html[data-status=done]', { timeout: 60_000 });
    // Also where nothing can be turned any more.
    expect(await page.textContent('.knobs h2')).toBe('Changed on the way');
    await undo.nth(undone).click();
    // Without it and what came later, at rest where it was made, the first line behind it.
    await page.waitForSelector('.behind li');
    await page.waitForSelector('html[data-status=paused]', { timeout: 60_000 });
    await expect
      .poll(() => page.textContent('.stage.running .stage-time'))
      .toBe(`paused at ${made[undone].step}`);
    expect(await page.evaluate(() => globalThis.taiji!.changes())).toEqual(made.slice(0, undone));
    expect(await undo.count()).toBe(undone);
    expect(await page.locator('.notice', { hasText: 'not kept any more' }).count()).toBe(notices);
    await expect(page.evaluate(() => globalThis.taiji!.undo(9))).rejects.toThrow(
      'There is no such change to undo',
    );
    await page.close();
  },
  90_000,
);

it('are told and undone where their mark in a chart is pressed, by hand and by keys', async () => {
  const page = await resting('', '&saved');
  const set = async (knob: string, value: string) => {
    await page.locator(`[data-knob="${knob}"]`).fill(value);
    await page.locator(`[data-knob="${knob}"]`).press('Tab');
  };
  await page.getByText('More knobs').click();
  await set('popo.beta', '0.3');
  await page.click('[data-action=resume]');
  await page.waitForSelector('html[data-status=done]', { timeout: 60_000 });
  const [made] = await page.evaluate(() => globalThis.taiji!.changes());
  const chart = page.locator('.charts figure', { hasText: 'Gradient norms' });
  const slider = chart.getByRole('slider');
  const told = chart.locator('.own-changes');
  expect(await told.count()).toBe(0);
  // From the end back to the mark, which says that there is more to it.
  await slider.focus();
  await page.keyboard.press('Home');
  while ((await slider.getAttribute('aria-description')) === null) await page.keyboard.press('ArrowRight');
  expect(await slider.getAttribute('aria-valuenow')).toBe(String(made.step + 1));
  await page.keyboard.press('Enter');
  await expect.poll(() => told.textContent()).toMatch(new RegExp(`step ${made.step + 1} .*0.3.* Undo$`));
  await page.keyboard.press('Escape');
  await expect.poll(() => told.count()).toBe(0);
  // By hand: at the mark, and not far from it.
  const over = (await chart.locator('.u-over').boundingBox())!;
  await page.mouse.click(over.x + over.width - 2, over.y + 20);
  expect(await told.count()).toBe(0);
  await page.keyboard.press('Home');
  while ((await slider.getAttribute('aria-description')) === null) await page.keyboard.press('ArrowRight');
  const cursor = (await chart.locator('.u-cursor-x').boundingBox())!;
  await page.mouse.click(cursor.x + 4, over.y + 20);
  await expect.poll(() => told.count()).toBe(1);
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('data-action'))).toBe('undo');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.behind li');
  await page.waitForSelector('html[data-status=paused]', { timeout: 60_000 });
  await expect.poll(() => page.textContent('.stage.running .stage-time')).toBe(`paused at ${made.step}`);
  expect(await page.evaluate(() => globalThis.taiji!.changes())).toEqual([]);
  await page.close();
}, 90_000);

it('set three weights at once in a triangle', async () => {
  const page = await resting('&popo.rewards=semantic,id,novelty&popo.reward_weights=0.4,0.4,0.2');
  const triangle = page.locator('.weight-triangle');
  const sides = await triangle.locator('polygon').boundingBox();
  const { x, y, width, height } = sides!;
  // To the corner on the lower right, and from there to the middle of the side beneath.
  await page.mouse.move(x + width / 2, y + (2 * height) / 3);
  await page.mouse.down();
  await page.mouse.move(x + width, y + height, { steps: 4 });
  await expect.poll(() => triangle.textContent()).toBe('semantic 0.00ID 0.00novelty 1.00');
  expect(await page.evaluate(() => globalThis.taiji!.changes())).toEqual([]);
  await page.mouse.move(x + width / 2, y + height, { steps: 4 });
  await page.mouse.up();
  const [change] = await expect
    .poll(() => page.evaluate(() => globalThis.taiji!.changes()))
    .toHaveLength(1)
    .then(() => page.evaluate(() => globalThis.taiji!.changes()));
  expect(change.field).toBe('popo.reward_weights');
  [0, 0.5, 0.5].forEach((weight, k) => {
    expect((change.to as number[])[k]).toBeCloseTo(weight, 1);
  });
  // The bars beneath are the same weights.
  const bar = page.getByRole('slider', { name: /^Weight of the novelty reward/ });
  await expect.poll(async () => Number(await bar.inputValue())).toBeCloseTo(0.5, 1);
  await page.close();
}, 90_000);

it('are gone when alignment is over', async () => {
  const page = await resting();
  await page.click('[data-action=resume]');
  await page.waitForSelector('html[data-status=done]', { timeout: 60_000 });
  expect(await page.locator('.knobs').count()).toBe(0);
  await page.close();
}, 90_000);

it('of an earlier stage are there where it rests, and a run is forked before any stage that it has begun', async () => {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${fake.url}?saved&speed=60&rest=sft#run=1&preset=tiny&version=1`);
  await page.click('[data-action=train]');
  await page.waitForFunction(() =>
    globalThis.taiji!.stages().some(({ name, step }) => name === 'sft' && step > 0),
  );
  expect(await page.locator('.knobs').count()).toBe(0);
  expect(await page.locator('.fork-before').count()).toBe(0);
  await page.click('[data-action=pause]');
  await page.waitForSelector('html[data-status=paused]');
  expect(
    await page.locator('.knobs [data-knob]').evaluateAll((all) => all.map(({ dataset }) => dataset.knob)),
  ).toEqual(['sft.learning_rate']);
  const points = page.locator('[data-action=fork-point] option');
  expect(await points.allTextContents()).toEqual(['Warm-up', 'Reasoning', 'Rejection', 'Fine-tuning']);
  const id = await page.evaluate(() => globalThis.taiji!.savedRuns().length);
  expect(id).toBeGreaterThan(0);
  await page.selectOption('[data-action=fork-point]', 'orft');
  await page.click('[data-action=fork-before]');
  await expect.poll(() => page.evaluate(() => document.documentElement.dataset.forked)).toMatch(/^orft \S+$/);
  // The first line is behind the second.
  await page.waitForSelector('.behind li');
  await page.close();
}, 90_000);
