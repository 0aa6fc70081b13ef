import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importFiles } from '../../src/commands/dataFiles';
import { interactionsCsv } from '../data/sources';

function written(text: string): string[] {
  const path = join(mkdtempSync(join(tmpdir(), 'taiji-')), 'log.csv');
  writeFileSync(path, text);
  return [path];
}

test('columns are read as they were said to be, and what was read is told', async () => {
  const paths = written(interactionsCsv(6, 8));
  const lines: string[] = [];
  const said = await importFiles(paths, 'title=categories,time=none', (line) => lines.push(line));
  expect(said.items[0].title).toBe('home kind 0 sort 0');
  expect(lines.join('\n')).toMatch(/title: categories \(You said so\.\)/);
  expect(lines.join('\n')).toMatch(/not read of log\.csv: time, title/);
  const guessed = await importFiles(paths, '', () => {});
  expect(guessed.items[0].title).toBe('thing 0 deluxe');
  expect(guessed.sha256).not.toBe(said.sha256);
});

test('a guess that a person should look at is refused where there is nobody to look', async () => {
  const paths = written(interactionsCsv(6, 8).replace('user,item', 'session_id,item'));
  await expect(importFiles(paths, '', () => {})).rejects.toThrow(
    /Which column holds the user is only a guess.*--map user=/,
  );
  expect((await importFiles(paths, 'user=session_id', () => {})).users).toHaveLength(6);
});
