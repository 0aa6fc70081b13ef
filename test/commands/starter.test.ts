/** What lies beside the page to play with: it is there, it is what the page was built with, and it is what its link says. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MOST_BYTES } from '../../src/commands/starter';
import { sha256 } from '../../src/numeric/hash';
import { formatLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import { unpackRun } from '../../src/run/runFile';
import { STARTERS } from '../../src/run/starters';

it('is few bytes', () => {
  expect(STARTERS.map(({ file }) => file)).toEqual(['start/tiny-v2-7.zip']);
  expect(MOST_BYTES).toBe(2_000_000);
  expect(STARTERS.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(MOST_BYTES);
});

it.each(STARTERS)('$file is sound: of a frozen preset, at the first step of alignment', async (starter) => {
  const bytes = new Uint8Array(readFileSync(`public/${starter.file}`));
  expect({ bytes: bytes.length, sha256: await sha256(bytes) }).toEqual({
    bytes: starter.bytes,
    sha256: starter.sha256,
  });
  const { checkpoint } = await unpackRun(bytes);
  const { config, changes, stage, step } = checkpoint.state;
  expect([stage, step, changes]).toEqual(['popo', 0, []]);
  expect(formatLink(config, null, null)).toBe(starter.link);
  // Kernels are the ones that it was trained with; every adapter has these.
  expect(config).toEqual({ ...presetConfig(config), seed: 7, kernels: 'portable' });
});
