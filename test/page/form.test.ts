/** The form takes bounds, words and what is disabled from the fields' entries. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fieldAt, shownIn, wordsOf } from '../../src/run/fields/paths';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();

async function open(link: string): Promise<Page> {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${fake.url}?speed=400#run=1&preset=tiny${link}`);
  await page.click('.more');
  await page.waitForSelector('.data');
  return page;
}

/** The fields of a group in their order: what a person reads, and what the control takes. */
const fieldsOf = (page: Page, title: string) =>
  page
    .locator('.group', { has: page.locator('h2', { hasText: title }) })
    .locator('label.field, label.check')
    .evaluateAll((labels) =>
      labels.map((label) => {
        const control = label.querySelector('input, select');
        const { min, max, step } = control instanceof HTMLInputElement ? control : {};
        const options =
          control instanceof HTMLSelectElement ? [...control.options].map(({ value }) => value) : [];
        return {
          words: label.querySelector('span:has(small)')?.textContent,
          ...(options.length > 0
            ? { options }
            : control?.getAttribute('type') === 'number'
              ? { min, max, step }
              : {}),
        };
      }),
    );

it('shows of each field what its entry says, in its order', async () => {
  const page = await open('&popo.num_iterations=2');
  for (const [group, title] of [
    ['alignment', 'Alignment'],
    ['ranking', 'Ranking'],
  ] as const) {
    const wanted = shownIn(group)
      .filter((path) => path !== 'popo.rewards')
      .map((path) => {
        const { label, hint } = wordsOf(path);
        const { control } = fieldAt(path).kind;
        const words = path === 'popo.reward_weights' ? `${label} semantic, ${hint}` : `${label} ${hint}`;
        if (control.type === 'choice') return { words, options: [...control.options] };
        if (control.type !== 'number') return { words };
        const [min, max] = [String(control.low), String(control.high)];
        return { words, min, max, step: control.whole ? '1' : 'any' };
      });
    expect(await fieldsOf(page, title)).toEqual(wanted);
  }
  await page.close();
});

it('disables what a run would not read, and says why', async () => {
  const page = await open('');
  const eta = page.getByLabel('eta_over_mu');
  const reason = () => page.locator('label', { has: eta }).getAttribute('title');
  expect([await eta.isEnabled(), await reason()]).toEqual([true, null]);
  await page.getByLabel('Weighting').selectOption('fixed');
  expect([await eta.isDisabled(), await reason()]).toEqual([
    true,
    fieldAt('popo.eta_over_mu').appliesWhen?.reason,
  ]);
  expect(await page.getByLabel('aggregation').isEnabled()).toBe(true);
  await page.getByLabel('Weighting').selectOption('mgda');
  expect(await page.getByLabel('aggregation').isDisabled()).toBe(true);
  expect(await page.getByLabel('bits').isEnabled()).toBe(true);
  await page.getByLabel('users Newcomers').fill('0');
  await page.getByLabel('users Newcomers').press('Tab');
  expect(await page.getByLabel('bits').isDisabled()).toBe(true);
  await page.selectOption('select:has(option[value=openai])', 'file');
  expect(await page.getByLabel('Teacher is told').isDisabled()).toBe(true);
  await page.close();
});

it('sets fields within their bounds, and puts back what does not fit', async () => {
  const page = await open('&popo.num_iterations=2');
  const enter = async (label: string, value: string) => {
    const field = page.getByLabel(label);
    await field.fill(value);
    await field.press('Tab');
    return field.inputValue();
  };
  expect(await enter('epsilon', '0.3')).toBe('0.3');
  expect(await enter('num_generations', '65')).toBe('8');
  expect(await enter('num_generations', '2.5')).toBe('8');
  expect(await enter('num_generations', '64')).toBe('64');
  expect(await enter('beta', '-1')).toBe('0.1');
  expect(await enter('Seed', '4294967296')).toBe('1');
  expect(await enter('Seed', '4294967295')).toBe('4294967295');
  await page.getByLabel('Keep reasoning below').selectOption('a number');
  expect(await page.getByLabel('perplexity').inputValue()).toBe('4.6');
  await page.getByLabel('Fine-tune on reasoning').uncheck();
  await page.getByLabel('loss_type').selectOption('dapo');
  const changed = (await page.locator('.diff code').allTextContents()).map((text) => text.trim());
  expect(changed).toEqual([
    'seed = 4294967295',
    'orft.threshold = 4.6',
    'sft.cot = false',
    'popo.num_generations = 64',
    'popo.epsilon = 0.3',
    'popo.epsilon_high = 0.3',
    'popo.num_iterations = 2',
    'popo.loss_type = dapo',
  ]);
  await page.getByLabel('Keep reasoning below').selectOption('median');
  expect(await page.getByLabel('perplexity').count()).toBe(0);
  await page.close();
});

it('sizes a run to data that were just added, under every weighting, and offers that again', async () => {
  const page = await openFake(fake, '', '[data-action=train]');
  const preset = page.locator('.setup').getByLabel('Preset');
  expect(await preset.locator('option').first().getAttribute('value')).toBe('tiny');
  await page.click('.more');
  await page.setInputFiles('[data-files=data]', {
    name: 'sure.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('a,b\n'),
  });
  await page.click('[data-action=use]');
  await expect.poll(() => preset.inputValue()).toBe('auto');
  expect(await preset.locator('option').first().textContent()).toMatch(
    /^Auto · (tiny|small|base), sized to your data$/,
  );
  await page.locator('.setup').getByLabel('Weighting').selectOption('conditioned');
  expect(await preset.inputValue()).not.toBe('');
  await preset.selectOption('large');
  expect(await preset.inputValue()).toBe('large');
  await preset.selectOption('auto');
  await expect.poll(() => preset.inputValue()).toBe('auto');
  await page.close();
});
