import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { interactionCount } from '../../src/data/dataset';
import { importDataset } from '../../src/data/importDataset';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';
import { file } from './sources';

/** Where developers keep the real data, beside the repository; it is not part of it. */
const FOLDERS = ['../../../shared/data/completejourney/', '../../../../shared/data/completejourney/'].map(
  (path) => new URL(path, import.meta.url),
);

test('the real Complete Journey sample, where it is present, imports to the counts its readme states', async () => {
  const folder = FOLDERS.find((url) => existsSync(new URL('transactions.csv', url)));
  if (!folder) {
    console.info(
      'The Complete Journey sample is absent; formats.test.ts checks the importer on fixtures alone.',
    );
    expect(FOLDERS.map((url) => existsSync(url))).toEqual([false, false]);
    return;
  }
  const files = await Promise.all(
    ['transactions.csv', 'products.csv', 'demographics.csv'].map(async (name) =>
      file(name, await readFile(new URL(name, folder))),
    ),
  );
  const { dataset, problems } = await importDataset(files);
  expect([interactionCount(dataset), dataset.users.length, dataset.items.length]).toEqual([
    44_699, 1829, 3568,
  ]);
  expect(dataset.splits.train).toHaveLength(44_699 - 3 * 1829);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(
    /^transactions\.csv: \d+ of \d+ items \(product .*\) are not listed in products\.csv; their ids name them$/,
  );
  expect(new Set(dataset.items.map(({ title }) => title)).size).toBe(3568);

  // Titles and categories are short enough for the smallest preset's vocabulary and lengths.
  const tokenizer = trainTokenizer(corpus(dataset), 512);
  const format = new PromptFormat(dataset, tokenizer, {
    historyLength: 3,
    maxPromptLength: 56,
    maxCompletionLength: 40,
  });
  const lengths = dataset.items.map((_, item) => format.answer(item).length).sort((a, b) => a - b);
  expect(lengths[lengths.length >> 1]).toBeLessThanOrEqual(24);
});
