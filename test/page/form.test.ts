/** The form takes bounds, words and what is disabled from the fields' entries. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { GROUPS } from '../../src/app/form/fieldTable';
import { LABELS } from '../../src/app/words/fieldLabels';
import { fieldAt } from '../../src/run/fields/paths';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();

async function open(link: string): Promise<Page> {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${fake.url}?speed=400#run=1&preset=tiny${link}`);
  await page.click('.more');
  await page.waitForSelector('.data');
  return page;
}

/** A field's control behind More. */
const control = (page: Page, path: string) =>
  page.locator(`[data-field="${path}"]`).locator('input, select').first();

it('shows of each field its words beside its name, and what its entry takes, by stage', async () => {
  const page = await open('&popo.num_iterations=2');
  expect(
    await page
      .locator('details.group h2')
      .evaluateAll((all) => all.map((h2) => h2.firstChild?.nodeValue?.trim())),
  ).toEqual(GROUPS.map(({ title }) => title));
  for (const { title, paths } of GROUPS) {
    const group = page.locator('details.group', { has: page.locator('h2', { hasText: title }) });
    const shown = await group.locator('.knob').evaluateAll((knobs) =>
      knobs.map((knob) => {
        const [label] = knob.querySelectorAll('span:has(code), label > span');
        const control = knob.querySelector('input, select');
        return {
          path: (knob as HTMLElement).dataset.field,
          words: label?.firstChild?.nodeValue,
          name: label?.querySelector('code')?.textContent,
          ...(control instanceof HTMLSelectElement
            ? { options: [...control.options].map(({ value }) => value) }
            : control instanceof HTMLInputElement && control.type === 'number'
              ? { min: control.min, max: control.max, step: control.step }
              : {}),
        };
      }),
    );
    expect(shown.map(({ path }) => path)).toEqual(paths);
    for (const { path, words, name, ...rest } of shown) {
      const own = path as (typeof paths)[number];
      if (own === 'popo.reward_weights' || own === 'rupr.teacher') continue;
      expect([words, name]).toEqual([LABELS[own], own.slice(own.lastIndexOf('.') + 1)]);
      const { control: kind } = fieldAt(own).kind;
      if (kind.type === 'choice') expect(rest, own).toEqual({ options: [...kind.options] });
      if (kind.type === 'number')
        expect(rest, own).toEqual({
          min: String(kind.low),
          max: String(kind.high),
          step: kind.whole ? '1' : 'any',
        });
    }
  }
  await page.close();
});

it('finds settings by words, name and help, tells what differs, and undoes it at a press', async () => {
  const page = await open('');
  const shown = () =>
    page.locator('.knob').evaluateAll((all) => all.map((knob) => (knob as HTMLElement).dataset.field));
  const search = page.getByLabel('Find a setting');
  await search.fill('leash');
  expect(await shown()).toEqual(['popo.beta']);
  await search.fill('num_generations');
  expect(await shown()).toEqual(['popo.num_generations']);
  // In neither words nor name: “how well it holds to the fine-tuned model” stands in the reference alone.
  await search.fill('popularity alone earns nothing');
  await expect.poll(shown).toEqual(['ranker.reward']);
  await search.fill('no such thing');
  expect(await page.locator('#more [role=status]').first().textContent()).toBe(
    'No setting is found by these words.',
  );
  await search.fill('');
  await control(page, 'popo.beta').fill('0.3');
  await control(page, 'popo.beta').press('Tab');
  await page.getByLabel('Only what differs').check();
  expect(await shown()).toEqual(['popo.beta']);
  await page.getByRole('button', { name: 'Undo: Leash' }).click();
  expect(await shown()).toEqual([]);
  expect(await page.locator('.diff').textContent()).toContain('Exactly the frozen preset');
  await page.close();
});

it('says at once what range a value must be in, and what settings together cannot be', async () => {
  const page = await open('');
  await control(page, 'popo.num_generations').fill('65');
  await control(page, 'popo.num_generations').press('Tab');
  expect(await page.locator('[data-field="popo.num_generations"] [role=alert]').textContent()).toBe(
    'Only a whole number from 1 to 64 fits, so 65 was not taken.',
  );
  await control(page, 'popo.num_generations').fill('6');
  await control(page, 'popo.num_generations').press('Tab');
  expect(await page.locator('[data-field="popo.num_generations"] [role=alert]').count()).toBe(0);
  await control(page, 'popo.min_weight').fill('0.6');
  await control(page, 'popo.min_weight').press('Tab');
  expect(await page.locator('[data-notice=settings]').textContent()).toContain('popo.min_weight');
  await page.close();
});

it('disables what a run would not read, and says why', async () => {
  const page = await open('');
  const eta = control(page, 'popo.eta_over_mu');
  const reason = () => page.locator('[data-field="popo.eta_over_mu"] label').getAttribute('title');
  expect([await eta.isEnabled(), await reason()]).toEqual([true, null]);
  await page.getByLabel('Weighting').selectOption('fixed');
  expect([await eta.isDisabled(), await reason()]).toEqual([
    true,
    fieldAt('popo.eta_over_mu').appliesWhen?.reason,
  ]);
  // Also for whom no pointer rests there.
  expect(await page.locator('[data-field="popo.eta_over_mu"] .unread').textContent()).toBe(
    fieldAt('popo.eta_over_mu').appliesWhen?.reason,
  );
  expect(await control(page, 'popo.multi_objective_aggregation').isEnabled()).toBe(true);
  await page.getByLabel('Weighting').selectOption('mgda');
  expect(await control(page, 'popo.multi_objective_aggregation').isDisabled()).toBe(true);
  expect(await control(page, 'ranking.bits').isEnabled()).toBe(true);
  await control(page, 'ranking.users').fill('0');
  await control(page, 'ranking.users').press('Tab');
  expect(await control(page, 'ranking.bits').isDisabled()).toBe(true);
  await page.selectOption('select:has(option[value=openai])', 'file');
  expect(await page.getByLabel('Teacher is told').isDisabled()).toBe(true);
  await page.close();
});

it('sets fields within their bounds, and puts back what does not fit', async () => {
  const page = await open('&popo.num_iterations=2');
  const enter = async (label: string, value: string) => {
    const field = label === 'Seed' ? page.getByLabel(label) : control(page, `popo.${label}`);
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
  await control(page, 'orft.threshold').selectOption('a number');
  expect(await page.getByLabel('perplexity').inputValue()).toBe('4.6');
  await page.getByLabel('Fine-tune on reasoning').uncheck();
  await control(page, 'popo.loss_type').selectOption('dapo');
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
  await control(page, 'orft.threshold').selectOption('median');
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
