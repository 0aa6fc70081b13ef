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
import type { Dataset, Oracle, User } from './dataset';
import { identify, type Splits } from './hash';
import { requestsOf } from './requests';
import { type CatalogueOptions, drawCatalogue, drawPersonas } from './worldCatalogue';
import { MAX_L1 } from './worldLimits';
import { drawImpressions, OUTCOMES, Outcomes } from './worldOutcomes';
import { Shopper } from './worldShopper';

/** What a world depends on. */
export interface WorldOptions extends CatalogueOptions {
  world: keyof typeof OUTCOMES;
  numUsers: number;
  /** Held-out users each for validation and test. */
  numHeldoutUsers: number;
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
  whole('numL1', 1, MAX_L1);
  whole('itemsPerL3', 1, 64);
  whole('numUsers', 1, 1_000_000);
  whole('numHeldoutUsers', 1, 1_000_000);
}

/**
 * Generates the world. Users come in the order train, validation, test; each is drawn from its own stream, so that
 * held-out users do not change with `numUsers`.
 * @throws RangeError naming the option that is out of range
 */
export async function generateWorld(o: WorldOptions): Promise<Dataset> {
  check(o);
  const catalogue = drawCatalogue(o);
  const outcomes = new Outcomes(catalogue, OUTCOMES[o.world]);
  const personas = drawPersonas(o.seed);
  const draw = (split: string, count: number) =>
    Array.from(
      { length: count },
      (_, index) => new Shopper(catalogue, personas, new Random(o.seed, `world/${split}`, index)),
    );
  const train = draw('train', o.numUsers);
  const impressions = drawImpressions({ catalogue, shoppers: train, outcomes }, o.seed);
  const shoppers = [...train, ...draw('validation', o.numHeldoutUsers), ...draw('test', o.numHeldoutUsers)];
  const users = describe(shoppers, 'u');
  const splits: Splits = { train: [], validation: [], test: [] };
  shoppers.forEach(({ history }, user) => {
    if (user < o.numUsers) {
      for (let position = 2; position < history.length; position++) splits.train.push({ user, position });
    } else {
      const heldOut = user < o.numUsers + o.numHeldoutUsers ? splits.validation : splits.test;
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
    oracle: oracleOf(shoppers, outcomes),
    newcomers(count) {
      const later = draw('newcomers', count);
      const shown = drawImpressions(
        { catalogue, shoppers: later, outcomes },
        o.seed,
        'world/newcomers/impressions',
      );
      return identify({
        id: 'newcomers',
        items: catalogue.items,
        users: describe(later, 'n'),
        impressions: shown,
        splits: requestsOf(shown),
        facts: [],
        notes: [],
        oracle: oracleOf(later, outcomes),
      });
    },
  });
}

function describe(shoppers: readonly Shopper[], prefix: string): User[] {
  return shoppers.map(({ profile, history }, index) => ({ id: `${prefix}${index}`, profile, history }));
}

function oracleOf(shoppers: readonly Shopper[], outcomes: Outcomes): Oracle {
  return {
    ctcvr(user, historyLength, item) {
      const { traits, history } = shoppers[user];
      const [click, conversion] = outcomes.probabilities(traits, history, historyLength, item);
      return click * conversion;
    },
    evidence(user, position) {
      const { evidence, history } = shoppers[user];
      return evidence[position] < 0 ? [] : [history[evidence[position]]];
    },
  };
}
