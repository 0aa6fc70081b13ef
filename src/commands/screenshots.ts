/** `npm run screenshots`: a picture of every state of the page, wide and narrow, light and dark, for somebody to look at. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from '../browsers/chromium';

const USAGE = `npm run screenshots -- [--out DIR]
  --out DIR   where the pictures go; screenshots where it is left out`;

export async function main(args: string[]): Promise<number> {
  let out: string;
  try {
    out = resolve(
      parseArgs({ args, options: { out: { type: 'string', default: 'screenshots' } } }).values.out,
    );
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  ensureChromium();
  mkdirSync(out, { recursive: true });
  // The states are those that axe is asked about, so that none is looked at and not tested.
  const { status } = spawnSync('vitest', ['run', '--project', 'played', 'test/page/accessibility.test.ts'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, TAIJI_PICTURES: out },
  });
  console.log(`Pictures are in ${out}.`);
  return status ?? 1;
}
