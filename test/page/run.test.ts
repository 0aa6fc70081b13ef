import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type BrowserPage, openBrowser } from '../../src/browsers/browser';
import { formatLink, parseLink } from '../../src/run/link';
import type { Report } from '../../src/run/report';
import { forkedAndShared, opensShared, reached } from './forked';
import { shortRun } from './shortRun';

const config = shortRun({ seed: 3 });
const MINUTES = 60_000;

describe('a run on the page, in Chromium', () => {
  let page: BrowserPage;
  let whole: Report;
  /** The same from its alignment on, with other weights, and the link that shows what came out of that. */
  let forked: { report: Report; shared: string };
  /** run.zip of a run under way, as base64. */
  let carried = '';

  beforeAll(async () => {
    page = await openBrowser('chromium');
    await page.goto(inject('pageUrl') + formatLink(config, null, null));
    await page.click('[data-action="train"]');
    await reached(page, 'done');
    whole = (await page.evaluate(() => globalThis.taiji!.report(), null))!;
  }, 15 * MINUTES);

  afterAll(() => page?.close());

  function reach(stage: string, step: number): Promise<void> {
    const at = () =>
      page.evaluate((name) => globalThis.taiji!.stages().find((state) => state.name === name)!.step, stage);
    return vi.waitFor(async () => expect(await at()).toBeGreaterThanOrEqual(step), {
      timeout: 6 * MINUTES,
      interval: 50,
    });
  }

  /** Of a run that two tabs trained, over a lost device: what was said at every step, before alignment was cut off and since. */
  async function hasItsWordsAfterAReload(): Promise<void> {
    const groups = () =>
      page.evaluate(
        ([steps, prompts]) =>
          Promise.all(
            Array.from({ length: steps * prompts }, (_, at) =>
              globalThis.taiji!.group(Math.floor(at / prompts), at % prompts),
            ),
          ),
        [config.popo.steps, config.popo.prompts_per_step] as const,
      );
    const before = await groups();
    expect(before.map((group) => group && [group.step, group.prompt])).toEqual(
      before.map((_, at) => [
        Math.floor(at / config.popo.prompts_per_step),
        at % config.popo.prompts_per_step,
      ]),
    );
    for (const group of before) expect(group!.text).toContain('<sep>');
    await page.goto('about:blank');
    await page.goto(inject('pageUrl'));
    await page.click('.saved button:text-is("Open")');
    await reached(page, 'done');
    expect(await groups()).toEqual(before);
  }

  test('pressing Train goes through every stage, and the report is complete', () => {
    expect(whole.device).toMatchObject({ backend: 'webgpu' });
    expect(whole.stages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['warmup', 'orft', 'sft', 'popo']),
    );
    const warmup = whole.stages.find(({ name }) => name === 'warmup')!.loss;
    expect(warmup).toHaveLength(config.warmup.steps);
    expect(warmup.at(-1)!).toBeLessThan(warmup[0]);
    expect(whole.table.map(({ stage }) => stage)).toEqual(['warmup', 'sft', 'popo']);
    expect(whole.popo.steps).toHaveLength(config.popo.steps);
    expect(whole.memory.bytesAllocated).toBe(whole.memory.bytesPlanned);
    expect(page.errors).toEqual([]);
  });

  test(
    'forked where its alignment began, with other weights from there, it aligns the same SFT otherwise',
    async () => {
      forked = await forkedAndShared(page);
      const { report } = forked;
      expect(report.table.slice(0, 2)).toEqual(whole.table.slice(0, 2));
      expect(report.popo.steps).toHaveLength(config.popo.steps);
      for (const { weightsBefore, weightsAfter } of report.popo.steps) {
        expect(weightsBefore[0]).toBeCloseTo(0.9, 6);
        expect(weightsAfter).toEqual(weightsBefore);
      }
      // The same prompts and the same SFT: the first step's rollouts are the same, and what they are paid.
      expect(report.popo.steps[0].rewards).toEqual(whole.popo.steps[0].rewards);
      expect(parseLink(report.link)).toMatchObject({ config: { seed: 3 }, changes: report.changes });
      expect(report.changes).toHaveLength(2);
      expect(page.errors).toEqual([]);
    },
    12 * MINUTES,
  );

  test(
    'opened from its link, cut off in the midst of a stage, taken over by another tab, and robbed of its GPU, it gives the same bits',
    async () => {
      await opensShared(page, forked.shared);
      await page.click('[data-action="train"]');
      await reach('warmup', 8);
      // As the browser tells a tab that it may be ended without another word.
      await page.evaluate(() => void document.dispatchEvent(new Event('freeze')), null);
      const kept = () =>
        page.evaluate(() => globalThis.taiji!.savedRuns().find((run) => !run.finished), null);
      await vi.waitFor(async () => expect((await kept())?.step).toBeGreaterThanOrEqual(8), {
        timeout: 60_000,
      });

      const other = await page.openTab();
      await other.goto(inject('pageUrl'));
      const there = () =>
        other.evaluate(() => {
          const run = globalThis.taiji!.savedRuns().find(({ finished }) => !finished);
          const button = document.querySelector<HTMLButtonElement>('.saved [data-action="resume-run"]');
          return { isElsewhere: run?.isElsewhere, isDisabled: button?.disabled };
        }, null);
      const looking = { timeout: 60_000 };
      await vi.waitFor(
        async () => expect(await there()).toEqual({ isElsewhere: true, isDisabled: true }),
        looking,
      );
      // No pause, no word: this tab is gone.
      await page.goto('about:blank');
      await vi.waitFor(
        async () => expect(await there()).toEqual({ isElsewhere: false, isDisabled: false }),
        looking,
      );
      const left = await other.evaluate(() => globalThis.taiji!.savedRuns()[0], null);
      expect(left.stage === 'warmup' ? left.step : Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(8);
      await other.close();

      await page.goto(inject('pageUrl'));
      await page.click('.saved [data-action="resume-run"]');
      await reach('sft', 6);
      await page.evaluate(() => globalThis.taiji!.loseDevice(), null);
      await reach('popo', 2);
      carried = await page.evaluate(asText, null);
      await reached(page, 'done');
      const resumed = await page.evaluate(
        () => ({ report: globalThis.taiji!.report()!, notices: globalThis.taiji!.notices() }),
        null,
      );
      expect(resumed.report.fingerprint).toEqual(forked.report.fingerprint);
      expect(resumed.report.stages.map(({ loss }) => loss)).toEqual(
        forked.report.stages.map(({ loss }) => loss),
      );
      expect(resumed.report.changes).toEqual(forked.report.changes);
      await hasItsWordsAfterAReload();
      expect(resumed.notices.map(({ message }) => message)).toContainEqual(
        expect.stringContaining('GPU was lost'),
      );
      expect(page.errors).toEqual([]);
    },
    15 * MINUTES,
  );

  test(
    'carried to another browser as a file, it is taken in there and comes to the same bits',
    async () => {
      const elsewhere = await openBrowser('chromium');
      try {
        await elsewhere.goto(inject('pageUrl'));
        const taken = await elsewhere.evaluate(async (base64) => {
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          await globalThis.taiji!.importRun(new File([bytes], 'run.zip'));
          return { notices: globalThis.taiji!.notices(), runs: globalThis.taiji!.savedRuns() };
        }, carried);
        expect(taken.runs).toMatchObject([{ finished: false, config: { seed: 3 } }]);
        expect(taken.notices.at(-1)?.message).toMatch(
          /^The run of tiny, seed 3, at step .* resume it below\.$/,
        );
        await elsewhere.click('.saved [data-action="resume-run"]');
        await reached(elsewhere, 'done');
        const report = await elsewhere.evaluate(() => globalThis.taiji!.report()!, null);
        expect(report.fingerprint).toEqual(forked.report.fingerprint);
        expect(elsewhere.errors).toEqual([]);
      } finally {
        await elsewhere.close();
      }
    },
    8 * MINUTES,
  );
});

/** The file of the run on show; results of a page travel as JSON. */
async function asText(): Promise<string> {
  const { bytes } = await globalThis.taiji!.exportRun();
  let letters = '';
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters);
}
