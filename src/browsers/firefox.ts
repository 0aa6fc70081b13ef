/**
 * A headless Firefox with WebGPU, driven over WebDriver BiDi. On Linux without a GPU it takes Mesa's lavapipe; its WGSL
 * compiler is Naga, so it is a second opinion on every shader.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { softwareDrivers } from './adapters.ts';

const USUAL_PLACES: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ['/Applications/Firefox.app/Contents/MacOS/firefox'],
  win32: ['C:\\Program Files\\Mozilla Firefox\\firefox.exe'],
};

const PREFERENCES = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  // A software adapter may take longer over a step than a watchdog allows.
  'dom.max_script_run_time': 0,
};

/** Path of a Firefox that starts (FIREFOX_PATH, the PATH, its usual place), or null. */
export function findFirefox(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const candidates = [
    ...(process.env.FIREFOX_PATH ? [process.env.FIREFOX_PATH] : []),
    ...['firefox', 'firefox-esr'].flatMap((name) => folders.map((folder) => join(folder, name))),
    ...(USUAL_PLACES[process.platform] ?? []),
  ];
  const starts = (path: string) =>
    existsSync(path) &&
    (process.platform === 'win32' ||
      spawnSync(path, ['--version'], { timeout: 30_000, stdio: 'ignore' }).status === 0);
  return candidates.find(starts) ?? null;
}

/** @throws an Error where there is no Firefox. Close the browser when done. */
export async function launchFirefox(): Promise<Browser> {
  const executablePath = findFirefox();
  if (executablePath === null)
    throw new Error('No Firefox found: install Firefox 141 or newer, or set FIREFOX_PATH.');
  // A driver that was chosen from outside stays; otherwise the same software on every machine.
  const driver = process.env.VK_ICD_FILENAMES ? {} : softwareDrivers()[0]?.env;
  const { launch } = await import('puppeteer-core');
  return launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    protocolTimeout: 3_600_000,
    extraPrefsFirefox: PREFERENCES,
    env: { ...process.env, ...driver },
  });
}
