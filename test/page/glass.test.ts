/** One group under the glass, walked through in slow motion from the keyboard; its numbers are the report's. */
import { expect, it } from 'vitest';
import type {} from '../../src/app/console';
import { fakePage } from './fakePage';

const fake = fakePage();

/** As the page writes numbers in formulas. */
const text = (value: number) => value.toFixed(4).replace(/^-/, '−');
const signed = (value: number) => (value < 0 ? text(value) : `+${text(value)}`);

it('walks through a step, with the numbers of its report', async () => {
  const page = await fake.browser.newPage({ reducedMotion: 'reduce' });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${fake.url}?speed=400`);
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
  const steps = await page.evaluate(() => taiji!.report()!.popo.steps);

  await page.click('[data-action=glass]');
  const part = (index: number) => page.waitForSelector(`[data-part="${index}"]`);
  expect(await (await part(0)).textContent()).toContain('oak crib by Nordlo');
  const newest = steps.at(-1)!;
  expect(await page.inputValue('[data-glass=step]')).toBe(String(newest.step + 1));
  // An earlier step, by the slider's own keys; words and numbers are of the same group.
  await page.focus('[data-glass=step]');
  await page.keyboard.press('ArrowLeft');
  const { step, rewards, advantages, weightsBefore, weightsAfter } = steps[steps.length - 2];
  expect(await page.inputValue('[data-glass=step]')).toBe(String(step + 1));
  const prompt = 2;
  expect(await page.locator('[data-glass=prompt] option:checked').textContent()).toBe(
    `Paid most differently: 3 of ${rewards.length}`,
  );

  await page.focus('[data-action=glass-next]');
  await page.keyboard.press('Enter');
  expect(await (await part(1)).textContent()).toContain('called a rollout');
  expect(await page.locator('.glass-answers li').count()).toBe(rewards[prompt].length);
  await page.keyboard.press('Enter');
  await part(2);
  const paid = await page.locator('.glass-table tbody tr').allInnerTexts();
  expect(paid.map((row) => row.split('\t').slice(1))).toEqual(rewards[prompt].map((row) => row.map(text)));
  await page.keyboard.press('ArrowRight');
  await part(3);
  await page.keyboard.press('Enter');
  await part(4);
  expect(await page.locator('[data-advantage]').allInnerTexts()).toEqual(advantages[prompt].map(signed));
  // What stands in the formula comes to what stands beside it.
  const [formula] = await page.locator('.glass-formula').allInnerTexts();
  const [value, mean, std] = /\((\S+) − (\S+)\) \/ \((\S+) \+/.exec(formula)!.slice(1).map(Number);
  expect((value - mean) / (std + 1e-4)).toBeCloseTo(advantages[prompt][0], 2);
  await page.keyboard.press('Enter');
  expect(await (await part(5)).textContent()).toContain(text(weightsBefore[0]));
  expect(await page.locator('[data-weight]').allInnerTexts()).toEqual(weightsAfter.map(text));
  await page.keyboard.press('Enter');
  // How many times as likely each answer is: the product over its pieces, which the hints have in percent.
  const now = await (await part(6)).textContent();
  expect(now).toMatch(/\d of 8 went the way of their advantage\./);
  const answers = page.locator('[data-part="6"] li');
  expect(await answers.count()).toBe(rewards[prompt].length);
  const ratio = Number((await answers.first().locator('output').textContent())!.replace('× ', ''));
  const hints = await answers
    .first()
    .locator('span[title]')
    .evaluateAll((all) => all.map((one) => (one as HTMLElement).title));
  const product = hints.reduce((sum, hint) => {
    const [before, after] = /P = ([\d.]+) %, then ([\d.]+) %/.exec(hint)!.slice(1).map(Number);
    return sum * (after / before);
  }, 1);
  expect(ratio).not.toBe(1);
  expect(ratio / product).toBeCloseTo(1, 2);

  // Any other prompt of the step: its words too, and no measurement.
  await page.selectOption('[data-glass=prompt]', '1');
  expect(await (await part(6)).textContent()).toContain('was not measured at this step');
  await page.click('[data-action=glass-all]');
  expect(await (await part(0)).textContent()).toContain('shopper 1');
  expect(await page.locator('.glass-answers li').count()).toBe(rewards[1].length);
  expect(await page.locator('[data-advantage]').allInnerTexts()).toEqual(advantages[1].map(signed));
  expect(await page.locator('.glass-wordless').count()).toBe(0);
  // Any step before it, with the prompt that was chosen.
  await page.fill('[data-glass=step]', String(steps[3].step + 1));
  await expect
    .poll(() => page.locator('[data-advantage]').allInnerTexts())
    .toEqual(steps[3].advantages[1].map(signed));
  expect(await (await part(0)).textContent()).toContain('shopper 1');
  const said = await page.evaluate(() => taiji!.group(3, 1));
  expect([said?.step, said?.prompt]).toEqual([3, 1]);
  await page.click('[data-action=glass-newest]');
  expect(await page.inputValue('[data-glass=step]')).toBe(String(newest.step + 1));
  expect(problems).toEqual([]);
  await page.close();
}, 120_000);

it('measures the prompt that was chosen from the next step on', async () => {
  const page = await fake.browser.newPage({ reducedMotion: 'reduce' });
  await page.goto(`${fake.url}?speed=20&rest=popo&saved`);
  await page.click('[data-action=train]');
  await page.waitForSelector('.knobs', { timeout: 60_000 });
  await page.click('[data-action=pause]');
  await page.waitForSelector('html[data-status=paused]');
  await page.click('[data-action=glass]');
  await page.click('[data-action=glass-all]');
  const measured = () =>
    page.locator('[data-glass=prompt] option', { hasText: 'measured' }).allTextContents();
  const before = await measured();
  expect(before).toHaveLength(1);
  await page.selectOption('[data-glass=prompt]', '0');
  expect(await page.locator('[data-ratio]').count()).toBe(0);
  await page.click('[data-action=resume]');
  await page.waitForSelector('html[data-status=done]', { timeout: 60_000 });
  await page.click('[data-action=glass-newest]');
  await expect.poll(measured).not.toEqual(before);
  expect(await measured()).toEqual([expect.stringMatching(/^1 of /)]);
  expect(await page.locator('[data-ratio]').count()).toBeGreaterThan(0);
  await page.close();
}, 120_000);

it('has the words of a run that is opened after a reload, of any step and prompt, and says of one from a file that it has none', async () => {
  const page = await fake.browser.newPage({ reducedMotion: 'reduce' });
  await page.goto(`${fake.url}?saved&more=1`);
  const open = (at: number) => page.getByRole('button', { name: 'Open', exact: true }).nth(at).click();
  await open(0);
  await page.waitForSelector('html[data-status=done]');
  await page.click('[data-action=glass]');
  await page.click('[data-action=glass-all]');
  // The one that taught most, without being chosen.
  await page.waitForSelector('.glass-answers li');
  expect(await page.locator('.glass-wordless').count()).toBe(0);
  await page.selectOption('[data-glass=prompt]', '0');
  await expect.poll(() => page.locator('[data-part="0"]').textContent()).toContain('shopper 0');
  await page.fill('[data-glass=step]', '4');
  await page.selectOption('[data-glass=prompt]', '1');
  await expect.poll(() => page.locator('[data-part="0"]').textContent()).toContain('shopper 1');
  expect(await page.locator('[data-part="1"] li').count()).toBeGreaterThan(1);
  expect(await page.locator('.glass-wordless').count()).toBe(0);
  await open(1);
  await page.waitForSelector('.glass-wordless');
  expect(await page.textContent('.glass-wordless')).toContain('not kept, only its numbers');
  expect(await page.textContent('.glass-wordless')).toContain('A file or a link holds none.');
  await page.close();
}, 120_000);
