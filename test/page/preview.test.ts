/** The step between dropping files and training on them: looked at, corrected, used or discarded. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type {} from '../../src/app/console';
import { fakeSha } from './fakeImporter';
import { fakePage } from './fakePage';

const fake = fakePage();

async function open(link = ''): Promise<Page> {
  const page = await fake.browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${fake.url}#run=1&preset=tiny${link}`);
  await page.waitForSelector('[data-action=train]');
  return page;
}

const give = (page: Page, name: string) =>
  page.setInputFiles('[data-files=data]', { name, mimeType: 'text/csv', buffer: Buffer.from('a,b\n') });

const readings = (page: Page) => page.evaluate(() => globalThis.fakeReadings ?? []);
const data = (page: Page) => page.evaluate(() => globalThis.taiji!.config().data);

const menu = (page: Page, name: string) => page.getByRole('combobox', { name, exact: true });

/** Until the last reading has ended. */
const read = (page: Page) => page.waitForSelector('.preview-found[data-stale=false]');

it('takes files that were read without doubt with one press', async () => {
  const page = await open();
  await give(page, 'sure.csv');
  await page.waitForSelector('[data-action=use]:focus');
  expect(await page.locator('.preview details[open]').count()).toBe(0);
  expect((await data(page)).source).toBe('world');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.preview', { state: 'detached' });
  expect(await data(page)).toMatchObject({ source: 'import', sha256: fakeSha(''), map: '' });
  expect(await page.getByRole('radio', { name: /^shop/ }).isChecked()).toBe(true);
  expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('data');
  expect(await readings(page)).toEqual(['']);
  await page.close();
});

it('puts doubts in front, and opens what decides them', async () => {
  const page = await open();
  await give(page, '2020-Apr.csv');
  await read(page);
  expect(await page.locator('.preview-doubts li').allTextContents()).toEqual([
    'Dates like 03/04/2020 are read day first, and no row tells whether that is right.',
    'Categories are read from category_code, and category_id would do too.',
  ]);
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('preview-title');
  expect(await page.locator('.preview details[open] summary').allTextContents()).toEqual([
    'What each column is read as',
    'The first rows',
  ]);
  expect(await page.locator('.chip.look').count()).toBe(3);
  const heads = await page.locator('.preview th').allTextContents();
  expect(heads).toContain('event_timeTime');
  expect(await page.locator('.preview th[data-unread=true]').allTextContents()).toEqual([
    'category_id',
    'brand',
    'price',
    'user_session',
  ]);
  const words = (await page.textContent('.preview'))!;
  for (const said of [
    'Not read: category_id, brand, price, user_session',
    'readme.pdf is not read: a PDF holds no table.',
    '915 rows are no interactions',
    '304 rows: an exact copy of an earlier row',
    '45 rows were dropped or mended',
    '2020-Apr.csv row 812: event_time is "0000-00-00"',
  ])
    expect(words).toContain(said);
  await page.close();
});

it('reads again with each correction, and says all of them at once', async () => {
  const page = await open();
  await give(page, 'log.csv');
  await read(page);
  const said: string[] = [''];
  const expectRead = async (map: string) => {
    said.push(map);
    await expect.poll(() => readings(page)).toEqual(said);
    await read(page);
  };
  await menu(page, 'Item').selectOption('category_id');
  await expectRead('item=category_id');
  await page.getByLabel('Month first').check();
  await expectRead('item=category_id,dates=mdy');
  await page.getByRole('button', { name: '+ level' }).click();
  await menu(page, 'Categories, level 2').selectOption('brand');
  await expectRead('item=category_id,categories=category_code+brand,dates=mdy');
  await page.getByRole('button', { name: '+ time of day' }).click();
  await menu(page, 'Time of day').selectOption('user_session');
  const time = 'time=event_time+user_session';
  await expectRead(`item=category_id,${time},categories=category_code+brand,dates=mdy`);
  await menu(page, 'Time of day').selectOption({ label: 'not read' });
  await expectRead('item=category_id,time=event_time,categories=category_code+brand,dates=mdy');
  await menu(page, 'Categories, level 2').selectOption({ label: 'not read' });
  await menu(page, 'Categories').selectOption({ label: 'not read' });
  await page.getByLabel('cart', { exact: false }).first().check();
  const last = 'item=category_id,time=event_time,categories=none,dates=mdy,purchases=purchase+cart';
  await expect.poll(async () => (await readings(page)).at(-1)).toBe(last);
  await read(page);
  await page.click('[data-action=use]');
  await page.waitForSelector('.preview', { state: 'detached' });
  expect(await data(page)).toMatchObject({ source: 'import', sha256: fakeSha(last), map: last });
  expect(await page.evaluate(() => globalThis.taiji!.link())).toContain(`data.map=${last}`);
  await page.close();
});

it('offers no way to leave out the user, the item or every conversion', async () => {
  const page = await open();
  await give(page, 'log.csv');
  await read(page);
  const offered = (role: string) => page.locator(`select[data-role=${role}] option`).allTextContents();
  for (const role of ['user', 'item']) expect(await offered(role)).not.toContain('not read');
  for (const role of ['time', 'rating']) expect(await offered(role)).toContain('not read');
  await page.getByLabel('purchase').first().click();
  expect(await page.getByLabel('purchase').first().isChecked()).toBe(true);
  expect(await readings(page)).toEqual(['']);
  await page.close();
});

it('keeps nothing of what is discarded', async () => {
  const page = await open();
  await give(page, 'sure.csv');
  await page.waitForSelector('[data-action=use]:focus');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.preview', { state: 'detached' });
  expect(await page.evaluate(() => document.activeElement?.textContent)).toMatch(/^Your own files/);
  expect((await data(page)).source).toBe('world');
  expect(await page.evaluate(() => globalThis.taiji!.preview())).toBeNull();
  await page.close();
});

it('says why a correction is refused, and lets another be chosen', async () => {
  const page = await open();
  await give(page, 'log.csv');
  await read(page);
  await menu(page, 'Item').selectOption('price');
  await page.waitForSelector('[data-action=undo]');
  expect(await page.textContent('.preview [role=alert]')).toBe(
    'log.csv: price is no item, because 98 % of its cells differ.',
  );
  await page.locator('[data-action=use]').dispatchEvent('click');
  expect((await data(page)).source).toBe('world');
  expect(await menu(page, 'Item').inputValue()).toBe('price');
  await menu(page, 'Item').selectOption('category_id');
  await read(page);
  expect(await page.textContent('.preview [role=alert]')).toBe('');
  await menu(page, 'Item').selectOption('price');
  await page.click('[data-action=undo]');
  await read(page);
  expect(await readings(page)).toEqual([
    '',
    'item=price',
    'item=category_id',
    'item=price',
    'item=category_id',
  ]);
  await page.close();
});

it('offers menus for files that were refused at the first reading, with their first rows', async () => {
  const page = await open();
  // A doubt is part of a menu's name.
  const field = (role: string) => page.locator(`select[data-role=${role}]`);
  await give(page, 'bad.csv');
  await field('item').waitFor();
  expect(await page.textContent('.preview [role=alert]')).toMatch(/^bad\.csv has no column that names items/);
  expect(await field('item').inputValue()).toBe('');
  expect(await field('user').inputValue()).toBe('user_id');
  expect(await page.locator('.preview th').allTextContents()).toContain('user_idUser');
  expect(await page.locator('.preview td').first().textContent()).toBe('03/04/2020 00:00:11');
  expect(await page.locator('.preview [data-unread=true]').count()).toBe(0);
  expect(await page.locator('.preview input[type=text], [data-action=use]').count()).toBe(0);
  await field('time').selectOption('user_session');
  await expect.poll(() => readings(page)).toEqual(['', 'time=user_session']);
  // Refused again: the menu stays where it was, with the choice.
  await page.waitForSelector('[data-action=guess]');
  expect(await field('time').inputValue()).toBe('user_session');
  await page.click('[data-action=guess]');
  await expect.poll(() => readings(page)).toHaveLength(3);
  await expect.poll(() => field('time').inputValue()).toBe('event_time');
  await field('item').selectOption('product_id');
  await page.waitForSelector('[data-action=use]');
  await read(page);
  expect(await readings(page)).toEqual(['', 'time=user_session', '', 'item=product_id']);
  await page.close();
});

it('leaves out one of several files that were refused', async () => {
  const page = await open();
  const files = ['bad.csv', 'log.csv'].map((name) => ({
    name,
    mimeType: 'text/csv',
    buffer: Buffer.from('a'),
  }));
  await page.setInputFiles('[data-files=data]', files);
  await page.getByRole('button', { name: 'Leave out bad.csv' }).click();
  await read(page);
  expect(await page.locator('.preview-table b').allTextContents()).toEqual(['log.csv']);
  await page.close();
});

it('reads files the way a link says, and says whether they are the link’s', async () => {
  const map = 'item=category_id,dates=mdy';
  const asks = (sha256: string) => open(`&data.source=import&data.sha256=${sha256}&data.map=${map}`);
  const page = await asks(fakeSha(map));
  expect(await page.textContent('.data > .problem')).toMatch(/not on this device.*the way the link says/s);
  await give(page, 'log.csv');
  await read(page);
  expect(await readings(page)).toEqual([map]);
  expect(await page.textContent('.preview-link')).toBe('These are the files of the link.');
  await page.getByText('What each column is read as').click();
  await page.getByLabel('Day first').check();
  await expect.poll(() => readings(page)).toHaveLength(2);
  await read(page);
  expect(await page.textContent('.preview-link')).toMatch(/^Read this way they are not the data of the link/);
  await page.close();

  const other = await asks('e'.repeat(64));
  await give(other, 'log.csv');
  await read(other);
  expect(await other.textContent('.preview-link')).toBe(
    'These are other files than the link’s: its result cannot be expected.',
  );
  await other.close();
});

it('shows no link’s words without a link, and serves programs', async () => {
  const page = await open();
  await page.evaluate(() => globalThis.taiji!.readFiles([new File(['a'], 'log.csv')], 'dates=mdy'));
  const preview = await page.evaluate(() => globalThis.taiji!.preview());
  expect(preview?.dates?.order).toBe('mdy');
  await page.click('.more');
  await read(page);
  expect(await page.locator('.preview-link').count()).toBe(0);
  await page.evaluate(() => globalThis.taiji!.importFiles([new File(['a'], 'log.csv')], 'rating=price'));
  expect(await data(page)).toMatchObject({ source: 'import', map: 'rating=price' });
  const outcome = await page.evaluate(() => globalThis.taiji!.imported());
  expect(outcome).toMatchObject({ summary: { sha256: fakeSha('rating=price') } });
  await page.close();
});
