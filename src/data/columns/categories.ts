/**
 * Categories as data files write them: lists, paths and single names. What separates levels is decided by the whole
 * column, since a comma is a separator in one file and part of a name in the next.
 */
import { decodeEntities } from './entities';
import { firstPath, parseList } from './lists';
import { isNone } from './none';

export interface CategoryReader {
  /** Widest first; none where the cell names no category. */
  levels(cell: string): string[];
  /** How levels are told apart: `levels between “>”`. */
  words: string;
}

/** Distinct cells that the separator is decided by. */
const LOOKED_AT = 20_000;
/** Longer cells are cut, and deeper paths. */
const LONGEST = 10_000;
const DEEPEST = 32;

const NO_CATEGORY = new Set(
  [
    '(no genres listed)',
    'no genres listed',
    'no category',
    'uncategorized',
    'uncategorised',
    '[]',
    '{}',
    '()',
    '-',
  ].concat(['""', "''", '[nan]', '[none]', '(none)', '?', '--']),
);

interface Separator {
  name: string;
  split: RegExp;
  isUsed(cells: readonly string[]): boolean;
}

const ARROWS = /\s*(?:-?>+|»|›|→|➔|➜)\s*/;

/** In the order of their strength: the first that is used is the separator. */
const SEPARATORS: readonly Separator[] = [
  { name: '>', split: ARROWS, isUsed: (cells) => share(cells, /[>»›→➔➜]/) >= 0.05 },
  { name: '|', split: /\s*\|+\s*/, isUsed: (cells) => share(cells, /\|/) >= 0.05 },
  { name: '::', split: /\s*::\s*/, isUsed: (cells) => share(cells, /::/) >= 0.2 },
  { name: ';', split: /\s*;\s*/, isUsed: (cells) => share(cells, /;/) >= 0.2 },
  { name: '\\', split: /\s*\\+\s*/, isUsed: (cells) => share(cells, /\\/) >= 0.5 },
  {
    name: '/',
    split: /\s*\/+\s*/,
    isUsed: (cells) => share(cells, /^\/|\S\s*\/\s*\S/) >= 0.5 && recur(cells, /\s*\/+\s*/),
  },
  {
    name: '.',
    split: /\./,
    isUsed: (cells) =>
      cells.length > 0 && share(cells, /^\p{L}[\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_-]+)+$/u) >= 0.98,
  },
  {
    name: ',',
    split: /\s*,\s*/,
    isUsed: (cells) => share(cells, /,/) >= 0.3 && share(cells, ENUMERATION) < 0.5 && recur(cells, /\s*,\s*/),
  },
  {
    name: ' - ',
    split: /\s+[-–—]\s+/,
    isUsed: (cells) => share(cells, / [-–—] /) >= 0.5 && recur(cells, /\s+[-–—]\s+/),
  },
  { name: ':', split: /\s*:\s*/, isUsed: (cells) => share(cells, /:/) >= 0.5 && recur(cells, /\s*:\s*/) },
];

/** One name of several words: "Clothing, Shoes & Jewelry". */
const ENUMERATION = /^[^,]+(?:, [^,]+)*,? (?:&|and|und|et|y|e) [^,]+$/;

/**
 * @param cells the distinct cells of the column
 * @param type RecBole's: in a `token_seq` spaces separate, where nothing else does
 */
export function categoryReader(cells: Iterable<string>, type: string | null = null): CategoryReader {
  const looked: string[] = [];
  let lists = 0;
  for (const cell of cells) {
    if (looked.length + lists >= LOOKED_AT) break;
    const text = cleaned(cell);
    if (isNothing(text)) continue;
    if (parseList(text)) lists++;
    else looked.push(text);
  }
  const separator = SEPARATORS.find(({ isUsed }) => isUsed(looked)) ?? null;
  const isSpaced = separator === null && type === 'token_seq';
  const split = isSpaced ? /\s+/ : (separator?.split ?? null);
  const forms = [
    ...(lists > 0 ? ['lists'] : []),
    ...(looked.length === 0 ? [] : [formWords(separator, isSpaced)]),
  ];
  return {
    levels: (cell) => levelsOf(cleaned(cell), split),
    words: forms.join(' and ') || 'no categories',
  };
}

function formWords(separator: Separator | null, isSpaced: boolean): string {
  if (isSpaced) return 'names between spaces';
  if (!separator) return 'one level, as it stands';
  return `levels between “${separator.name}”${separator.name === ',' ? ', in the order in which they stand' : ''}`;
}

function levelsOf(text: string, split: RegExp | null): string[] {
  if (isNothing(text)) return [];
  const list = parseList(text);
  if (list) {
    const path = firstPath(list);
    // Flipkart: a list of one string, which is a path.
    const [first = ''] = path;
    const isPath = path.length > 0 && path.every((level) => / ?>/.test(level));
    return clean(isPath ? first.split(ARROWS) : path);
  }
  if (split === ARROWS) return clean(firstOfPaths(text).split(ARROWS));
  return clean(split ? text.split(split) : [text]);
}

/** Of "A > B | C > D" the first. */
function firstOfPaths(text: string): string {
  for (const mark of ['|', ';']) {
    const paths = text.split(mark);
    if (paths.length > 1 && paths.every((path) => ARROWS.test(path))) return paths[0];
  }
  return text;
}

function clean(levels: readonly string[]): string[] {
  return levels
    .map((level) =>
      level
        .trim()
        .replace(/^(["'])(.*)\1$/, '$2')
        .trim(),
    )
    .filter((level) => !isNothing(level))
    .slice(0, DEEPEST);
}

function cleaned(cell: string): string {
  return decodeEntities(cell.slice(0, LONGEST)).trim();
}

function isNothing(text: string): boolean {
  return isNone(text) || NO_CATEGORY.has(text.toLowerCase());
}

function share(cells: readonly string[], pattern: RegExp): number {
  if (cells.length === 0) return 0;
  return cells.reduce((total, cell) => total + (pattern.test(cell) ? 1 : 0), 0) / cells.length;
}

/**
 * Whether a mark separates levels rather than being part of names: parts of different cells are the same then. Fewer
 * than three cells cannot tell, and it is taken to.
 */
function recur(cells: readonly string[], split: RegExp): boolean {
  const parts = cells.map((cell) => cell.split(split)).filter(({ length }) => length > 1);
  if (parts.length < 3) return true;
  const all = parts.flat();
  return new Set(all).size < 0.8 * all.length;
}
