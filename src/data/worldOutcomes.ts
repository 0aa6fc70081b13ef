/** Who clicks and buys what in the embedded world, and the impressions that earlier recommenders left behind. */
import { Random } from '../numeric/random';
import { firstAbove } from '../numeric/search';
import type { Impressions } from './dataset';
import { affinity, type Catalogue } from './worldCatalogue';
import type { Shopper, Traits } from './worldShopper';

/** Logits of click, and of conversion given a click. `rel` is the relevance to the last behaviours, in [0, 1]. */
export interface OutcomeModel {
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
export const OUTCOMES: Record<'tradeoff' | 'hackable', OutcomeModel> = {
  tradeoff: {
    click: { bias: -2.2, taste: 0.9, popularity: 0.35, rel: 2.2 },
    conversion: { bias: -1.8, taste: 0.7, popularity: 0, quality: 0.35, rel: 1.6, category: 0.5 },
  },
  hackable: {
    click: { bias: -2.2, taste: 0.9, popularity: 0.9, rel: 1.2 },
    conversion: { bias: -1.8, taste: 0.7, popularity: 0.5, quality: 0.5, rel: 1.0, category: 0.6 },
  },
};

/** Probabilities of click, and of conversion given the click. */
export class Outcomes {
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
export function drawImpressions(
  { catalogue, shoppers, outcomes }: { catalogue: Catalogue; shoppers: Shopper[]; outcomes: Outcomes },
  seed: number,
  purpose = 'world/impressions',
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
    const random = new Random(seed, purpose, index);
    const { history, traits } = shopper;

    const byPopularity = () => firstAbove(cumulative, random.uniform() * mass);
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
