/** What the page says of time: before a run, while it is on, and at once when it is told to end. */
import { expect, it } from 'vitest';
import { fakePage, openFake } from './fakePage';

const fake = fakePage();

it('tells how long a run will take, by stage, then what is left in all, and says at once that it stops', async () => {
  const page = await openFake(fake, '?speed=2&deaf', '.times');
  expect(await page.textContent('.times summary')).toMatch(
    /^About [\d.]+ to \d+ (seconds|minutes|hours) on this device$/,
  );
  // Measured once, the next visit knows it.
  expect(
    await page.evaluate(() => Object.keys(JSON.parse(localStorage.getItem('taiji-speed') ?? '{}'))),
  ).toHaveLength(1);
  await page.click('.times summary');
  expect(await page.locator('.times tr').count()).toBe(13);
  expect(await page.textContent('.times caption')).toContain('short measurement of this device');
  await page.click('[data-action=train]');
  await expect.poll(() => page.textContent('.stages')).toMatch(/About .+ left in all/);
  await page.click('[data-action=reset]');
  // The trainer takes four seconds over the command under way; the page does not.
  const from = Date.now();
  await expect.poll(() => page.textContent('[data-action=reset]'), { interval: 20 }).toContain('Stopping');
  expect(await page.textContent('.controls > [role=status]')).toContain('is being finished');
  expect(Date.now() - from).toBeLessThan(3000);
  await page.close();
});

it('takes a double click for one press, whatever button comes to stand under the second', async () => {
  const page = await openFake(fake, '?speed=2', '[data-action=play]');
  const status = () => page.evaluate(() => globalThis.taiji!.status());
  await page.dblclick('[data-action=train]');
  await expect.poll(status).toBe('running');
  await page.dblclick('[data-action=pause]');
  await expect.poll(status).toBe('paused');
  await page.dblclick('[data-action=resume]');
  await expect.poll(status).toBe('running');
  // Where Reset was, Train from nothing is then.
  await page.dblclick('[data-action=reset]');
  await expect.poll(status).toBe('idle');
  await page.waitForTimeout(300);
  expect(await status()).toBe('idle');
  await page.close();
});

it('has at most 600 words of its own at the end of a run, outside disclosures', async () => {
  const page = await openFake(fake, '?speed=400', '[data-action=train]');
  await page.click('[data-action=train]');
  await page.waitForSelector('.orft');
  await page.waitForSelector('html[data-status=done]');
  await page.waitForSelector('[data-action=open-study]');
  const words = await page.evaluate(() => {
    // What a run said is no word of the page: tables of numbers, samples, chains of thought.
    const isData = (element: Element) => element.closest('table, .sample, .cots, select') !== null;
    const texts = document.createTreeWalker(document.querySelector('#app')!, NodeFilter.SHOW_TEXT);
    let count = 0;
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement!;
      if (!element.checkVisibility() || isData(element)) continue;
      count += (texts.currentNode.textContent ?? '')
        .split(/\s+/)
        .filter((word) => /\p{L}{2}/u.test(word)).length;
    }
    return count;
  });
  expect(words).toBeGreaterThan(200);
  expect(words).toBeLessThanOrEqual(600);
  await page.close();
});
