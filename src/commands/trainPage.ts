/** Trains on the page, in a headless browser, through the page's own controls and `window.taiji`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserName, type BrowserPage, openBrowser } from '../browsers/browser';
import type { FingerprintComparison } from '../run/fingerprint';
import { formatLink } from '../run/link';
import { decider } from './onDivergence';
import { ProgressLines } from './progress';
import { servePage } from './serve';
import type { TrainOptions } from './trainOptions';
import type { TrainResult } from './trainResult';

/** Milliseconds between looks at the page. */
const POLL = 500;

export async function trainOnPage(
  options: TrainOptions,
  name: BrowserName,
  say: (line: string) => void,
): Promise<TrainResult> {
  const server = await servePage({ port: 0 });
  let page: BrowserPage | null = null;
  try {
    page = await openBrowser(name);
    say(`Training ${options.config.preset}, seed ${options.config.seed}, on the page in ${page.version}.`);
    return await trainHere(page, server.url, options, say);
  } finally {
    await page?.close();
    await server.close();
  }
}

export interface TrainedOnPage extends TrainResult {
  /** What the page itself says of the run against its link; null where the link promised nothing. */
  verdict: FingerprintComparison | null;
}

/** Opens the page at `url`, sets it up, trains to the end and takes the results out. @throws with the page's own sentence. */
export async function trainHere(
  page: BrowserPage,
  url: string,
  {
    config,
    dataset,
    expected,
    data,
    changes = [],
    onDivergence = 'go-on',
    sized = null,
    cots = null,
    teacherKey = null,
  }: Pick<TrainOptions, 'config' | 'dataset' | 'expected' | 'data'> & Partial<TrainOptions>,
  say: (line: string) => void,
): Promise<TrainedOnPage> {
  // From elsewhere, so that the page is loaded anew even if only the link differs.
  await page.goto('about:blank');
  await page.goto(url + formatLink(config, dataset, expected, changes));
  await until(page, () => globalThis.taiji !== undefined);
  if (data.length > 0) await importFiles(page, data, say);
  if (sized !== null) await sizeToData(page, sized);
  if (cots !== null) await importCots(page, cots.path, say);
  if (teacherKey !== null) await page.evaluate((key) => globalThis.taiji!.setTeacherKey(key), teacherKey);
  await page.evaluate(() => void globalThis.taiji!.start(), null);
  await followRun(page, decider(onDivergence), say);
  const report = await page.evaluate(() => globalThis.taiji!.report(), null);
  if (report === null) throw new Error('The run was stopped before its end.');
  const verdict = await page.evaluate(() => globalThis.taiji!.verdict(), null);
  return { report, files: await resultFiles(page), verdict };
}

async function sizeToData(page: BrowserPage, assignments: readonly string[]): Promise<void> {
  await page.evaluate(async (wanted) => {
    await globalThis.taiji!.size();
    for (const assignment of wanted) globalThis.taiji!.set(assignment);
  }, assignments);
}

async function until(page: BrowserPage, condition: () => boolean): Promise<void> {
  while (!(await page.evaluate(condition, null))) {
    if (page.errors.length > 0) throw new Error(`The page failed: ${page.errors.join(' ')}`);
    await sleep(POLL / 5);
  }
}

async function importFiles(page: BrowserPage, paths: string[], say: (line: string) => void): Promise<void> {
  say(`Importing ${paths.length === 1 ? paths[0] : `${paths.length} files`}.`);
  await page.upload('input[data-files=data]', paths);
  await until(page, () => globalThis.taiji!.imported() !== null || globalThis.taiji!.preview() !== null);
  await page.evaluate(() => globalThis.taiji!.keepImport(), null);
  const imported = await page.evaluate(() => globalThis.taiji!.imported(), null);
  if (imported === null || 'problem' in imported)
    throw new Error(imported?.problem ?? 'Nothing was imported.');
  const { summary } = imported;
  say(`${summary.id}: ${summary.users} users, ${summary.items} items, ${summary.interactions} interactions.`);
  for (const line of [...summary.notes, ...summary.problems]) say(`  ${line}`);
}

async function importCots(page: BrowserPage, path: string, say: (line: string) => void): Promise<void> {
  await page.upload('input[data-files=cots]', [path]);
  await until(page, () => globalThis.taiji!.importedCots() !== null);
  const imported = await page.evaluate(() => globalThis.taiji!.importedCots(), null);
  if (imported === null || 'problem' in imported) throw new Error(imported?.problem ?? 'No CoTs were read.');
  const { summary } = imported;
  say(`${summary.name}: ${summary.cots} CoTs for ${summary.prompts} prompts.`);
}

/** Prints progress until the run is over. */
async function followRun(
  page: BrowserPage,
  decide: ReturnType<typeof decider>,
  say: (line: string) => void,
): Promise<void> {
  const lines = new ProgressLines(say);
  for (;;) {
    const { status, stages, notices, compiling, divergence } = await page.evaluate(
      () => ({
        status: globalThis.taiji!.status(),
        stages: globalThis.taiji!.stages(),
        notices: globalThis.taiji!.notices(),
        compiling: globalThis.taiji!.compiling(),
        divergence: globalThis.taiji!.divergence(),
      }),
      null,
    );
    for (const { level, message } of notices) lines.notice(level, message);
    for (const stage of stages) lines.stage(stage);
    lines.compiling(compiling);
    if (divergence !== null) {
      const choice = await decide(divergence);
      lines.divergence(divergence, choice);
      await page.evaluate((made) => globalThis.taiji!.decide(made), choice);
    }
    if (status === 'done') return;
    if (status === 'idle') throw new Error('The run was stopped before its end: its training ran away.');
    if (status === 'error')
      throw new Error(notices.findLast(({ level }) => level === 'error')?.message ?? 'The run failed.');
    if (page.errors.length > 0) throw new Error(`The page failed: ${page.errors.join(' ')}`);
    await sleep(POLL);
  }
}

/** Bytes travel out of the page as base64, in pieces that a browser's protocol takes. */
async function resultFiles(page: BrowserPage): Promise<TrainResult['files']> {
  const PIECE = 3 * 2 ** 20;
  const sizes = await page.evaluate(async () => {
    const files = [
      ...(await globalThis.taiji!.exportModel()),
      await globalThis.taiji!.exportCots(),
      await globalThis.taiji!.exportRun(),
    ];
    (globalThis as { taijiFiles?: typeof files }).taijiFiles = files;
    return files.map(({ name, bytes }) => ({ name, length: bytes.length }));
  }, null);
  const files: TrainResult['files'] = [];
  for (const [index, { name, length }] of sizes.entries()) {
    const pieces: Buffer[] = [];
    for (let start = 0; start < length; start += PIECE) {
      const piece = await page.evaluate(
        async ({ index, start, end }) => {
          const { taijiFiles } = globalThis as { taijiFiles?: { bytes: Uint8Array<ArrayBuffer> }[] };
          const blob = new Blob([taijiFiles![index].bytes.subarray(start, end)]);
          const reader = new FileReader();
          const url = await new Promise<string>((resolve) => {
            reader.onload = () => resolve(String(reader.result));
            reader.readAsDataURL(blob);
          });
          return url.slice(url.indexOf(',') + 1);
        },
        { index, start, end: Math.min(length, start + PIECE) },
      );
      pieces.push(Buffer.from(piece, 'base64'));
    }
    files.push({ name, bytes: Buffer.concat(pieces) });
  }
  return files;
}
