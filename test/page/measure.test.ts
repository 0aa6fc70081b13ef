/** *Measure this device*: by the keyboard alone, told as it goes, ended when it is told to, refused while a run is on; and its row. */
import axe from 'axe-core';
import { expect, it } from 'vitest';
import type {} from '../../src/app/console';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();

it('measures by the keyboard, says what it is at, shows a table and copies its row', async () => {
  const page = await openFake(fake, '', '[data-action=train]');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  expect(
    await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name)),
  ).not.toContainEqual(expect.stringMatching(/form\/measure\.tsx|\/measure-/));
  await page.click('.more');
  await page.waitForSelector('[data-action=measure-device]');
  const said = () => page.textContent('.measure [role=status]');
  await page.focus('[data-action=measure-device]');
  await page.keyboard.press('Enter');
  await expect.poll(said, { interval: 20 }).toContain('multiply-adds');
  await expect.poll(said, { interval: 20 }).toContain('of tiny');
  // Ended, it leaves nothing; the key that began it ends it.
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-action=measure-device]');
  expect(await said()).toBe('');
  expect(await page.locator('.measure table').count()).toBe(0);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.measure table');
  const cells = await page.$$eval('.measure tr', (rows) => rows.map((row) => row.textContent));
  expect(cells).toContain('Multiply-adds alone, GFLOP/s2,980');
  expect(cells).toContain('Tokens/s sampled (small)55,410');
  expect(cells).toHaveLength(15);
  await page.focus('[data-action=copy-row]');
  await page.keyboard.press('Enter');
  await expect.poll(said).toContain('on the clipboard');
  const [header, , row] = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
  expect(header).toMatch(/^\| Adapter \| Kernels \| Version \| Multiply-adds alone/);
  expect(row).toMatch(/^\| apple metal-3 \\\| Apple M2 \| tiled k4 \| 0\.10\.0 \| 2,980 \|/);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    return axe.run('.measure');
  });
  expect(violations.map(({ id }) => id)).toEqual([]);
  for (const width of [1280, 360])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.locator('.measure').scrollIntoViewIfNeeded();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(width);
      if (process.env.SHOTS)
        await page
          .locator('.measure')
          .screenshot({ path: `${process.env.SHOTS}/measure-${width}-${colorScheme}.png` });
    }
  await page.close();
});

it('is refused in a sentence while a run is on', async () => {
  const page = await openFake(fake, '?speed=1', '[data-action=train]');
  await page.click('.more');
  await page.waitForSelector('[data-action=measure-device]');
  await page.evaluate(() => void globalThis.taiji!.start());
  await expect.poll(() => page.textContent('.measure [role=status]')).toMatch(/^A run is on: .+\.$/);
  expect(await page.isDisabled('[data-action=measure-device]')).toBe(true);
  await page.close();
});

it('is at the console, too', async () => {
  const page = await openFake(fake, '', '[data-action=train]');
  expect(await page.evaluate(() => globalThis.taiji!.measure())).toMatchObject({ kernels: 'tiled k4' });
  await page.close();
});
