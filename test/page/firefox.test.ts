import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type BrowserPage, openBrowser } from '../../src/browsers/browser';
import { type TrainedOnPage, trainHere } from '../../src/commands/trainPage';
import { compareFingerprints } from '../../src/run/fingerprint';
import { parseLink } from '../../src/run/link';
import { defaultConfig } from '../../src/run/presets';
import { forkedAndShared, linesBehind, opensShared, reached } from './forked';
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

  test('forked in Firefox with other weights, shared, and trained from what was shared, it gives the same bits', async () => {
    const { report, shared } = await forkedAndShared(firefox);
    expect(report.table.slice(0, 2)).toEqual(inFirefox.report.table.slice(0, 2));
    expect(report.changes).toHaveLength(2);
    for (const { weightsAfter } of report.popo.steps) expect(weightsAfter[0]).toBeCloseTo(0.9, 6);
    await opensShared(firefox, shared);
    await firefox.click('[data-action="train"]');
    await reached(firefox, 'done');
    const again = await firefox.evaluate(
      () => ({ report: globalThis.taiji!.report()!, verdict: globalThis.taiji!.verdict() }),
      null,
    );
    expect(again.report.changes).toEqual(report.changes);
    expect(again.report.fingerprint).toEqual(report.fingerprint);
    expect(again.verdict?.verdict).toBe('identical');
    expect(firefox.errors).toEqual([]);
  }, 900_000);

  test('a cold page in Firefox plays with POPO: a weight is dragged, then a fork goes on beside its line', async () => {
    await firefox.goto('about:blank');
    await firefox.goto(inject('pageUrl'));
    await firefox.click('[data-action="play"]');
    const step = () =>
      firefox.evaluate(
        () =>
          globalThis.taiji?.stages().find(({ name, status }) => name === 'popo' && status === 'running')
            ?.step,
        null,
      );
    const looking = { timeout: 300_000, interval: 200 };
    await vi.waitFor(async () => expect(await step()).toBeGreaterThanOrEqual(1), looking);
    await firefox.evaluate(() => {
      const bar = document.querySelector<HTMLInputElement>('.weight-bar input')!;
      bar.value = '0.2';
      for (const type of ['input', 'change']) bar.dispatchEvent(new Event(type, { bubbles: true }));
    }, null);
    const changes = () => firefox.evaluate(() => globalThis.taiji!.changes(), null);
    await vi.waitFor(async () => expect(await changes()).toHaveLength(1), looking);
    const [{ field, to, step: from }] = await changes();
    expect({ field, to }).toEqual({ field: 'popo.reward_weights', to: [0.2, 0.8] });
    await vi.waitFor(async () => expect(await step()).toBeGreaterThan(from), looking);
    await firefox.click('[data-action="pause"]');
    await reached(firefox, 'paused');
    await firefox.click('[data-action="fork"]');
    await vi.waitFor(async () => expect(await linesBehind(firefox)).toBe(1), looking);
    await firefox.click('[data-action="resume"]');
    await vi.waitFor(async () => expect(await step()).toBeGreaterThan(from + 1), looking);
    await firefox.click('[data-action="reset"]');
    await reached(firefox, 'idle');
    expect(firefox.errors).toEqual([]);
  }, 600_000);

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
