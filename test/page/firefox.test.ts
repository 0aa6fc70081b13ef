import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type BrowserPage, openBrowser } from '../../src/browsers/browser';
import { type TrainedOnPage, trainHere } from '../../src/commands/trainPage';
import { compareFingerprints } from '../../src/run/fingerprint';
import { parseLink } from '../../src/run/link';
import { defaultConfig } from '../../src/run/presets';
import { shortRun } from './shortRun';

const quiet = () => undefined;
const config = shortRun({ seed: 5 });

const nothing = { dataset: null, expected: null, data: [] };

describe('two browsers, two WGSL compilers, one link', () => {
  let chromium: BrowserPage;
  let firefox: BrowserPage;
  let inChromium: TrainedOnPage;
  let inFirefox: TrainedOnPage;

  beforeAll(async () => {
    chromium = await openBrowser('chromium');
    firefox = await openBrowser('firefox');
    inChromium = await trainHere(chromium, inject('pageUrl'), { ...nothing, config }, quiet);
    // Firefox opens the very link that Chromium's run gave.
    const link = parseLink(inChromium.report.link);
    inFirefox = await trainHere(firefox, inject('pageUrl'), { ...link, data: [] }, quiet);
  }, 1_200_000);

  afterAll(async () => {
    await chromium?.close();
    await firefox?.close();
  });

  test('Firefox trains every stage to the end on WebGPU', () => {
    const { report } = inFirefox;
    expect(report.device.backend).toBe('webgpu');
    expect(report.config).toEqual(inChromium.report.config);
    expect(report.popo.steps).toHaveLength(config.popo.steps);
    expect(report.table.map(({ stage }) => stage)).toEqual(['warmup', 'sft', 'popo']);
    for (const { loss } of report.stages) for (const value of loss) expect(value).toBeTypeOf('number');
    expect(inFirefox.files.map(({ name }) => name)).toContain('model.safetensors');
    expect(firefox.errors).toEqual([]);
  });

  test("Chromium's link is judged in Firefox by the fingerprint's rules", () => {
    const judged = compareFingerprints(inChromium.report.fingerprint, inFirefox.report.fingerprint);
    expect(inFirefox.verdict).toEqual(judged);
    expect(judged.verdict).toMatch(/identical|close/);
  });

  test("and Firefox's link in Chromium, where the first run repeats to the bit", async () => {
    const link = parseLink(inFirefox.report.link);
    const again = await trainHere(chromium, inject('pageUrl'), { ...link, data: [] }, quiet);
    const judged = compareFingerprints(inFirefox.report.fingerprint, again.report.fingerprint);
    expect(again.verdict).toEqual(judged);
    expect(again.report.fingerprint).toEqual(inChromium.report.fingerprint);
    expect(chromium.errors).toEqual([]);
  }, 900_000);

  test('a hostile link gives a sentence and the defaults in both', async () => {
    for (const page of [chromium, firefox]) {
      await page.goto('about:blank');
      await page.goto(`${inject('pageUrl')}#run=1&preset=tiny&__proto__.x=1`);
      const notices = () =>
        page.evaluate(() => globalThis.taiji?.notices().map(({ message }) => message), null);
      await expect
        .poll(notices, { timeout: 20_000 })
        .toContainEqual(expect.stringContaining('This link was not used'));
      expect(await page.evaluate(() => globalThis.taiji?.config(), null)).toEqual(defaultConfig());
      expect(page.errors).toEqual([]);
    }
  });
});
