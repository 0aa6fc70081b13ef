/**
 * Sentences in another language by their English. A catalogue is a text with one sentence a line, `English == 其他语言`, and `#` before a
 * remark. The English is as the page shows it, with placeholders: `{n}`, `{m}`, `{k}`, also with a digit behind, is a number; `{word}` is
 * one word, or some with `and` between; `{rawName}` is any text, which stays as it is; `{field}` is text without punctuation; any other
 * `{name}` is text within a sentence, and `{why}` and the like text of any length. Texts are looked up by themselves, at first as `name:text`, so that a word may mean one thing here and another
 * there. `<1>` is an element within the sentence. `[run was|runs were]` takes either wording.
 */

/** Where an element stands in a text is one letter of the private use area: the first is U+E000. */
const ELEMENT = '[\ue000-\uf8ff]';

const NUMBER = '[−+±-]?\\.?\\d[\\d\u202f.,]*(?:e[−+-]?\\d+)?(?:\u202f?[ ]?%)?|–|…';
const PART = /\{(\w+)\}|<(\d+)>|\[([^\]|]*(?:\|[^\]|]*)+)\]/g;
const PART_OUTSIDE = new RegExp(PART.source.replace(/\((?!\?)/g, '(?:'));

/** These may be several sentences; any other ends with its sentence. */
const LONG = /^(why|then|asked|gone|title|rawWhy)$/;

function sourceOf(name: string): string {
  if (/^[nmk]\d?$/.test(name)) return `(${NUMBER})`;
  if (name.startsWith('word')) return '(\\S+(?: and \\S+)*)';
  if (name.startsWith('field')) return '([^,:;.()\ue000-\uf8ff]+?)';
  return LONG.test(name) ? '([^\ue000-\uf8ff]+?)' : '((?:(?![.!?…]["”)]?\\s)[^\ue000-\uf8ff])+?)';
}

/** Between sentences. */
const END = /(?<=[.!?…]["”)]?)\s+(?=\S)/;

/** How a sentence is taken apart that no key fits as a whole, with what stands between its parts in Chinese. */
const JOINTS: readonly { at: RegExp; with: string; whole: boolean }[] = [
  { at: /;\s+/, with: '；', whole: false },
  { at: /:\s+/, with: '：', whole: false },
  { at: /\s+·\s+/, with: ' · ', whole: false },
  // What is left is a list, or prose that nobody has translated: only a list is translated in parts.
  { at: /,\s+/, with: '，', whole: true },
  { at: /\s+and\s+/, with: '和', whole: true },
  { at: /\s+or\s+/, with: '或', whole: true },
  { at: /\s+(?=[−+]?\.?\d[\d\u202f.]*$)/, with: ' ', whole: true },
];

interface Pattern {
  /** The longest text without placeholders, which is looked for first since that is quick. */
  literal: string;
  regex: RegExp;
  /** Names of what the regex captures, in its order. */
  names: string[];
  to: string;
  weight: number;
}

/** `stage:popo` is what `popo` means where a sentence has `{stage}`. */
const PLACE = /^(\w+):(?=\S)/;

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The placeholders of a key or of its translation, sorted: `{n}`, `<1>`. */
export function placeholders(text: string): string[] {
  return [...text.matchAll(PART)]
    .filter(([, , , words]) => words === undefined)
    .map(([all]) => all)
    .sort();
}

/** Parts of a key without placeholders, of which one alternative each is taken. */
export function literals(key: string): string[] {
  return key
    .replace(PLACE, '')
    .split(PART_OUTSIDE)
    .filter((part) => part.trim() !== '');
}

function patternOf(key: string, to: string): Pattern {
  const names: string[] = [];
  const parts = literals(key);
  const literal = parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
  const weight = parts.reduce((sum, part) => sum + part.length, 0);
  let source = '';
  let end = 0;
  for (const match of key.matchAll(PART)) {
    const [all, name, element, words] = match;
    source += escaped(key.slice(end, match.index));
    end = match.index + all.length;
    if (words !== undefined) source += `(?:${words.split('|').map(escaped).join('|')})`;
    else {
      names.push(all);
      source += element === undefined ? sourceOf(name) : `(${ELEMENT})`;
    }
  }
  source += escaped(key.slice(end));
  return { literal, regex: new RegExp(`^${source}$`, 's'), names, to, weight };
}

/** Texts that were looked up already. */
const MOST_REMEMBERED = 4000;

/** The sentences of a catalogue, each with what it is in the other language. */
export function sentencesOf(catalogue: string): [english: string, other: string][] {
  return catalogue.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf(' == ');
    return at < 0 || line.startsWith('#') ? [] : [[line.slice(0, at), line.slice(at + 4)]];
  });
}

/**
 * @param catalogues no sentence is in two of them
 * @returns what a text is in the other language; what is not known stays as it is
 */
export function createTranslator(catalogues: readonly string[]): (text: string) => string {
  const exact = new Map<string, string>();
  const patterns: Pattern[] = [];
  /** Placeholders with words of their own. */
  const places = new Set<string>();
  for (const catalogue of catalogues)
    for (const [key, to] of sentencesOf(catalogue)) {
      const place = PLACE.exec(key);
      if (place !== null) places.add(place[1]);
      if (PART_OUTSIDE.test(key)) patterns.push(patternOf(key, to));
      else exact.set(key, to);
    }
  // Where several fit, the one that says the most of the text.
  patterns.sort((a, b) => b.weight - a.weight);
  const remembered = new Map<string, string>();

  function filled({ names, to }: Pattern, values: readonly string[]): string {
    return to.replace(PART, (all: string, ...match) => {
      const value = values[names.indexOf(all)];
      const at: number = match.at(-2);
      return spaced(to[at - 1], wordsFor(all, value), to[at + all.length]);
    });
  }

  function wordsFor(placeholder: string, value: string): string {
    if (placeholder.startsWith('<') || placeholder.startsWith('{raw')) return value;
    const name = placeholder.slice(1, -1);
    const own = `${name}:${value}`;
    // A label in mid-sentence begins with a small letter.
    const known = exact.get(own) ?? exact.get(value[0].toUpperCase() + value.slice(1));
    return known ?? (places.has(name) ? whole(own) : null) ?? translate(value);
  }

  function whole(text: string): string | null {
    const known = exact.get(text);
    if (known !== undefined) return known;
    for (const pattern of patterns) {
      if (!text.includes(pattern.literal)) continue;
      const match = pattern.regex.exec(text);
      if (match !== null) return filled(pattern, match.slice(1));
    }
    return null;
  }

  /** As many sentences at a time as are known together; null where nothing of it is known. */
  function bySentences(text: string): string | null {
    const all = text.split(END);
    if (all.length < 2) return null;
    let told = '';
    let isKnown = false;
    for (let at = 0; at < all.length; ) {
      let end = all.length;
      let found: string | null = null;
      for (; end > at && found === null; end--) {
        const run = all.slice(at, end).join(' ');
        found = whole(run) ?? (end === at + 1 ? (inParts(run) ?? betweenElements(run)) : null);
      }
      if (found !== null) end++;
      const next = found ?? all[at];
      told += (told === '' || isChinese(told) ? '' : ' ') + next;
      isKnown ||= found !== null && found !== all[at];
      at = Math.max(end, at + 1);
    }
    return isKnown ? told : null;
  }

  /** Null where nothing of it is known. */
  function inParts(text: string): string | null {
    for (const joint of JOINTS) {
      const parts = text.split(joint.at);
      if (parts.length < 2) continue;
      const told = parts.map((part) => (isWords(part) ? lookUp(part) : part));
      if (joint.whole && told.some((part, at) => part === null && isProse(parts[at]))) continue;
      const said = told.map((part, at) => part ?? parts[at]);
      if (said.some((part, at) => part !== parts[at])) return said.join(joint.with);
    }
    return null;
  }

  /** Parts between elements are words by themselves, such as a label and its field. */
  function betweenElements(text: string): string | null {
    const parts = text.split(new RegExp(`(${ELEMENT})`));
    if (parts.length < 2) return null;
    const said = parts.map((part) => (isWords(part) ? closed(translate(part)) : part)).join('');
    return said === text ? null : said;
  }

  function lookUp(text: string): string | null {
    return whole(text) ?? bySentences(text) ?? inParts(text);
  }

  function translate(text: string): string {
    if (!isWords(text)) return text;
    const found = remembered.get(text);
    if (found !== undefined) return found;
    const [, before, inner, after] = /^(\s*)(.*?)(\s*)$/s.exec(text)!;
    const told = lookUp(inner) ?? betweenElements(inner) ?? inner;
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    const said = before + told + after;
    remembered.set(text, said);
    return said;
  }
  return translate;
}

/** Whether there is anything to translate in a text. */
function isWords(text: string): boolean {
  return /[A-Za-z]/.test(text);
}

/** Chinese letters and others have a space between them. */
function spaced(before: string | undefined, text: string, after: string | undefined): string {
  const isHan = (letter: string | undefined) => /[\u4e00-\u9fff]/.test(letter ?? '');
  const isLatin = (letter: string | undefined) => /[\w.−+%]/.test(letter ?? '');
  const differ = (a: string | undefined, b: string | undefined) =>
    (isHan(a) && isLatin(b)) || (isLatin(a) && isHan(b));
  return (differ(before, text.at(0)) ? ' ' : '') + text + (differ(text.at(-1), after) ? ' ' : '');
}

/** A Chinese sentence needs no space before or behind it. */
function closed(text: string): string {
  return /[。：；]\s*$/.test(text) ? text.trim() : text;
}

/** Other than a name, such as CTCVR or L3. */
function isProse(text: string): boolean {
  return /[a-z]{2}/.test(text);
}

function isChinese(text: string): boolean {
  return /[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]$/.test(text);
}
