/** What a visitor downloads before anything runs, and that the page asks nobody else for anything. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { ensureChromium } from '../../src/headless/chromium';

const BUILT = '.cache/page';

it('is at most 80 KB before any worker starts', () => {
  const html = readFileSync(join(BUILT, 'index.html'), 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path);
  expect(files.length).toBeGreaterThanOrEqual(2);
  const sizes = ['index.html', ...files].map((path) => gzipSync(readFileSync(join(BUILT, path))).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(80 * 1024);
});

it('loads from its own origin alone, within its Content-Security-Policy', async () => {
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    args: ['--headless=new', '--no-sandbox'],
  });
  try {
    const page = await browser.newPage();
    const elsewhere: string[] = [];
    const problems: string[] = [];
    const { origin } = new URL(inject('pageUrl'));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith('blob:') && !url.startsWith('data:'))
        elsewhere.push(url);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(inject('pageUrl'));
    // Without flags this Chromium has no adapter: the page says what it will train on instead.
    await page.waitForSelector('.device .dot:not(.unknown)', { timeout: 60_000 });
    expect(await page.textContent('.device')).toMatch(/no WebGPU adapter/);
    await page.click('text=Choose tiny');
    expect(await page.inputValue('.setup select')).toBe('tiny');
    expect(elsewhere).toEqual([]);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
  }
});
