/** `--map` reaches the data set and the config of a run, in each command that trains without a page. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { main as study } from '../../src/commands/study';
import { trainOnDawn } from '../../src/commands/trainDawn';
import { parseTrainOptions } from '../../src/commands/trainOptions';
import type { runPipeline } from '../../src/run/runner';
import { interactionsCsv } from '../data/sources';

type Asked = Pick<Parameters<typeof runPipeline>[0], 'config' | 'loadDataset'>;

const asked = vi.hoisted(() => [] as Asked[]);
vi.mock('../../src/browsers/dawn', () => ({ openDawn: () => ({}) }));
vi.mock('../../src/run/runner', () => ({
  runPipeline: async ({ config, loadDataset }: Asked) => {
    asked.push({ config, loadDataset });
    throw new Error('far enough');
  },
}));

/** A table whose titles are taken from another column only where somebody says so. */
function given(...more: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'taiji-'));
  writeFileSync(join(folder, 'log.csv'), interactionsCsv(6, 8));
  return ['--out', join(folder, 'out'), '--preset', 'tiny', '--data', join(folder, 'log.csv'), ...more];
}

beforeEach(() => {
  asked.length = 0;
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

async function expectMapped([{ config, loadDataset }]: readonly Asked[], map: string, title: string) {
  expect([config.data.source, config.data.map]).toEqual(['import', map]);
  const dataset = await loadDataset();
  expect(dataset.items[0].title).toBe(title);
  expect(config.data.sha256).toBe(dataset.sha256);
}

test.each([
  ['title=categories', 'home kind 0 sort 0'],
  ['', 'thing 0 deluxe'],
])('npm run train, with --map "%s"', async (map, title) => {
  const options = parseTrainOptions(given('--adapter', 'dawn', ...(map === '' ? [] : ['--map', map])));
  await expect(trainOnDawn(options, () => undefined)).rejects.toThrow('far enough');
  await expectMapped(asked, map, title);
});

test.each([
  ['title=categories', 'home kind 0 sort 0'],
  ['', 'thing 0 deluxe'],
])('npm run study, with --map "%s"', async (map, title) => {
  const options = given('--seeds', '1');
  expect(await study([...options, ...(map === '' ? [] : ['--map', map])])).toBe(1);
  await expectMapped(asked, map, title);
});
