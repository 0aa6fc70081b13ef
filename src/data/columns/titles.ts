/** Words for a small language model out of whatever a catalogue calls its items. */
import { decodeEntities } from './entities';

/** Longer words are cut: serial numbers, links, text without spaces. */
const MAX_WORD = 24;
/** Longer texts are cut. */
const MAX_TEXT = 1000;
/** Words that are added to a title to tell it from an equal one. */
const MAX_DIFFERING = 3;

/** Apostrophes that are not typed: ’, ‘, ‛, ʼ and ´. */
const APOSTROPHES = /[\u2018\u2019\u201b\u02bc\u00b4]/g;
/** Marks without width that part nothing: the soft hyphen, the word joiner, the byte order mark, directions of writing. */
const INVISIBLE = /[\u00ad\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Lower-case words of letters, digits and inner `. ' -` (`+` and `%` also last); everything else separates words. HTML
 * entities are decoded, ’ is ', and zero-width joiners stay inside a word. Words of more than 24 characters are cut.
 * "ICE - CRUSHED/CUBED, 22 LB" → ice, crushed, cubed, 22, lb.
 */
export function words(text: string): string[] {
  return wholeWords(text).map((word) =>
    word.length > MAX_WORD ? Array.from(word).slice(0, MAX_WORD).join('') : word,
  );
}

function wholeWords(text: string): string[] {
  return decodeEntities(text.slice(0, MAX_TEXT))
    .replace(INVISIBLE, '')
    .replace(APOSTROPHES, "'")
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}\p{M}\p{Join_Control}.'+%-]+/u)
    .map((word) => word.replace(/^[\p{Join_Control}.'+%-]+|[\p{Join_Control}.'-]+$/gu, ''))
    .filter((word) => word !== '');
}

/** The first `limit` words of the texts, joined by spaces; '' if there are none. */
export function phrase(texts: readonly string[], limit: number): string {
  return texts.flatMap(words).slice(0, limit).join(' ');
}

/** Longer category names are cut, even where that makes two the same. */
const MAX_CATEGORY_WORDS = 8;

/**
 * Three levels out of however many there are: more than three are cut, a missing one repeats its parent (so that it
 * belongs to the parent alone), none at all are `unknown`.
 */
export function threeLevels(levels: readonly string[]): [string, string, string] {
  const [first = 'unknown', second = first, third = second] = levels
    .map((level) => phrase([level], MAX_CATEGORY_WORDS))
    .filter((level) => level !== '');
  return [first, second, third];
}

/**
 * A short name for each: its first `least` words, or as many more as tell it from every other name.
 * @param names as `phrase` makes them, all different
 */
export function shortNames(names: ReadonlySet<string>, least: number): Map<string, string> {
  const split = [...names].map((name) => [name, name.split(' ')] as const);
  const prefixes = new Map<string, number>();
  for (const [, parts] of split) {
    for (let length = least; length <= parts.length; length++) {
      const prefix = parts.slice(0, length).join(' ');
      prefixes.set(prefix, (prefixes.get(prefix) ?? 0) + 1);
    }
  }
  return new Map(
    split.map(([name, parts]) => {
      let length = Math.min(least, parts.length);
      while (length < parts.length && prefixes.get(parts.slice(0, length).join(' '))! > 1) length++;
      return [name, parts.slice(0, length).join(' ')];
    }),
  );
}

/** An item's title, as `phrase` cuts it, and what may tell it from an equal one. */
export interface Titled {
  title: string;
  /** Added in turn, before anything else. */
  hints: readonly string[];
  /** The whole title as the file has it: where cut titles are equal, what differs beyond the cut is added. */
  text?: string;
}

/**
 * Titles told apart: where several items share one, the hints are added in turn (a maker, a year), then what differs in
 * their whole texts, and then `no 2`, `no 3`, … in the order of `items`; the first keeps its title.
 */
export function uniqueTitles(items: readonly Titled[]): string[] {
  const titles = items.map((item) => item.title);
  const rounds = items.reduce((most, { hints }) => Math.max(most, hints.length), 0);
  for (let round = 0; round < rounds; round++) {
    const counts = new Map<string, number>();
    for (const title of titles) counts.set(title, (counts.get(title) ?? 0) + 1);
    items.forEach(({ hints }, index) => {
      const hint = hints[round];
      if (hint && counts.get(titles[index])! > 1) titles[index] = `${titles[index]} ${hint}`;
    });
  }
  addDiffering(titles, items);
  return numbered(titles);
}

/** Adds to each of equal titles what tells its whole text from the others', where that is known. */
function addDiffering(titles: string[], items: readonly Titled[]): void {
  const groups = new Map<string, number[]>();
  titles.forEach((title, index) => {
    if (items[index].text === undefined) return;
    const group = groups.get(title);
    if (group) group.push(index);
    else groups.set(title, [index]);
  });
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    differing(group.map((index) => wholeWords(items[index].text!))).forEach((added, at) => {
      if (added !== '') titles[group[at]] = `${titles[group[at]]} ${added}`;
    });
  }
}

/** What remains of each text without the words, and then the characters, with which all begin and end. */
function differing(texts: readonly (readonly string[])[]): string[] {
  const [start, end] = sharedEnds(texts);
  const rests = texts.map((text) => text.slice(start, text.length - end));
  const isWord = rests.every(({ length }) => length === 1);
  if (!isWord) return rests.map((rest) => rest.slice(0, MAX_DIFFERING).map(cut).join(' '));
  const letters = rests.map(([word]) => Array.from(word));
  const isLong = letters.some(({ length }) => length > MAX_WORD);
  if (!isLong) return rests.map(([word]) => word);
  const [before, after] = sharedEnds(letters);
  return letters.map((word) => wholeWords(cut(word.slice(before, word.length - after).join(''))).join(' '));
}

function cut(word: string): string {
  return Array.from(word).slice(0, MAX_WORD).join('');
}

/** How many parts all lists share at their beginning and, of the rest, at their end. */
function sharedEnds(lists: readonly (readonly string[])[]): [number, number] {
  const [first] = lists;
  const shortest = lists.reduce((least, { length }) => Math.min(least, length), first.length);
  let start = 0;
  while (start < shortest && lists.every((list) => list[start] === first[start])) start++;
  let end = 0;
  while (end < shortest - start && lists.every((list) => list.at(-1 - end) === first.at(-1 - end))) end++;
  return [start, end];
}

function numbered(titles: readonly string[]): string[] {
  const taken = new Set(titles);
  const seen = new Map<string, number>();
  return titles.map((title) => {
    let number = seen.get(title);
    if (number === undefined) {
      seen.set(title, 1);
      return title;
    }
    let next: string;
    do {
      number++;
      next = `${title} no ${number}`;
    } while (taken.has(next));
    seen.set(title, number);
    taken.add(next);
    return next;
  });
}
