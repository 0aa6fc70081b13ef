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

it('has at most 358 KB of code to train with, 57 KB more for files, 100 KB more for Parquet, 20 KB to look after what is kept and set it side by side, 36 KB to show a run, 7 KB to show what a link says came out, 7 KB to look at one group, 9 KB to ask kept runs, 11 KB to compare methods, 2 KB to measure a device, 4 KB to say how long a run takes, 14 KB of settings with their help, and 39 KB more of the page that come late', () => {
  const scripts = readdirSync(join(BUILT, 'assets'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => `assets/${name}`)
    .filter((path) => !shell().includes(path));
  const isImporter = (path: string) => path.includes('importer');
  // Fetched when somebody looks after storage, or carries a run elsewhere.
  const isKeeping = (path: string) =>
    /\/(saved|storageService|runFile|runImport|downloads?|takenFiles|olderReport|runList|pinnedRun|compare|noteEditor|runNames)-/.test(
      path,
    );
  // Fetched when the page has nothing else to do, before anybody needs it.
  const isCourse = (path: string) => /\/(course|plane|table|charts)-/.test(path);
  // Fetched when a link carries a result, or one is shared.
  const isLinked = (path: string) => /\/(linked|linkedColumns|linkResult|resultField)-/.test(path);
  // Fetched when somebody looks at one group of alignment.
  const isGlass = (path: string) => /\/glass-/.test(path);
  // Fetched when somebody asks a kept run, in the worker and on the page.
  const isAsking = (path: string) => /\/ask(Service)?-/.test(path);
  // Fetched by the worker with the first study.
  const isStudying = (path: string) => /\/(studyService|endFile)-/.test(path);
  // Fetched by the worker when the page first says how long a run will take.
  const isMeasuring = (path: string) => /\/measureService-/.test(path);
  const isTiming = (path: string) => /\/times-/.test(path);
  // Fetched when the page is idle; the help, when somebody searches.
  const isSettings = (path: string) => /\/(settings|fieldHelp)-/.test(path);
  const isParquet = (path: string) =>
    !isImporter(path) &&
    /parquet|brotli/i.test(readFileSync(join(BUILT, path), 'utf8')) &&
    /\/(src-|parquet)/.test(path);
  const parquet = scripts.filter(isParquet);
  expect(parquet.length).toBeGreaterThan(0);
  const trainer = loadedBy(scripts.find((path) => path.includes('trainer'))!);
  const apart = [
    isImporter,
    isParquet,
    isKeeping,
    isCourse,
    isLinked,
    isGlass,
    isAsking,
    isStudying,
    isMeasuring,
    isTiming,
    isSettings,
  ];
  const others = scripts.filter((path) => !apart.some((is) => is(path)));
  const kilobytes = (paths: string[]) => zipped(paths) / 1024;
  expect(kilobytes(others.filter((path) => trainer.has(path)))).toBeLessThanOrEqual(358);
  expect(kilobytes(others.filter((path) => !trainer.has(path)))).toBeLessThanOrEqual(39);
  expect(scripts.filter(isCourse).length).toBeGreaterThan(0);
  expect(kilobytes(scripts.filter(isCourse))).toBeLessThanOrEqual(36);
  expect(scripts.filter(isLinked).length).toBeGreaterThan(0);
  expect(kilobytes(scripts.filter(isLinked))).toBeLessThanOrEqual(7);
  expect(scripts.filter(isGlass).length).toBeGreaterThan(0);
  expect(kilobytes(scripts.filter(isGlass))).toBeLessThanOrEqual(7);
  expect(scripts.filter(isAsking)).toHaveLength(2);
  expect(kilobytes(scripts.filter(isAsking))).toBeLessThanOrEqual(9);
  expect(scripts.filter(isStudying)).toHaveLength(2);
  expect(kilobytes(scripts.filter(isStudying))).toBeLessThanOrEqual(11);
  expect(scripts.filter(isMeasuring)).toHaveLength(1);
  expect(kilobytes(scripts.filter(isMeasuring))).toBeLessThanOrEqual(2);
  expect(scripts.filter(isTiming).length).toBeGreaterThan(0);
  expect(kilobytes(scripts.filter(isTiming))).toBeLessThanOrEqual(4);
  expect(scripts.filter(isSettings)).toHaveLength(2);
  expect(kilobytes(scripts.filter(isSettings))).toBeLessThanOrEqual(14);
  expect(kilobytes(scripts.filter(isImporter))).toBeLessThanOrEqual(57);
  expect(kilobytes(scripts.filter(isKeeping))).toBeLessThanOrEqual(20);
  expect(kilobytes(parquet)).toBeLessThanOrEqual(100);
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
