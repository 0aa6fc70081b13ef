/**
 * The catalogue of the embedded world: items with the hidden traits that behaviour depends on, and which need follows
 * which.
 */
import { Random } from '../numeric/random';
import type { Item } from './dataset';
import { ADJECTIVES, BRANDS, itemTitle, type Leaf, LIFE_STAGES, leaves, PERSONAS } from './vocabulary';

/** Dimensions of the latent taste of users and items. */
const TASTE = 4;
/** Share of an item's taste vector that its brand tells (all have unit variance). */
const BRAND_SHARE = 0.55;
/** A need's successor is restricted to the same L1 this often. */
const WITHIN_L1 = 0.4;
/** Most L3 that may share a successor (per life stage): keeps threads from running into a few attractors. */
const MAX_PREDECESSORS = 2;

/** Items, their hidden traits, and which need follows which. */
export interface Catalogue {
  items: Item[];
  leaves: Leaf[];
  itemsPerLeaf: number;
  /** [items × TASTE]; the second vector moves conversions only. */
  taste: Float64Array;
  conversionTaste: Float64Array;
  popularity: Float64Array;
  quality: Float64Array;
  /** [leaves] */
  categoryBias: Float64Array;
  /** [life stages][leaves] → the leaf needed next */
  successor: Int32Array[];
}

function normals(random: Random, count: number, scale = 1): Float64Array {
  return Float64Array.from({ length: count }, () => random.normal() * scale);
}

/** A taste vector, unit variance per entry: `share` of `common`, the rest fresh. */
export function blend(random: Random, common: ArrayLike<number>, share: number, scale: number): Float64Array {
  const rest = Math.sqrt(1 - share * share);
  return Float64Array.from({ length: TASTE }, (_, d) => share * common[d] + rest * random.normal() * scale);
}

/** One successor per leaf, never itself, 40 % of them inside the L1, none needed after more than two others. */
function drawSuccessors(all: Leaf[], seed: number, life: number): Int32Array {
  const random = new Random(seed, 'world/successors', life);
  const predecessors = new Int32Array(all.length);
  const successor = new Int32Array(all.length);
  const order = random.shuffle(Array.from(all.keys()));
  for (const leaf of order) {
    const inside = random.chance(WITHIN_L1);
    const open = (next: number) => next !== leaf && predecessors[next] < MAX_PREDECESSORS;
    let candidates = order.filter((next) => open(next) && inside === (all[next].l1 === all[leaf].l1));
    if (candidates.length === 0) candidates = order.filter(open);
    const next = random.pick(candidates);
    successor[leaf] = next;
    predecessors[next]++;
  }
  return successor;
}

/** What the catalogue depends on. */
export interface CatalogueOptions {
  seed: number;
  /** Departments; each has 4 L2 of 4 L3. */
  numL1: number;
  itemsPerL3: number;
}

/** Items in the order of their L3, `itemsPerL3` each; titles are unique. */
export function drawCatalogue(o: CatalogueOptions): Catalogue {
  const all = leaves(o.numL1);
  const count = all.length * o.itemsPerL3;
  const brands = BRANDS.slice(0, Math.min(BRANDS.length, 6 * o.numL1));
  const random = new Random(o.seed, 'world/catalogue');
  // z·v has unit variance for z ~ N(0, I) and v ~ N(0, I / TASTE).
  const scale = 1 / Math.sqrt(TASTE);
  const brandTaste = brands.map(() => normals(random, TASTE, scale));
  const items: Item[] = [];
  const taste = new Float64Array(count * TASTE);
  all.forEach((leaf) => {
    const titles = new Set<string>();
    while (titles.size < o.itemsPerL3) {
      const brand = random.int(brands.length);
      const title = itemTitle(brands[brand], random.pick(ADJECTIVES), leaf.noun);
      if (titles.has(title)) continue;
      titles.add(title);
      taste.set(blend(random, brandTaste[brand], BRAND_SHARE, scale), items.length * TASTE);
      items.push({ id: `i${items.length}`, title, categories: leaf.categories });
    }
  });
  const other = normals(random, count * TASTE, scale);
  return {
    items,
    leaves: all,
    itemsPerLeaf: o.itemsPerL3,
    taste,
    conversionTaste: other.map((value, index) => 0.6 * taste[index] + 0.8 * value),
    popularity: normals(random, count),
    quality: normals(random, count),
    categoryBias: normals(random, all.length),
    successor: LIFE_STAGES.map((_, life) => drawSuccessors(all, o.seed, life)),
  };
}

/** z · v of a user's taste and an item's row of `table`. */
export function affinity(taste: Float64Array, table: Float64Array, item: number): number {
  let sum = 0;
  for (let d = 0; d < TASTE; d++) sum += taste[d] * table[item * TASTE + d];
  return sum;
}

/** The taste that users of each persona have in common: [personas][TASTE]. */
export function drawPersonas(seed: number): Float64Array[] {
  const random = new Random(seed, 'world/personas');
  return PERSONAS.map(() => normals(random, TASTE));
}
