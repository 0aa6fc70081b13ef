/**
 * Finds a Chromium that can run WebGPU, and installs one where none is found. Order: CHROMIUM_PATH, one on the PATH or in
 * its usual place, Playwright's own; to install: Debian's package as root, else Playwright's download.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Headless, and a software WebGPU adapter (SwiftShader) where there is no GPU: the same result on every machine. */
export const CHROMIUM_FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-dev-shm-usage',
];

const COMMANDS = ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser', 'chrome'];

const USUAL_PLACES: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
  ],
};

function onPath(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command)));
}

/** Builds that `playwright install chromium` left in its cache, newest first. */
function playwrights(): string[] {
  const cache =
    process.env.PLAYWRIGHT_BROWSERS_PATH ??
    {
      darwin: join(homedir(), 'Library/Caches/ms-playwright'),
      win32: join(process.env.LOCALAPPDATA ?? homedir(), 'ms-playwright'),
    }[process.platform as 'darwin' | 'win32'] ??
    join(homedir(), '.cache/ms-playwright');
  if (!existsSync(cache)) return [];
  const build = (name: string) => Number(name.split('-')[1]);
  return readdirSync(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .sort((a, b) => build(b) - build(a))
    .flatMap((name) =>
      [
        'chrome-linux/chrome',
        'chrome-linux64/chrome',
        'chrome-linux-arm64/chrome',
        'chrome-mac/Chromium.app/Contents/MacOS/Chromium',
        'chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
        'chrome-win/chrome.exe',
        'chrome-win64/chrome.exe',
      ].map((path) => join(cache, name, path)),
    );
}

/** Ubuntu has a `chromium-browser` that only asks for a snap. On Windows `--version` would open a window. */
function starts(path: string): boolean {
  if (!existsSync(path)) return false;
  if (process.platform === 'win32') return true;
  return spawnSync(path, ['--version'], { timeout: 30_000, stdio: 'ignore' }).status === 0;
}

let found: string | null | undefined;

/** Path of a Chromium that starts, or null. Throws when CHROMIUM_PATH names something else. */
export function findChromium(): string | null {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (starts(named)) return named;
    throw new Error(`CHROMIUM_PATH is ${named}, which does not start; correct it or unset it.`);
  }
  found ??=
    [...onPath(), ...(USUAL_PLACES[process.platform] ?? []), ...playwrights()].find(starts) ?? undefined;
  return found ?? null;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function isDebian(): boolean {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
}

function attempt(command: string, args: string[]): boolean {
  console.log(`  ${[command.split('/').at(-1), ...args].join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return (
    spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 900_000, env }).status === 0
  );
}

/** Installs distribution packages as root; false where that cannot be done. */
export function aptInstall(...packages: string[]): boolean {
  if (!isRoot() || !existsSync('/usr/bin/apt-get')) return false;
  return (
    attempt('apt-get', ['update', '-qq']) &&
    attempt('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages])
  );
}

/**
 * Path of a Chromium, installed first where there is none.
 * @throws an Error that says what to do when none can be had.
 */
export function ensureChromium(): string {
  const present = findChromium();
  if (present !== null) return present;
  console.log('No Chromium found; installing one.');
  if (isDebian()) aptInstall('chromium', 'libvulkan1');
  if (findChromium() === null) {
    const require = createRequire(import.meta.url);
    const cli = join(dirname(require.resolve('playwright-core/package.json')), 'cli.js');
    const withDeps = isRoot() && process.platform === 'linux' ? ['--with-deps'] : [];
    attempt(process.execPath, [cli, 'install', ...withDeps, '--no-shell', 'chromium']);
  }
  const installed = findChromium();
  if (installed !== null) return installed;
  throw new Error(
    'No Chromium found and none could be installed. Install Chromium or Google Chrome (113 or newer), or set ' +
      'CHROMIUM_PATH to one that is not on the PATH.',
  );
}
