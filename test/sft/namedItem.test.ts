import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, Item } from '../../src/data/dataset';
import { NamedItems } from '../../src/sft/namedItem';
import { smallWorld } from './world';

type Path = readonly [string, string, string];
const HORROR: Path = ['Films', 'Dark', 'Horror'];
const COMEDY: Path = ['Films', 'Light', 'Comedy'];
const SOFT: Path = ['Drinks', 'Cold', 'Soft drinks'];

const CATALOGUE: [string, Path][] = [
  ['Alien', HORROR],
  ['Alien 3', HORROR],
  ['Aliens', HORROR],
  ['Alien Resurrection', HORROR],
  ['The Thing', HORROR],
  ['Rocky', COMEDY],
  ['Hamlet 1990', COMEDY],
  ['Hamlet 1996', COMEDY],
  ['Cola Classic 12 oz by Velda', SOFT],
  ['Cola Zero 12 oz by Velda', SOFT],
  ['Cola Classic 24 oz by Velda', SOFT],
  ['Light Stroller by Nordlo', ['Baby', 'Out', 'Strollers']],
  ['Light Lamp by Nordlo', ['Home', 'Light', 'Lamps']],
];
/** A title of as many words as an answer may have, and one of a word more. */
const LONGEST = Array.from({ length: 64 }, (_, word) => `w${word}x`).join(' ');
CATALOGUE.push([LONGEST, COMEDY], [`${LONGEST} more`, COMEDY]);
const items = CATALOGUE.map(([title, categories], index): Item => ({ id: `${index}`, title, categories }));
const named = new NamedItems(items);
const told = (title: string) => items.findIndex((item) => item.title === title);

let world: Dataset;
beforeAll(async () => {
  world = await smallWorld();
});

describe('which item an answer names', () => {
  it.each([
    ['Alien', 'Alien'],
    ['Alien', 'ALIEN.'],
    ['Alien', 'Alien (Films > Dark > Horror)'],
    ['Alien', 'Alien (Horror)'],
    ['Alien', 'alien > horror'],
    ['Alien', 'Alien (1979)'],
    ['Alien 3', 'Alien 3'],
    ['Alien 3', 'Alien 3 (1992)'],
    ['The Thing', 'Thing, The'],
    ['Hamlet 1990', 'Hamlet (1990)'],
    ['Cola Classic 12 oz by Velda', 'Cola Classic, 12 oz'],
    ['Cola Classic 12 oz by Velda', 'the Velda cola classic (12 oz)'],
    ['Light Stroller by Nordlo', 'light stroller'],
    ['Light Stroller by Nordlo', 'stroller (Baby > Out > Strollers)'],
    ['Light Stroller by Nordlo', 'the light stroller by nordlo of course'],
  ])('told %j, %j names it', (title, answer) => {
    expect(named.names(answer, told(title))).toBe(true);
  });

  it('takes an exact title for each of the items that are called so', () => {
    const twins = new NamedItems([items[0], items[5], { ...items[0], id: 'twin' }]);
    expect([0, 1, 2].map((item) => twins.names('alien', item))).toEqual([true, false, true]);
    // Close to both alike is close to neither.
    expect([0, 2].map((item) => twins.names('the alien of course', item))).toEqual([false, false]);
  });

  it('reads answers of up to 64 words', () => {
    expect(named.names(LONGEST, told(LONGEST))).toBe(true);
    expect(named.names(`${LONGEST} more`, told(`${LONGEST} more`))).toBe(false);
  });

  it('takes another number or year than the title’s for another item', () => {
    // Close in words, and closest, but for the number.
    expect(named.names('light stroller by nordlo 3', told('Light Stroller by Nordlo'))).toBe(false);
    expect(named.names('hamlet (1991)', told('Hamlet 1990'))).toBe(false);
    expect(named.names('rocky (1976)', told('Rocky'))).toBe(true);
  });

  it('knows a title of one word by that word with or without its article', () => {
    expect(named.names('the rocky', told('Rocky'))).toBe(true);
    expect(named.names('The', told('Rocky'))).toBe(false);
  });

  it.each([
    // Another item of the catalogue, whose title holds the one told or is held in it.
    ['Alien', 'Alien 3'],
    ['Alien', 'Aliens'],
    ['Alien', 'Alien Resurrection'],
    ['Alien', 'Alien Resurrection (Films > Dark > Horror)'],
    ['Alien 3', 'Alien'],
    ['Alien 3', 'Alien (Horror)'],
    // Not in the catalogue, and yet not the one told.
    ['Rocky', 'Rocky 4'],
    ['Rocky', 'Rocky II'],
    ['Alien', 'Alien Nation'],
    ['Hamlet 1990', 'Hamlet (1948)'],
    // It could be either.
    ['Hamlet 1990', 'Hamlet'],
    ['Cola Classic 12 oz by Velda', 'Cola 12 oz'],
    ['Cola Classic 12 oz by Velda', 'Cola Classic by Velda'],
    ['Cola Zero 12 oz by Velda', 'Cola Zero 24 oz by Velda'],
    ['Light Stroller by Nordlo', 'light by Nordlo'],
    // A category is no item, and another item's category contradicts.
    ['Light Stroller by Nordlo', 'Strollers'],
    ['Light Stroller by Nordlo', 'Baby > Out > Strollers'],
    ['Light Stroller by Nordlo', 'Light Stroller by Nordlo (Home > Light > Lamps)'],
    ['Light Stroller by Nordlo', 'light stroller by Nordlo, soft drinks'],
    ['Alien', 'Alien (Comedy)'],
    ['Light Stroller by Nordlo', '...'],
    ['Light Stroller by Nordlo', 'light stroller by Nordlo '.repeat(20)],
  ])('told %j, %j does not', (title, answer) => {
    expect(named.names(answer, told(title))).toBe(false);
  });

  it('names every item of a world by its title, with and without categories, and no other by it', () => {
    const known = new NamedItems(world.items);
    world.items.forEach(({ title, categories }, item) => {
      const other = (item + 1) % world.items.length;
      for (const answer of [title.toUpperCase(), `${title} (${categories.join(' > ')})`]) {
        expect(known.names(answer, item), answer).toBe(true);
        expect(known.names(answer, other), answer).toBe(false);
      }
    });
  });

  it('stays quick with a large catalogue of alike titles', () => {
    const many = Array.from({ length: 50_000 }, (_, index): Item => {
      const title = `cola classic by maker m${index % 250} flavour f${Math.floor(index / 250)}`;
      return { id: `${index}`, title, categories: SOFT };
    });
    const large = new NamedItems(many);
    const start = performance.now();
    for (let item = 0; item < 20; item++)
      expect(large.names(`my ${many[item].title}, cold`, item), many[item].title).toBe(true);
    expect((performance.now() - start) / 20).toBeLessThan(200);
  });
});
