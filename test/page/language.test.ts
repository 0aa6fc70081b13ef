/** The page in Chinese: chosen by the browser or by hand, with no English left on its main ways, while a run goes on. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type {} from '../../src/app/console';
import { GROUPS } from '../../src/app/form/fieldTable';
import { RECORDINGS } from '../../src/run/recordings';
import { namesAlone } from '../app/namesAlone';
import { fakePage } from './fakePage';
import { STATES } from './states';

const fake = fakePage();

/** Names that stay as they are, and what the fake trainer says is wrong. */
const NAMES = [
  'tiny, small, base, medium, large',
  'TensorFlow.js',
  'Page Up',
  'Page Down',
  'The GPU device was lost (driver reset) and a new one could not be had.',
];

async function open(query: string): Promise<Page> {
  const context = await fake.browser.newContext({
    locale: 'zh-CN',
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => expect.fail(error.message));
  await page.goto(fake.url + query);
  await page.waitForSelector('.device .dot:not(.unknown)');
  return page;
}

/** Texts with two English words in a row, of what people see, read or hear, but for what `translate="no"` keeps. */
function leftInEnglish(page: Page): Promise<string[]> {
  return page.evaluate((names) => {
    for (const closed of document.querySelectorAll('main details')) closed.setAttribute('open', '');
    const left = new Set<string>();
    const word = "[A-Za-z'’-]*[a-z]{2}[A-Za-z'’-]*";
    const isEnglish = (text: string) =>
      new RegExp(`${word}(?:\\s+|, )${word}`).test(
        names.reduce((rest, name) => rest.replaceAll(name, '·'), text),
      );
    const isKept = (element: Element) =>
      element.closest('[translate="no"], code, kbd, [hidden], script, noscript, style') !== null;
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (nodes.nextNode()) {
      const { data, parentElement } = nodes.currentNode as Text;
      if (!isKept(parentElement!) && isEnglish(data)) left.add(data.trim());
    }
    for (const element of document.querySelectorAll('body *'))
      for (const name of ['title', 'aria-label', 'aria-valuetext', 'placeholder', 'alt', 'label']) {
        const text = element.getAttribute(name) ?? '';
        // Within a sentence, a name is not marked as one.
        if (!isKept(element) && isEnglish(text) && !/[\u4e00-\u9fff]/.test(text))
          left.add(`${name}: ${text}`);
      }
    if (isEnglish(document.title)) left.add(document.title);
    return [...left];
  }, NAMES);
}

/** Fields' own names without words beside them, of what people see, read or hear, each with the text that it stands in. */
async function rawNames(page: Page): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const isKept = (element: Element) =>
      element.closest('[translate="no"], code, kbd, pre, option, [hidden], script, noscript, style') !== null;
    /** By the block that each stands in, since a name may be in an element of its own beside its words. */
    const byBlock = new Map<Element, string>();
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (nodes.nextNode()) {
      const { data, parentElement } = nodes.currentNode as Text;
      let block = parentElement!;
      while (/^(inline|contents)$/.test(getComputedStyle(block).display) && block.parentElement)
        block = block.parentElement;
      byBlock.set(block, (byBlock.get(block) ?? '') + (isKept(parentElement!) ? '·' : data));
    }
    const attributes = [...document.querySelectorAll('body *')].flatMap((element) =>
      ['title', 'aria-label', 'aria-valuetext', 'placeholder', 'alt', 'label'].map((name) =>
        isKept(element) ? '' : (element.getAttribute(name) ?? ''),
      ),
    );
    return [...new Set([...byBlock.values(), ...attributes])];
  });
  return texts.flatMap((text) => namesAlone(text).map((name) => `${name}: ${text.trim()}`));
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document);
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
}

it('is in Chinese for whoever reads that, cold, with all settings, and with a link that cannot be used', async () => {
  const page = await open('#run=1&nonsense=1');
  expect(await page.getAttribute('html', 'lang')).toBe('zh-Hans');
  expect(await page.textContent('[data-action=train]')).toContain('训练');
  // A sentence in which elements stand keeps them.
  expect(await page.locator('h1 em.semantic').textContent()).toBe('词语的含义');
  await page.click('.more');
  // Each group, those that are folded too.
  await expect.poll(() => page.locator('.more-panel .group-fields').count()).toBe(GROUPS.length);
  expect(await page.textContent('.notices')).toContain('未使用此链接');
  expect(await leftInEnglish(page)).toEqual([]);
  expect(await violations(page)).toEqual([]);
  await page.fill('.find-settings [type=search]', '采样回答的温度');
  await expect
    .poll(() =>
      page
        .locator('.more-panel [data-field]')
        .evaluateAll((all) => all.map((knob) => knob.getAttribute('data-field'))),
    )
    .toEqual(['popo.temperature']);
  const temperature = page.locator('[data-field="popo.temperature"] input');
  await temperature.fill('0.5');
  await temperature.press('Tab');
  await page.waitForSelector('[data-field="popo.temperature"] .undo');
  await temperature.fill('-1');
  await temperature.press('Tab');
  await page.waitForSelector('.field-problem');
  expect(await leftInEnglish(page)).toEqual([]);
  await page.fill('.find-settings [type=search]', 'qqq');
  await page.waitForSelector('.more-panel [role=status]');
  expect(await leftInEnglish(page)).toEqual([]);
  await page.locator('.find-settings [type=search]').press('Escape');
  await page.locator('.more').focus();
  await page.keyboard.press('?');
  await page.waitForSelector('dialog');
  expect(await leftInEnglish(page)).toEqual([]);
  await page.context().close();
});

it('leaves no English while a run goes on, at its end, nor where it fails; the language changes meanwhile', async () => {
  const page = await open('?speed=8');
  await page.click('[data-action=train]');
  await page.waitForFunction(() => {
    const popo = taiji!.stages().find(({ name }) => name === 'popo');
    if (popo === undefined || popo.step < 30) return false;
    return taiji!.pause().then(() => true);
  });
  await page.click('[data-action=glass]');
  await page.click('[data-action=glass-all]');
  await page.waitForSelector('[data-part="6"]');
  expect(await page.title()).toMatch(/^已暂停：对齐 \d+ % · taiji-lab$/);
  expect(await leftInEnglish(page)).toEqual([]);
  // What the model read stays as it was.
  expect(await page.textContent('[data-part="0"]')).toContain('oak crib by Nordlo');
  expect(await violations(page)).toEqual([]);

  await page.click('[data-action=resume]');
  const step = () => page.evaluate(() => taiji!.stages().find(({ name }) => name === 'popo')!.step);
  const before = await step();
  await page.click('.languages [lang=en]');
  await page.waitForSelector('html[lang=en]');
  await page.waitForSelector('text=One group under the glass');
  // It stands where it stood, and the run goes on.
  expect(await page.locator('.glass-part').count()).toBe(7);
  await expect.poll(step).toBeGreaterThan(before);
  await page.reload();
  await page.waitForSelector('.device .dot:not(.unknown)');
  expect(await page.textContent('[data-action=train]')).toContain('Train');
  await page.click('.languages [lang=zh-Hans]');
  await page.waitForSelector('html[lang=zh-Hans]');
  expect(await page.textContent('[data-action=train]')).toContain('训练');

  await page.goto(`${fake.url}?speed=400`);
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
  await page.waitForSelector('.samples');
  await expect.poll(() => leftInEnglish(page)).toEqual([]);
  await page.click('[data-action=open-study]');
  await page.waitForSelector('.study-questions');
  await page.check('[data-question=rejection] input');
  await page.waitForSelector('.study-time');
  await expect.poll(() => leftInEnglish(page)).toEqual([]);
  await page.check('[data-question=ends] input');
  const constraint = page.locator('.study-methods label', { hasText: 'constraint' }).locator('input');
  await constraint.evaluate((box: HTMLInputElement) => box.click());
  await page.click('[data-action=study]');
  await page.waitForSelector('.study [data-held]');
  await expect.poll(() => leftInEnglish(page)).toEqual([]);
  await page.goto(`${fake.url}?speed=400&fail=popo`);
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=error]');
  await expect.poll(() => leftInEnglish(page)).toEqual([]);
  await page.context().close();
});

it('shows the recorded run in Chinese, and stands where it stood when the language changes', async () => {
  const page = await open('');
  // It lies beside the page as it is deployed.
  await page.route('**/recorded/*', (route) => route.fulfill({ path: `public/${RECORDINGS[0].file}` }));
  await page.locator('[data-action=watch]').first().click();
  const slider = page.locator('[data-recording=step]');
  await slider.press('Home');
  for (let press = 0; press < 3; press++) await slider.press('ArrowRight');
  expect(await slider.getAttribute('aria-valuetext')).toMatch(/^已走 3\/\d+ 步$/);
  expect(await page.textContent('.recorded-facts')).toMatch(
    /\d{4}年\d+月\d+日，用时 .+，由本应用 [\d.]+ 版训练/,
  );
  await page.waitForSelector('.samples');
  await expect.poll(() => leftInEnglish(page)).toEqual([]);
  await page.click('.languages [lang=en]');
  await page.waitForSelector('html[lang=en]');
  expect(await slider.getAttribute('aria-valuetext')).toMatch(/^3 of \d+ steps taken$/);
  await page.click('.languages [lang=zh-Hans]');
  await page.waitForSelector('html[lang=zh-Hans]');
  expect(await slider.inputValue()).toBe('3');
  await slider.press('End');
  await expect.poll(() => leftInEnglish(page)).toEqual([]);
  await page.context().close();
});

it.each(STATES)(
  'has words beside every field’s name, and no English in Chinese: $name',
  async ({ name, query, reach }) => {
    const page = await fake.browser.newPage({
      locale: 'en',
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
    });
    page.on('pageerror', (error) => expect.fail(error.message));
    await page.goto(fake.url + query);
    await page.waitForSelector('.device .dot:not(.unknown)');
    await reach(page);
    expect(await rawNames(page)).toEqual([]);
    // Behind a dialog nothing can be pressed by hand.
    await page.locator('.languages [lang=zh-Hans]').evaluate((button: HTMLElement) => button.click());
    await page.waitForSelector('html[lang=zh-Hans]');
    // The importer that is played has sentences of its own.
    if (!name.startsWith('files')) await expect.poll(() => leftInEnglish(page)).toEqual([]);
    expect(await rawNames(page)).toEqual([]);
    await page.close();
  },
);
