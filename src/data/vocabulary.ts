/**
 * Words of the embedded world: a readable marketplace. Eight departments are written by hand; further ones are
 * composed from these and a line's name ("Travel Baby › Travel Nursery › Travel Cribs"). Brands are invented.
 */

/** Category L1 → L2 → nouns. A noun names the items of one L3; its plural names the L3 itself. */
const DEPARTMENTS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Baby',
    [
      ['Nursery', 'crib mattress nightlight rocker'],
      ['Outings', 'stroller carseat carrier footmuff'],
      ['Feeding', 'bottle bib highchair steriliser'],
      ['Play', 'rattle playmat walker teether'],
    ],
  ],
  [
    'Home',
    [
      ['Bedding', 'pillow quilt sheet blanket'],
      ['Lighting', 'lamp lantern chandelier candle'],
      ['Storage', 'wardrobe basket hanger trunk'],
      ['Seating', 'sofa armchair stool beanbag'],
    ],
  ],
  [
    'Kitchen',
    [
      ['Cookware', 'skillet saucepan wok kettle'],
      ['Baking', 'mixer spatula sieve scale'],
      ['Tableware', 'plate mug bowl teapot'],
      ['Cutlery', 'cleaver fork spoon ladle'],
    ],
  ],
  [
    'Outdoors',
    [
      ['Camping', 'tent hammock stove headlamp'],
      ['Cycling', 'bicycle helmet pannier pump'],
      ['Fishing', 'rod reel lure wader'],
      ['Climbing', 'harness rope carabiner crampon'],
    ],
  ],
  [
    'Garden',
    [
      ['Planting', 'bulb planter trellis composter'],
      ['Watering', 'hose sprinkler nozzle barrel'],
      ['Digging', 'spade rake pruner wheelbarrow'],
      ['Patio', 'parasol grill bench firepit'],
    ],
  ],
  [
    'Pets',
    [
      ['Dogs', 'leash kennel collar muzzle'],
      ['Cats', 'scratcher catflap tunnel groomer'],
      ['Birds', 'cage perch feeder birdbath'],
      ['Fish', 'aquarium filter heater gravel'],
    ],
  ],
  [
    'Office',
    [
      ['Workspace', 'desk monitor keyboard webcam'],
      ['Paper', 'notebook diary envelope folder'],
      ['Writing', 'pen pencil marker crayon'],
      ['Machines', 'printer scanner shredder laminator'],
    ],
  ],
  [
    'Music',
    [
      ['Strings', 'guitar violin cello ukulele'],
      ['Percussion', 'drum cymbal tambourine bongo'],
      ['Winds', 'flute clarinet saxophone trumpet'],
      ['Audio', 'speaker headphone microphone amplifier'],
    ],
  ],
];

/** Lines that further departments are composed with; the first, empty one is the hand-written marketplace. Together
 * with the departments they name `MAX_L1` (worldLimits.ts). */
const LINES = ['', 'Travel', 'Junior', 'Vintage', 'Rental', 'Luxury', 'Smart', 'Studio'] as const;

export const BRANDS = (
  'Nordal Velmo Tarkin Osira Brenlo Kaldun Lumora Pellan Quillen Sorvik Fennick Hallodo Juniko Mavra Zephra Arbonel ' +
  'Dovetta Galdor Islano Ravik Wendra Yarrit Orlumo Bexano Corvit Eldrix Farrona Nimbel Ostrava Pavrel Ruskin Tolvane'
).split(' ');

export const ADJECTIVES =
  'soft sturdy compact classic bright quiet light folding premium simple modern rustic durable slim deluxe handmade'.split(
    ' ',
  );

export const LIFE_STAGES = ['student', 'newlywed', 'parent', 'retired'] as const;
export const PERSONAS = ['thrifty', 'sporty', 'stylish', 'curious', 'homely', 'busy'] as const;

/** One Category L3: its three category names and the noun of its titles. */
export interface Leaf {
  categories: readonly [string, string, string];
  noun: string;
  l1: number;
  /** Index over all L2, not within the L1. */
  l2: number;
}

function plural(noun: string): string {
  if (/(s|x|ch|sh)$/.test(noun)) return `${noun}es`;
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return `${noun}s`;
}

function titleCase(words: string): string {
  return words.replace(/(^| )(\p{L})/gu, (_, space: string, letter: string) => space + letter.toUpperCase());
}

/** The L3 categories of the first `numL1` departments, in order: 4 L2 each, 4 L3 each L2. */
export function leaves(numL1: number): Leaf[] {
  const result: Leaf[] = [];
  for (let l1 = 0; l1 < numL1; l1++) {
    const [department, sections] = DEPARTMENTS[l1 % DEPARTMENTS.length];
    const line = LINES[Math.floor(l1 / DEPARTMENTS.length)];
    const named = (name: string) => (line === '' ? name : `${line} ${name}`);
    sections.forEach(([section, nouns], index) => {
      for (const noun of nouns.split(' ')) {
        result.push({
          categories: [named(department), named(section), named(titleCase(plural(noun)))],
          noun: named(titleCase(noun)),
          l1,
          l2: l1 * sections.length + index,
        });
      }
    });
  }
  return result;
}

/** "Nordal Soft Crib" */
export function itemTitle(brand: string, adjective: string, noun: string): string {
  return `${brand} ${titleCase(adjective)} ${noun}`;
}
