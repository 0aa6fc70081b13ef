/** A user of the embedded world: profile, taste, and the behaviours that two interleaved threads of needs lead to. */
import type { Random } from '../numeric/random';
import { type Leaf, LIFE_STAGES, PERSONAS } from './vocabulary';
import { affinity, blend, type Catalogue } from './worldCatalogue';

/** Share of a user's taste vector that the persona tells. */
const PERSONA_SHARE = 0.5;
/** Probability of a step on the thread of the step before. */
const STAY_ON_THREAD = 0.6;
/** A behaviour that belongs to no thread. */
const IMPULSE = 0.1;
/** A thread starts anew; else turns to a sibling of the same L2; else goes to the successor of its last L3. */
const RESTART = 0.06;
const SIBLING = 0.12;
/** Restarts and impulses go to the preferred L1 this often. */
const PREFERRED = 0.5;
/** Of the softmax over the items of an L3. */
const ITEM_SHARPNESS = 1.3;
/** A quarter of the users is sparse: the long tail that enhancement should help most. */
const SPARSE = 0.25;
const NO_EVIDENCE = -1;

/** What drives a shopper, hidden but for what the profile says. */
export interface Traits {
  life: number;
  preferredL1: number;
  /** [TASTE] */
  taste: Float64Array;
}

/** One shopper: draws behaviours, remembers what each followed from. */
export class Shopper {
  readonly traits: Traits;
  readonly profile: string;
  readonly history: Int32Array;
  /** Position in `history` that each behaviour followed from; −1 for none. */
  readonly evidence: Int16Array;
  readonly #catalogue: Catalogue;
  readonly #random: Random;

  /** @param random the shopper's own stream: all that is drawn for it comes from there, in this order */
  constructor(catalogue: Catalogue, personas: Float64Array[], random: Random) {
    const life = random.int(LIFE_STAGES.length);
    const persona = random.int(PERSONAS.length);
    const preferredL1 = random.int(catalogue.leaves.at(-1)!.l1 + 1);
    const l1Name = catalogue.leaves.find((leaf) => leaf.l1 === preferredL1)!.categories[0];
    this.#catalogue = catalogue;
    this.#random = random;
    this.profile = `${LIFE_STAGES[life]} ${PERSONAS[persona]} ${l1Name}`;
    this.traits = { life, preferredL1, taste: blend(random, personas[persona], PERSONA_SHARE, 1) };
    const length = random.chance(SPARSE) ? 4 + random.int(4) : 8 + random.int(11);
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
