/** Words for a small language model out of whatever a catalogue calls its items. */

/** Longer words are cut: serial numbers, links, text without spaces. */
const MAX_WORD = 24;

/**
 * Lower-case words of letters, digits and inner `. ' -` (`+` and `%` also last); everything else separates words.
 * "ICE - CRUSHED/CUBED, 22 LB" → ice, crushed, cubed, 22, lb.
 */
export function words(text: string): string[] {
  return text
    .slice(0, 1000)
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}\p{M}.'+%-]+/u)
    .map((word) => word.replace(/^[.'+%-]+|[.'-]+$/gu, ''))
    .filter((word) => word !== '')
    .map((word) => (word.length > MAX_WORD ? Array.from(word).slice(0, MAX_WORD).join('') : word));
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

/**
 * Titles told apart: where several items share one, the hints are added in turn (a maker, a year) and then `no 2`,
 * `no 3`, … in the order of `items`; the first keeps its title.
 */
export function uniqueTitles(items: readonly { title: string; hints: readonly string[] }[]): string[] {
  const titles = items.map((item) => item.title);
  const rounds = Math.max(0, ...items.map((item) => item.hints.length));
  for (let round = 0; round < rounds; round++) {
    const counts = new Map<string, number>();
    for (const title of titles) counts.set(title, (counts.get(title) ?? 0) + 1);
    items.forEach(({ hints }, index) => {
      const hint = hints[round];
      if (hint && counts.get(titles[index])! > 1) titles[index] = `${titles[index]} ${hint}`;
    });
  }
  const taken = new Set(titles);
  const seen = new Map<string, number>();
  return titles.map((title) => {
    let number = seen.get(title);
    if (number === undefined) {
      seen.set(title, 1);
      return title;
    }
    let numbered: string;
    do {
      number++;
      numbered = `${title} no ${number}`;
    } while (taken.has(numbered));
    seen.set(title, number);
    taken.add(numbered);
    return numbered;
  });
}
