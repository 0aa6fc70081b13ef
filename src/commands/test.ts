/**
 * `npm test`: everything, on this machine. Gets what is missing and can be had (a Chromium, a Vulkan loader, Firefox), checks
 * types, style and dead code, runs every vitest project, and says at the end what ran, what could not, and the counts.
 * Further arguments go to vitest: `npm test -- --project node`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { findNodeAdapters } from '../browsers/adapters.ts';
import { aptInstall, ensureChromium } from '../browsers/chromium.ts';
import { findFirefox } from '../browsers/firefox.ts';

const RESULTS = '.cache/test.json';

const shell = process.platform === 'win32';

function step(title: string, command: string, ...args: string[]): boolean {
  console.log(`\n${title}`);
  return spawnSync(command, args, { stdio: 'inherit', shell }).status === 0;
}

/** A check beside others: what it says is printed when it has ended, so that it stays together. */
function check(title: string, command: string, ...args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], shell });
    const said: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes));
    const end = (passed: boolean, why = '') => {
      console.log(`\n${title}\n${Buffer.concat(said)}${why}`);
      resolve(passed);
    };
    child.on('error', (error) => end(false, error.message));
    child.on('close', (code) => end(code === 0));
  });
}

/** What vitest's JSON reporter wrote; null when it did not get that far. */
function readResults(): { numPassedTests: number; numFailedTests: number; numTotalTests: number } | null {
  try {
    return JSON.parse(readFileSync(RESULTS, 'utf8'));
  } catch {
    return null;
  }
}

export async function main(args: string[]): Promise<number> {
  const chromium = ensureChromium();
  if (findNodeAdapters().length === 0) aptInstall('libvulkan1');
  if (findFirefox() === null && process.platform === 'linux') aptInstall('firefox-esr');
  const adapters = findNodeAdapters().map((adapter) => adapter.name);
  const firefox = findFirefox();

  const failed: string[] = [];
  const [types, style, used] = await Promise.all([
    check('Types', 'tsc', '--noEmit'),
    check('Style', 'biome', 'check', '.'),
    check('Dead code', 'knip'),
  ]);
  if (!types) failed.push('types');
  if (!style) failed.push('style');
  if (!used) failed.push('dead code');
  rmSync(RESULTS, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
  if (!step('Tests', 'vitest', 'run', ...reporters, ...args)) failed.push('tests');
  const results = readResults();

  console.log(`\nChromium: ${chromium}`);
  console.log(`Adapters of the kernel tests in Node: ${adapters.join(', ') || 'none (a failure)'}`);
  console.log(
    `Firefox: ${firefox ?? 'none found, so the Firefox page tests did not run (install it, or set FIREFOX_PATH)'}`,
  );
  if (failed.length > 0) console.log(`Failed: ${failed.join(', ')}`);
  if (results === null) console.log('vitest wrote no results.');
  else
    console.log(`${results.numPassedTests} passed, ${results.numTotalTests - results.numPassedTests} failed`);
  return failed.length === 0 && results !== null ? 0 : 1;
}
