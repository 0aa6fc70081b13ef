import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CONFIG_REFERENCE, configReference } from '../../src/commands/docs';
import { configPaths } from '../../src/run/diff';

test('docs/CONFIG.md is what the fields say: run npm run docs', () => {
  expect(readFileSync(CONFIG_REFERENCE, 'utf8')).toBe(configReference());
});

test('the reference has one row per field, of as many cells as its head', () => {
  const rows = configReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1])).toHaveLength(configPaths().length);
  expect(new Set(rows.map((row) => row.split(/(?<!\\)\|/).length))).toEqual(new Set([10]));
  const eta = rows.find((row) => row.startsWith('| `popo.eta_over_mu`'));
  expect(eta).toMatch(
    /\| `0\.1` \| {2}\|.*\| a number from -1000 to 1000 \| η\/μ .* \*Not always read: Only the weighting POPO/,
  );
  const steps = rows.find((row) => row.startsWith('| `warmup.steps`'));
  // Where the versions of a preset differ, both are told.
  expect(steps).toMatch(
    /\| `700`, `1000` \| `1000`, `1500` \| `2000` \| `4000` \| `6000` \| .* \(steps\) \|/,
  );
});
