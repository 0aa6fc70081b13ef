/**
 * The documents for people, held to what they promise: short sentences, and no path, link, anchor or command that is not there.
 * LOG.md is a diary, so its sentences and old paths are its own; only its titles are checked.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const LONGEST_README = 150;
const LONGEST_SENTENCE = 40;

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const withoutFences = (text: string) => text.replace(/^```.*\n[\s\S]*?^```$/gm, '');

/** Paragraphs, list items, headings and table cells, each as one line without markup. Code within a line is one word. */
function passages(text: string): string[] {
  const blocks: string[][] = [[]];
  for (const line of withoutFences(text).split('\n')) {
    const title = /^#+\s+(.*)$/.exec(line);
    const item = /^\s*(?:[-*]|\d+\.|>)\s+(.*)$/.exec(line);
    const isCode = /^ {4}/.test(line) && blocks.at(-1)?.length === 0;
    if (line.trim() === '' || isCode) blocks.push([]);
    else if (line.startsWith('|')) blocks.push(...line.split(/(?<!\\)\|/).map((cell) => [cell]), []);
    else if (title !== null) blocks.push([title[1]], []);
    else if (item !== null) blocks.push([item[1]]);
    else blocks.at(-1)?.push(line);
  }
  return blocks.flatMap((lines) => {
    const plain = lines
      .join(' ')
      .replace(/`[^`]*`/g, 'code')
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/\*\*|<[^>]+>/g, '')
      .trim();
    return plain === '' ? [] : [plain];
  });
}

/** A sentence ends in a mark with a space behind it, so that `L3 .329`, `report.json` and `e^1.25` are no ends. */
const sentencesOf = (text: string) =>
  passages(text).flatMap((passage) => passage.split(/(?<=[.!?]["’)\]]?)\s+/));

/** Whatever holds a letter or a digit is a word. */
const countWords = (sentence: string) =>
  sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** As GitHub names the anchors of headings. */
const anchorsOf = (text: string) =>
  [...withoutFences(text).matchAll(/^#+\s+(.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );

/** Paths from the root; one with a placeholder, such as `src/popo/rules/<name>.ts`, as far as its folder. */
const pathsOf = (text: string) =>
  [...text.matchAll(/(?<![\w./-])(?:src|shaders|test|docs|public)\/[\w./-]*[<{*]?/g)].map(([path]) =>
    path.replace(/[^/]*[<{*]$/, '').replace(/\.$/, ''),
  );

/** Links within the repository, as [file, anchor]. */
const linksOf = (file: string, text: string) =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path, anchor = ''] = target.split('#');
      return { target, path: path === '' ? file : join(dirname(file), path), anchor };
    });

describe.each(DOCUMENTS)('%s', (file) => {
  const text = read(file);

  test(`no sentence has more than ${LONGEST_SENTENCE} words`, () => {
    const long = sentencesOf(text).filter((sentence) => countWords(sentence) > LONGEST_SENTENCE);
    expect(long).toEqual([]);
  });

  test('no sentence has more than one semicolon', () => {
    expect(sentencesOf(text).filter((sentence) => sentence.split(';').length > 2)).toEqual([]);
  });

  test('every path that it names exists', () => {
    expect(pathsOf(text).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('every link within the repository leads somewhere', () => {
    const isThere = ({ path, anchor }: { path: string; anchor: string }) =>
      existsSync(join(ROOT, path)) && (anchor === '' || anchorsOf(read(path)).includes(anchor));
    expect(linksOf(file, text).filter((link) => !isThere(link))).toEqual([]);
  });

  test('every npm script that it names exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
      ([, run, own]) => run ?? own,
    );
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

test(`README.md has at most ${LONGEST_README} lines`, () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(LONGEST_README);
});

test('titles of LOG.md begin with a date, the newest first', () => {
  const titles = read('LOG.md').match(/^## .*$/gm) ?? [];
  expect(titles.filter((title) => !/^## \d{4}-\d{2}-\d{2}: \S/.test(title))).toEqual([]);
  const dates = titles.map((title) => title.slice(3, 13));
  expect(dates).toEqual([...dates].sort().reverse());
  expect(dates.length).toBeGreaterThan(0);
});

test('Markdown is read as people read it', () => {
  const text = [
    '# A title',
    'It opens `report.json; and more` with',
    'L3 .329. [A link; named](docs/A.md#b) ends here; so it does.',
    '- one item; two',
    '- another',
    '',
    '    code; is; left out',
    '',
    '```sh',
    'so; is; this',
    '```',
    '| a cell | another. And a third |',
  ].join('\n');
  expect(sentencesOf(text)).toEqual([
    'A title',
    'It opens code with L3 .329.',
    'A link; named ends here; so it does.',
    'one item; two',
    'another',
    'a cell',
    'another.',
    'And a third',
  ]);
  expect(countWords('Two – words, 3.')).toBe(3);
  expect(pathsOf('`src/a.ts`, x/src/b.ts, shaders/<name>.wgsl and src/c.')).toEqual([
    'src/a.ts',
    'shaders/',
    'src/c',
  ]);
  expect(linksOf('docs/A.md', '[b](B.md#c) [d](https://e.f) [g](#h)')).toEqual([
    { target: 'B.md#c', path: 'docs/B.md', anchor: 'c' },
    { target: '#h', path: 'docs/A.md', anchor: 'h' },
  ]);
});
