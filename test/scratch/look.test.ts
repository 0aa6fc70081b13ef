import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'vitest';
import { interactionCount } from '../../src/data/dataset';
import { importDataset } from '../../src/data/importDataset';
import { file } from '../data/sources';

const dir = process.env.CASES ?? 'test/data/cases';
test('look', async () => {
  const out: string[] = [];
  for (const line of readFileSync(`${dir}/cases.jsonl`, 'utf8').trim().split('\n')) {
    const { name, file: given, expect: wanted } = JSON.parse(line);
    if (process.env.ONLY && !name.includes(process.env.ONLY)) continue;
    const names = Array.isArray(given) ? given : [given];
    if (names[0].startsWith('(')) continue;
    const start = performance.now();
    const files = names.map((each: string) =>
      file(
        Array.isArray(given) ? each.slice(each.indexOf('__') + 2) : each,
        new Uint8Array(readFileSync(`${dir}/${each}`)),
      ),
    );
    out.push(`== ${name} | WANT ${wanted}`);
    try {
      const { dataset, preview, problems } = await importDataset(files);
      out.push(
        `  ${dataset.users.length}u ${dataset.items.length}i ${interactionCount(dataset)}x conv ${preview.counts.conversions} dup ${preview.counts.duplicates} ties ${preview.counts.ties} | ${preview.choices
          .map((c) => `${c.role}=${c.columns.join('+')}${c.sure ? '' : '?'}`)
          .filter((s) => !s.endsWith('='))
          .join(' ')}`,
      );
      out.push(`  ${JSON.stringify(dataset.items[0])} h0 ${dataset.users[0].history.join(',')}`);
      for (const [k, list] of Object.entries({
        note: dataset.notes.filter((n) => !/core:|Leave-one|Impressions,/.test(n)),
        problem: problems,
        doubt: preview.doubts,
        notRead: preview.notRead.map((n) => n.file + ' ' + n.reason),
      }))
        for (const l of list) out.push(`    ${k}: ${l}`);
      out.push(`    conv: ${preview.counts.conversion}`);
    } catch (error) {
      out.push(`  REFUSED ${(error as Error).name}: ${(error as Error).message}`);
      if ((error as Error).name !== 'ImportError') out.push(String((error as Error).stack));
    }
    if (performance.now() - start > 2000) out.push(`  SLOW ${performance.now() - start}`);
  }
  writeFileSync('/tmp/look.txt', out.join('\n'));
}, 200000);
