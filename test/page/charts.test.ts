/** Charts: read by pointer and by keyboard, as a table, as a file; drawn as a person likes them. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();

const pictures = (page: Page) =>
  page
    .locator('.charts .chart canvas')
    .evaluateAll((all) => all.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()));

/** The same, once there are so many and nothing is drawn any more. */
async function settled(page: Page, count: number): Promise<string[]> {
  for (let last: string[] = []; ; ) {
    const next = await pictures(page);
    if (next.length === count && next.join() === last.join()) return next;
    last = next;
    await page.waitForTimeout(400);
  }
}

it('say what was last measured at the step that is pointed at, all of them alike, also to the keyboard', async () => {
  const page = await openFake(fake, '?speed=400', '[data-action=train]');
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
  const heldOut = page.locator('.chart', { hasText: 'Held-out users' });
  const rewards = page.locator('.chart', { hasText: 'Rewards of sampled answers' });
  const said = async (chart: typeof rewards) => ({
    at: await chart.locator('.chart-step').allTextContents(),
    now: await chart.getByRole('slider').getAttribute('aria-valuetext'),
    label: await chart.getByRole('slider').getAttribute('aria-label'),
  });
  const newest = await said(heldOut);
  expect(newest.at).toEqual([]);

  // Alignment has 150 steps here, and users are held out for every tenth.
  await rewards.getByRole('slider').focus();
  for (const key of ['End', 'PageUp', 'PageUp', 'ArrowLeft']) await page.keyboard.press(key);
  // Each chart is drawn when its turn comes.
  const reads = (chart: typeof rewards, at: string) =>
    expect.poll(async () => (await said(chart)).at).toEqual([at]);
  await reads(rewards, 'at 129');
  await reads(heldOut, 'at 120');
  const there = await said(heldOut);
  expect(there.label).toMatch(/^Held-out users: L1 0\.\d+, L3 0\.\d+, Title@50 0\.\d+, CTCVR 0\.\d+$/);
  expect(there.label).not.toBe(newest.label);
  expect(there.now).toBe(there.label!.replace('Held-out users', 'step 120'));
  await page.keyboard.press('Escape');
  await expect.poll(() => said(heldOut)).toEqual(newest);

  // By pointer: at the very end, where nobody was held out, and before the first step, of which no rewards are known.
  const frame = (await heldOut.locator('.u-over').boundingBox())!;
  const point = (share: number) => page.mouse.move(frame.x + share * frame.width, frame.y + 20);
  await point(0.999);
  await reads(rewards, 'at 150');
  await reads(heldOut, 'at 140');
  await point(0.001);
  await reads(heldOut, 'at 0');
  await reads(rewards, 'at 1');
  await page.mouse.move(5, 5);
  await expect.poll(() => said(heldOut)).toEqual(newest);

  // A dashed line is dashed in its legend.
  const dashes = heldOut.locator('.swatch line');
  expect(await dashes.evaluateAll((all) => all.map((line) => line.getAttribute('stroke-dasharray')))).toEqual(
    ['2 3', null, '4 3', null],
  );

  await page.getByLabel('More of Held-out users').click();
  await page.getByLabel('Numbers of Held-out users').click();
  const rows = heldOut.locator('.chart-numbers tbody tr');
  await expect.poll(() => rows.count()).toBe(15);
  // All of its columns are in sight, over the whole width, and the place beside the chart before is filled.
  const table = heldOut.locator('.chart-numbers');
  expect(await table.evaluate((frame) => frame.scrollWidth - frame.clientWidth)).toBe(0);
  const box = async (of: typeof rewards) => (await of.boundingBox())!;
  const [grid, wide, before, next] = await Promise.all(
    [
      page.locator('.charts-grid'),
      heldOut,
      page.locator('.chart', { hasText: 'Training loss' }),
      rewards,
    ].map(box),
  );
  expect([wide.x, wide.width]).toEqual([grid.x, grid.width]);
  expect(next.y).toBe(before.y);
  expect(next.x).toBeGreaterThan(before.x + before.width);
  expect(await heldOut.locator('thead th').allTextContents()).toEqual([
    'Step',
    'L1',
    'L3',
    'Title@50',
    'CTCVR',
  ]);
  expect(await rows.last().locator('td').nth(1).textContent()).toBe(/L3 ([\d.]+)/.exec(newest.label!)![1]);

  await page.getByLabel('More of Rewards of sampled answers').click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByLabel('Rewards of sampled answers as CSV').click(),
  ]);
  expect(file.suggestedFilename()).toBe('rewards-of-sampled-answers.csv');
  const csv = readFileSync(await file.path(), 'utf8')
    .trim()
    .split('\n');
  expect(csv[0]).toBe('step,semantic,ID');
  expect(csv).toHaveLength(1 + 150);
  expect(csv.map((row) => row.split(',')[0])).toEqual([
    'step',
    ...Array.from({ length: 150 }, (_, at) => `${at + 1}`),
  ]);

  await page.getByLabel('More of Rewards of sampled answers').click();
  const [picture] = await Promise.all([
    page.waitForEvent('download'),
    page.getByLabel('Rewards of sampled answers as PNG').click(),
  ]);
  expect(
    [...readFileSync(await picture.path()).subarray(1, 4)].map((code) => String.fromCharCode(code)),
  ).toEqual(['P', 'N', 'G']);

  // What is drawn changes, what is said does not.
  const drawn = await pictures(page);
  await page.getByLabel('Smoothing').selectOption('none');
  await page.getByLabel('Log loss axis').check();
  await expect
    .poll(async () => (await pictures(page)).map((data, at) => data !== drawn[at]))
    // Loss and its axis, rewards, covariances, norms and the cosine are noisy; held-out rates and weights are not averaged.
    .toEqual([true, false, true, false, true, true, true]);
  expect(await said(heldOut)).toEqual(newest);
  await page.close();
});

it('show another run in each of them', async () => {
  const page = await openFake(fake, '?saved&more=1', '[data-action=pin-run]');
  await page.locator('.saved li', { hasText: 'seed 7' }).getByText('Open').click();
  const alone = await settled(page, 7);
  await page.locator('.saved li', { hasText: 'seed 20' }).locator('[data-action=pin-run]').click();
  await page.locator('.behind li').waitFor();
  const beside = await settled(page, 7);
  expect(beside.map((data, at) => data !== alone[at])).toEqual(new Array(7).fill(true));

  // So do its files and its numbers.
  const rewards = page.locator('.chart', { hasText: 'Rewards of sampled answers' });
  const saved = async (as: 'CSV' | 'PNG') => {
    await page.getByLabel('More of Rewards of sampled answers').click();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByLabel(`Rewards of sampled answers as ${as}`).click(),
    ]);
    return readFileSync(await file.path());
  };
  const run = (await page.textContent('.behind li'))!.replace(/Continue.*$/, '');
  const [head, ...steps] = (await saved('CSV')).toString('utf8').trim().split('\n');
  expect(head).toBe(`step,semantic (this run),ID (this run),"semantic (${run})","ID (${run})"`);
  const ink = await page.evaluate(
    async (png) => {
      const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      const ctx = canvas.getContext('2d')!;
      ctx.drawImage(picture, 0, 0);
      // The line of the other run in the legend, and where its name stands.
      const inked = (x: number, width: number) => {
        const { data } = ctx.getImageData(x, 40, width, 16);
        return data.some((value, at) => Math.abs(value - data[at % 4]) > 60);
      };
      return { height: canvas.height, dashes: inked(6, 22), name: inked(31, 60) };
    },
    (await saved('PNG')).toString('base64'),
  );
  expect(ink).toEqual({ height: 112 + 40 + 18, dashes: true, name: true });

  await page.getByLabel('More of Rewards of sampled answers').click();
  await page.getByLabel('Numbers of Rewards of sampled answers').click();
  const heads = () => rewards.locator('.chart-numbers thead th').allTextContents();
  await expect.poll(heads).toEqual(['Step', 'semantic', 'ID']);
  const last = async () => (await rewards.locator('.chart-numbers tbody tr').last().allTextContents())[0];
  const own = await last();
  await rewards.locator('.chart-choice select').selectOption({ label: run });
  await expect.poll(last).not.toBe(own);
  expect(await heads()).toEqual(['Step', 'semantic', 'ID']);
  await rewards.locator('.chart-choice select').selectOption({ label: 'semantic' });
  await expect.poll(heads).toEqual(['Step', 'this run', run]);
  const values = steps.at(-1)!.split(',');
  expect((await last()).startsWith(values[0] + Number(values[1]).toPrecision(3))).toBe(true);
  await page.close();
});

/** From now on each canvas keeps what stands along its axes: values are aligned at their right, steps in their middle. */
async function keepLabels(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { clearRect, fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
      Object.assign(this.canvas, { told: { right: [], center: [] } });
      clearRect.apply(this, box);
    };
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
      const { told } = this.canvas as unknown as { told: Record<string, string[]> };
      told[this.textAlign]?.push(text);
      fillText.call(this, text, ...place);
    };
  });
}

const labels = (page: Page) =>
  page.locator('.charts .chart canvas').evaluateAll((all) =>
    all.map((canvas) => {
      const { right, center } = (canvas as unknown as { told: Record<string, string[]> }).told;
      return { values: right, steps: center };
    }),
  );

it('can be read from the first step on: as points, with two ticks at least', async () => {
  const page = await openFake(fake, '?speed=400&rest=popo#run=1&popo.steps=2', '[data-action=train]');
  await keepLabels(page);
  await page.click('[data-action=train]');
  await page.waitForSelector('.charts-grid');
  await settled(page, 7);
  const first = await labels(page);
  for (const { values } of first) expect(new Set(values).size).toBeGreaterThanOrEqual(2);
  expect(first[3].values).toEqual(['0.450', '0.475', '0.500', '0.525', '0.550']);
  // Rewards are drawn as averages, of which there is one: it takes some pixels in the colour of each.
  const colours = await page
    .locator('.chart', { hasText: 'Rewards of sampled answers' })
    .locator('canvas')
    .evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const style = getComputedStyle(document.documentElement);
      return ['--semantic', '--id'].map((name) => {
        const [, hex] = /#(\w{6})/.exec(style.getPropertyValue(name))!;
        const wanted = [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
        return data.filter((_, at) => at % 4 === 0 && wanted.every((c, k) => data[at + k] === c)).length;
      });
    });
  expect(Math.min(...colours)).toBeGreaterThan(4);
  await page.close();
});

it('go over the same steps, also where users were held out once', async () => {
  const page = await openFake(fake, '?speed=400#run=1&popo.steps=5', '[data-action=train]');
  await keepLabels(page);
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]');
  await settled(page, 7);
  for (const { steps } of (await labels(page)).slice(1)) expect(steps).toEqual(['0', '2', '4']);
  await page.close();
});
