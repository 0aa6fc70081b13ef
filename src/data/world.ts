/**
 * The embedded data set: a marketplace generated from a seed, nothing downloaded. Two signals drive behaviour, and they
 * conflict in part, on purpose: it is what POPO trades off.
 *
 * - *Needs*, which words can say. A user follows two interleaved threads; owning something of one L3 makes the L3 that
 *   succeeds it needed, and which one that is depends on the user's life stage (crib → stroller for a parent).
 * - *Taste*, which words cannot. Users and items have latent vectors; a brand tells half of an item's, the rest is
 *   private. It decides which item of the needed L3 is taken, and most of what is clicked and bought.
 *
 * Impressions are drawn with clicks and conversions from a logistic model that is known (`oracle.ctcvr`) and never
 * shown to training. Everything is a pure function of the options.
 */
import { Random } from '../numeric/random';
import type { Dataset, Impressions, Item, User } from './dataset';
import { identify, type Splits } from './hash';
import {
  ADJECTIVES,
  BRANDS,
  itemTitle,
  type Leaf,
  LIFE_STAGES,
  leaves,
  MAX_L1,
  PERSONAS,
} from './vocabulary';

export interface WorldOptions {
  world: 'tradeoff' | 'hackable';
  seed: number;
  /** Departments; each has 4 L2 of 4 L3. */
  num_l1: number;
  items_per_l3: number;
  num_users: number;
  /** Held-out users each for validation and test. */
  num_heldout_users: number;
}

/** Logits of click, and of conversion given a click. `rel` is the relevance to the last behaviours, in [0, 1]. */
interface OutcomeModel {
  click: { bias: number; taste: number; popularity: number; rel: number };
  conversion: {
    bias: number;
    taste: number;
    popularity: number;
    quality: number;
    rel: number;
    category: number;
  };
}

/** In `hackable`, what is popular sells whether or not it is needed: a policy can raise CTCVR by forgetting needs. */
const OUTCOMES: Record<WorldOptions['world'], OutcomeModel> = {
  tradeoff: {
    click: { bias: -2.2, taste: 0.9, popularity: 0.35, rel: 2.2 },
    conversion: { bias: -1.8, taste: 0.7, popularity: 0, quality: 0.35, rel: 1.6, category: 0.5 },
  },
  hackable: {
    click: { bias: -2.2, taste: 0.9, popularity: 1.1, rel: 1.2 },
    conversion: { bias: -1.8, taste: 0.7, popularity: 0.6, quality: 0.6, rel: 1.0, category: 0.8 },
  },
};

const TASTE = 4;
/** Share of an item's taste vector that its brand tells, and of a user's that the persona tells (unit variance). */
const BRAND_SHARE = 0.55;
const PERSONA_SHARE = 0.5;
/** A thread's successor is restricted to the same L1 this often. */
const WITHIN_L1 = 0.4;
/** Most L3 that may share a successor (per life stage): keeps threads from running into a few attractors. */
const MAX_PREDECESSORS = 2;
const STAY_ON_THREAD = 0.6;
const IMPULSE = 0.1;
const RESTART = 0.06;
const SIBLING = 0.12;
/** Restarts and impulses go to the preferred L1 this often. */
const PREFERRED = 0.5;
const ITEM_SHARPNESS = 1.3;
const NO_EVIDENCE = -1;

/** Items, their hidden traits, and which need follows which. */
interface Catalogue {
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

interface Traits {
  life: number;
  preferredL1: number;
  /** [TASTE] */
  taste: Float64Array;
}

function normals(random: Random, count: number, scale = 1): Float64Array {
  return Float64Array.from({ length: count }, () => random.normal() * scale);
}

/** Unit variance per entry: `share` of `common`, the rest fresh. */
function blend(random: Random, common: ArrayLike<number>, share: number, scale: number): Float64Array {
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
    let candidates = order.filter((next) => open(next) && !inside !== (all[next].l1 === all[leaf].l1));
    if (candidates.length === 0) candidates = order.filter(open);
    const next = random.pick(candidates);
    successor[leaf] = next;
    predecessors[next]++;
  }
  return successor;
}

function drawCatalogue(o: WorldOptions): Catalogue {
  const all = leaves(o.num_l1);
  const count = all.length * o.items_per_l3;
  const brands = BRANDS.slice(0, Math.min(BRANDS.length, 6 * o.num_l1));
  const random = new Random(o.seed, 'world/catalogue');
  // z·v has unit variance for z ~ N(0, I) and v ~ N(0, I / TASTE).
  const scale = 1 / Math.sqrt(TASTE);
  const brandTaste = brands.map(() => normals(random, TASTE, scale));
  const items: Item[] = [];
  const taste = new Float64Array(count * TASTE);
  all.forEach((leaf) => {
    const titles = new Set<string>();
    while (titles.size < o.items_per_l3) {
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
    itemsPerLeaf: o.items_per_l3,
    taste,
    conversionTaste: other.map((value, index) => 0.6 * taste[index] + 0.8 * value),
    popularity: normals(random, count),
    quality: normals(random, count),
    categoryBias: normals(random, all.length),
    successor: LIFE_STAGES.map((_, life) => drawSuccessors(all, o.seed, life)),
  };
}

function affinity(taste: Float64Array, table: Float64Array, item: number): number {
  let sum = 0;
  for (let d = 0; d < TASTE; d++) sum += taste[d] * table[item * TASTE + d];
  return sum;
}

/** One shopper: draws behaviours, remembers what each followed from. */
class Shopper {
  readonly traits: Traits;
  readonly profile: string;
  readonly history: Int32Array;
  /** Position in `history` that each behaviour followed from, or NO_EVIDENCE. */
  readonly evidence: Int16Array;
  readonly #catalogue: Catalogue;
  readonly #random: Random;

  constructor(catalogue: Catalogue, personas: Float64Array[], seed: number, split: string, index: number) {
    const random = new Random(seed, `world/${split}`, index);
    const life = random.int(LIFE_STAGES.length);
    const persona = random.int(PERSONAS.length);
    const preferredL1 = random.int(catalogue.leaves.at(-1)!.l1 + 1);
    const l1Name = catalogue.leaves.find((leaf) => leaf.l1 === preferredL1)!.categories[0];
    this.#catalogue = catalogue;
    this.#random = random;
    this.profile = `${LIFE_STAGES[life]} ${PERSONAS[persona]} ${l1Name}`;
    this.traits = { life, preferredL1, taste: blend(random, personas[persona], PERSONA_SHARE, 1) };
    // A quarter of the users is sparse: the long tail that enhancement should help most.
    const length = random.chance(0.25) ? 4 + random.int(4) : 8 + random.int(11);
    this.history = new Int32Array(length);
    this.evidence = new Int16Array(length).fill(NO_EVIDENCE);
    this.#shop();
  }

  #shop(): void {
    const { leaves: all, successor } = this.#catalogue;
    const random = this.#random;
    const next = successor[this.traits.life];
    const threads = [
      { leaf: this.#anyLeaf(), position: NO_EVIDENCE },
      { leaf: this.#anyLeaf(), position: NO_EVIDENCE },
    ];
    let active = 0;
    for (let position = 0; position < this.history.length; position++) {
      if (!random.chance(STAY_ON_THREAD)) active = 1 - active;
      if (random.chance(IMPULSE)) {
        this.history[position] = this.pickItem(this.#anyLeaf());
        continue;
      }
      const thread = threads[active];
      if (thread.position !== NO_EVIDENCE) {
        if (random.chance(RESTART)) {
          thread.leaf = this.#anyLeaf();
          thread.position = NO_EVIDENCE;
        } else if (random.chance(SIBLING)) {
          thread.leaf = this.#sibling(thread.leaf, all);
        } else {
          thread.leaf = next[thread.leaf];
        }
      }
      this.evidence[position] = thread.position;
      this.history[position] = this.pickItem(thread.leaf);
      thread.position = position;
    }
  }

  #anyLeaf(): number {
    const all = this.#catalogue.leaves.length;
    const perL1 = all / (this.#catalogue.leaves[all - 1].l1 + 1);
    return this.#random.chance(PREFERRED)
      ? this.traits.preferredL1 * perL1 + this.#random.int(perL1)
      : this.#random.int(all);
  }

  #sibling(leaf: number, all: Leaf[]): number {
    const others: number[] = [];
    for (let other = 0; other < all.length; other++) {
      if (other !== leaf && all[other].l2 === all[leaf].l2) others.push(other);
    }
    return this.#random.pick(others);
  }

  /** An item of the leaf, by taste, popularity and quality. */
  pickItem(leaf: number): number {
    const { itemsPerLeaf, taste, popularity, quality } = this.#catalogue;
    const first = leaf * itemsPerLeaf;
    const weights = new Float64Array(itemsPerLeaf);
    for (let i = 0; i < itemsPerLeaf; i++) {
      const item = first + i;
      const appeal = affinity(this.traits.taste, taste, item) + 0.5 * popularity[item] + 0.5 * quality[item];
      weights[i] = Math.exp(ITEM_SHARPNESS * appeal);
    }
    return first + this.#random.categorical(weights);
  }
}

/** Probabilities of click, and of conversion given the click. */
class Outcomes {
  readonly #catalogue: Catalogue;
  readonly #model: OutcomeModel;

  constructor(catalogue: Catalogue, model: OutcomeModel) {
    this.#catalogue = catalogue;
    this.#model = model;
  }

  /** 1 or .7 for what the last 2 or 4 behaviours call for next, .3 for more of the same L2, else 0. */
  relevance(traits: Traits, history: Int32Array, historyLength: number, item: number): number {
    const { leaves: all, itemsPerLeaf, successor } = this.#catalogue;
    const leaf = Math.floor(item / itemsPerLeaf);
    let best = 0;
    for (let back = 1; back <= 4 && back <= historyLength; back++) {
      const seen = Math.floor(history[historyLength - back] / itemsPerLeaf);
      if (successor[traits.life][seen] === leaf) best = Math.max(best, back <= 2 ? 1 : 0.7);
      else if (all[seen].l2 === all[leaf].l2) best = Math.max(best, 0.3);
    }
    return best;
  }

  probabilities(traits: Traits, history: Int32Array, historyLength: number, item: number): [number, number] {
    const { taste, conversionTaste, popularity, quality, categoryBias, itemsPerLeaf } = this.#catalogue;
    const { click, conversion } = this.#model;
    const rel = this.relevance(traits, history, historyLength, item);
    const clickLogit =
      click.bias +
      click.taste * affinity(traits.taste, taste, item) +
      click.popularity * popularity[item] +
      click.rel * rel;
    const conversionLogit =
      conversion.bias +
      conversion.taste * affinity(traits.taste, conversionTaste, item) +
      conversion.popularity * popularity[item] +
      conversion.quality * quality[item] +
      conversion.rel * rel +
      conversion.category * categoryBias[Math.floor(item / itemsPerLeaf)];
    return [1 / (1 + Math.exp(-clickLogit)), 1 / (1 + Math.exp(-conversionLogit))];
  }
}

/**
 * What earlier recommenders showed the training users: 3 to 5 items at about a third of their visits, chosen by
 * popularity, by taste, by relevance, or at random, so that a ranker can learn each from the outcomes.
 */
function drawImpressions(
  catalogue: Catalogue,
  shoppers: Shopper[],
  outcomes: Outcomes,
  seed: number,
): Impressions {
  const user: number[] = [];
  const item: number[] = [];
  const lengths: number[] = [];
  const click: number[] = [];
  const conversion: number[] = [];
  const count = catalogue.items.length;
  const cumulative = new Float64Array(count);
  let mass = 0;
  catalogue.popularity.forEach((popularity, index) => {
    mass += Math.exp(popularity);
    cumulative[index] = mass;
  });
  shoppers.forEach((shopper, index) => {
    const random = new Random(seed, 'world/impressions', index);
    const { history, traits } = shopper;

    const byPopularity = () => {
      const target = random.uniform() * mass;
      let low = 0;
      let high = count - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (cumulative[middle] > target) high = middle;
        else low = middle + 1;
      }
      return low;
    };
    const byTaste = () => {
      let best = random.int(count);
      for (let tries = 0; tries < 5; tries++) {
        const other = random.int(count);
        if (affinity(traits.taste, catalogue.taste, other) > affinity(traits.taste, catalogue.taste, best)) {
          best = other;
        }
      }
      return best;
    };
    const byRelevance = (historyLength: number) => {
      const back = 1 + random.int(Math.min(4, historyLength));
      const seen = Math.floor(history[historyLength - back] / catalogue.itemsPerLeaf);
      return shopper.pickItem(catalogue.successor[traits.life][seen]);
    };
    const expose = (historyLength: number) => {
      const source = random.uniform();
      if (source < 0.3) return byPopularity();
      if (source < 0.5) return byTaste();
      if (source < 0.9) return byRelevance(historyLength);
      return random.int(count);
    };

    for (let historyLength = 2; historyLength < history.length; historyLength++) {
      if (!random.chance(0.35)) continue;
      const shown = new Set<number>();
      for (let slots = 3 + random.int(3); slots > 0; slots--) shown.add(expose(historyLength));
      for (const candidate of shown) {
        const [pClick, pConversion] = outcomes.probabilities(traits, history, historyLength, candidate);
        const clicked = random.chance(pClick);
        user.push(index);
        item.push(candidate);
        lengths.push(historyLength);
        click.push(clicked ? 1 : 0);
        conversion.push(clicked && random.chance(pConversion) ? 1 : 0);
      }
    }
  });
  return {
    user: Int32Array.from(user),
    item: Int32Array.from(item),
    historyLength: Int32Array.from(lengths),
    click: Uint8Array.from(click),
    conversion: Uint8Array.from(conversion),
  };
}

function check(o: WorldOptions): void {
  const whole = (name: keyof WorldOptions, low: number, high: number) => {
    const value = o[name];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
      throw new RangeError(`The world's ${name} is ${value}; choose a whole number from ${low} to ${high}.`);
    }
  };
  if (!Object.hasOwn(OUTCOMES, o.world)) {
    throw new RangeError(
      `There is no world called "${o.world}"; choose one of ${Object.keys(OUTCOMES).join(', ')}.`,
    );
  }
  whole('seed', 0, 0xffffffff);
  whole('num_l1', 1, MAX_L1);
  whole('items_per_l3', 1, 64);
  whole('num_users', 1, 1_000_000);
  whole('num_heldout_users', 1, 1_000_000);
}

/**
 * Generates the world. Users come in the order train, validation, test; each is drawn from its own stream, so that
 * held-out users do not change with `num_users`.
 * @throws RangeError naming the option that is out of range
 */
export async function generateWorld(o: WorldOptions): Promise<Dataset> {
  check(o);
  const catalogue = drawCatalogue(o);
  const outcomes = new Outcomes(catalogue, OUTCOMES[o.world]);
  const personaRandom = new Random(o.seed, 'world/personas');
  const personas = PERSONAS.map(() => normals(personaRandom, TASTE));
  const draw = (split: string, count: number) =>
    Array.from({ length: count }, (_, index) => new Shopper(catalogue, personas, o.seed, split, index));
  const train = draw('train', o.num_users);
  const impressions = drawImpressions(catalogue, train, outcomes, o.seed);
  const shoppers = [
    ...train,
    ...draw('validation', o.num_heldout_users),
    ...draw('test', o.num_heldout_users),
  ];
  const users: User[] = shoppers.map((shopper, index) => ({
    id: `u${index}`,
    profile: shopper.profile,
    history: shopper.history,
  }));
  const splits: Splits = { train: [], validation: [], test: [] };
  shoppers.forEach(({ history }, user) => {
    if (user < o.num_users) {
      for (let position = 2; position < history.length; position++) splits.train.push({ user, position });
    } else {
      const heldOut = user < o.num_users + o.num_heldout_users ? splits.validation : splits.test;
      heldOut.push({ user, position: history.length - 1 });
    }
  });
  return identify({
    id: o.world === 'tradeoff' ? 'world' : 'world-hackable',
    items: catalogue.items,
    users,
    impressions,
    splits,
    facts: catalogue.items.map((item) => `need ${item.categories[2]} : ${item.title}`),
    notes: [
      'Generated from the seed: catalogue, users, behaviours, impressions, clicks and conversions. No real person or product.',
      'Clicks and conversions are drawn from a known model. Evaluation reads its true CTCVR; training never does.',
      'Impressions are those of training users. Validation and test users are apart; each is asked for the last behaviour.',
      ...(o.world === 'hackable'
        ? [
            'In this world popular items sell whether or not they are needed, so that the ID reward can be hacked.',
          ]
        : []),
    ],
    oracle: {
      ctcvr(user, historyLength, item) {
        const { traits, history } = shoppers[user];
        const [click, conversion] = outcomes.probabilities(traits, history, historyLength, item);
        return click * conversion;
      },
      evidence(user, position) {
        const { evidence, history } = shoppers[user];
        return evidence[position] === NO_EVIDENCE ? [] : [history[evidence[position]]];
      },
    },
  });
}
