/** What a visitor downloads before anything runs, and that the page asks nobody else for anything. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { ensureChromium } from '../../src/browsers/chromium';
import { headersFor, LICENCES_POLICY, PAGE_POLICY } from '../../src/commands/barrier';
import { STARTERS } from '../../src/run/starters';

const BUILT = '.cache/page';
const shell = () => {
  const html = readFileSync(join(BUILT, 'index.html'), 'utf8');
  return [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path);
};
const zipped = (paths: string[]) =>
  paths.reduce((sum, path) => sum + gzipSync(readFileSync(join(BUILT, path))).length, 0);

it('is at most 80 KB before any worker starts', () => {
  expect(shell().length).toBeGreaterThanOrEqual(2);
  expect(zipped(['index.html', ...shell()])).toBeLessThanOrEqual(80 * 1024);
});

/** Files that a script loads, early or late, and those that they load. */
function loadedBy(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const [name] of readFileSync(join(BUILT, path), 'utf8').matchAll(/[\w.-]+\.js(?=["'`])/g))
    if (existsSync(join(BUILT, 'assets', name))) loadedBy(`assets/${name}`, found);
  return found;
}

/** What comes late, by what it is for: files by their names, the kilobytes (gzip) that they may have together, and how many there are. */
const LATE: readonly { what: string; named: RegExp; limit: number; files?: number }[] = [
  { what: 'to read files', named: /importer/, limit: 57 },
  {
    what: 'to look after what is kept, and to set it side by side',
    named:
      /\/(saved|storageService|runFile|runImport|downloads?|takenFiles|olderReport|runList|pinnedRun|compare|pairKept|noteEditor|runNames)-/,
    limit: 21,
  },
  // Fetched when the page has nothing else to do, before anybody needs it.
  { what: 'to show a run', named: /\/(course|plane|table|charts|covariance(Gauge|Words))-/, limit: 40 },
  // Also where one is shared.
  {
    what: 'to show what a link says came out',
    named: /\/(linked|linkedColumns|linkResult|resultField)-/,
    limit: 8,
  },
  { what: 'to look at one group of alignment', named: /\/glass-/, limit: 8 },
  // In the worker and on the page.
  { what: 'to ask kept runs', named: /\/ask(Service)?-/, limit: 9, files: 2 },
  { what: 'to compare methods, in the worker', named: /\/(studyService|endFile)-/, limit: 11, files: 2 },
  // When the page first says how long a run will take: in the worker, and on the page.
  { what: 'to measure a device', named: /\/measureService-/, limit: 2, files: 1 },
  // When somebody asks for all of it: in the worker, and on the page.
  { what: 'to measure all of a device', named: /\/(wholeDevice|measure)-/, limit: 7, files: 2 },
  { what: 'to say how long a run takes', named: /\/times-/, limit: 4 },
  // When the page is idle; the help, when somebody searches.
  { what: 'of settings with their help', named: /\/(settings|fieldHelp)-/, limit: 14, files: 2 },
  { what: 'to watch a recorded run', named: /\/(recorded|watching)-/, limit: 4, files: 2 },
  { what: 'to read the page in Chinese', named: /\/chinese-/, limit: 66, files: 1 },
];

const lateScripts = () =>
  readdirSync(join(BUILT, 'assets'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => `assets/${name}`)
    .filter((path) => !shell().includes(path));

const isParquet = (path: string) =>
  !path.includes('importer') &&
  /parquet|brotli/i.test(readFileSync(join(BUILT, path), 'utf8')) &&
  /\/(src-|parquet)/.test(path);

it.each(LATE)('has at most $limit KB more $what', ({ named, limit, files }) => {
  const found = lateScripts().filter((path) => named.test(path));
  expect(found.length).toBeGreaterThan(0);
  if (files !== undefined) expect(found).toHaveLength(files);
  expect(zipped(found) / 1024).toBeLessThanOrEqual(limit);
});

it('has at most 377 KB to train with, 100 KB more for Parquet, and 44 KB more of the page that come late', () => {
  const parquet = lateScripts().filter(isParquet);
  expect(parquet.length).toBeGreaterThan(0);
  expect(zipped(parquet) / 1024).toBeLessThanOrEqual(100);
  const others = lateScripts().filter(
    (path) => !isParquet(path) && !LATE.some(({ named }) => named.test(path)),
  );
  const trainer = loadedBy(lateScripts().find((path) => path.includes('trainer'))!);
  expect(zipped(others.filter((path) => trainer.has(path))) / 1024).toBeLessThanOrEqual(377);
  expect(zipped(others.filter((path) => !trainer.has(path))) / 1024).toBeLessThanOrEqual(44);
});

it('is served with the policies that the build wrote, to each document its own', async () => {
  const policy = async (path: string) => {
    const response = await fetch(inject('pageUrl') + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    return response.headers.get('content-security-policy');
  };
  const [script] = shell().filter((path) => path.endsWith('.js'));
  for (const path of ['', 'index.html', script]) expect(await policy(path)).toBe(PAGE_POLICY);
  expect(await policy('licences.html')).toBe(LICENCES_POLICY);
  expect(await policy('endpoint.html')).toMatch(
    /^default-src 'none';.*frame-ancestors 'self'; script-src 'sha256-[^']+'; connect-src https: http:\/\/localhost:/,
  );
  // No header is left to two blocks, which hosts would join or choose from.
  for (const path of ['/', '/index.html', '/licences.html', '/endpoint.html', '/assets/a.js'])
    for (const value of Object.values(headersFor(readFileSync(join(BUILT, '_headers'), 'utf8'), path)))
      expect(value.split('default-src').length).toBeLessThanOrEqual(2);
});

it('loads from its own origin alone, within its Content-Security-Policy', async () => {
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    args: ['--headless=new', '--no-sandbox'],
  });
  try {
    const page = await browser.newPage();
    const asked: string[] = [];
    const elsewhere: string[] = [];
    const problems: string[] = [];
    const { origin } = new URL(inject('pageUrl'));
    page.on('request', (request) => {
      const url = request.url();
      asked.push(url);
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
    // What shows a run is there before Train is pressed, and nobody had to wait for it.
    await expect.poll(() => asked.some((url) => /\/course-[\w-]+\.js$/.test(url))).toBe(true);
    // What trains here in hours is not proposed; who chooses it all the same is advised.
    expect(await page.inputValue('.setup select')).toBe('tiny');
    await page.selectOption('.setup select', 'small');
    await page.click('text=Choose tiny');
    expect(await page.inputValue('.setup select')).toBe('tiny');
    expect(await page.locator('text=Choose tiny').count()).toBe(0);
    // What can be played with lies there too.
    const [{ file, bytes }] = STARTERS;
    const served = await page.evaluate(
      async (path) => (await (await fetch(path)).arrayBuffer()).byteLength,
      file,
    );
    expect(served).toBe(bytes);
    expect(elsewhere).toEqual([]);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
  }
});
