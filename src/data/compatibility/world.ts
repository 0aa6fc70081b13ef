/**
 * The embedded world `compatibility`, in which reasoning pays and rewards trade off. Nothing is downloaded.
 *
 * - *A need joins two facts.* An episode shows a device and an occasion. The device's platform stands in the catalogue's sentences
 *   alone; what the occasion calls for depends on the stage of life. The gear for the two together has a name of its own, so that
 *   neither fact helps without the other.
 * - *Impulse.* Some people buy a treat instead, and to some of them a treat sells better than what they need.
 *
 * Test users' last episodes fall into three slices: *seen*, device and kind met together in training; *composed*, each met, never
 * together; *cold*, a device that no training purchase is for. Facts tell its platform, histories and so prompts show it in passing, and
 * no argument cites it but wrong ones.
 * Everything is a pure function of the options.
 */
import type { Dataset, Example, Oracle } from '../dataset';
import { identify, type Splits } from '../hash';
import type { Clause, Lore } from '../lore';
import { requestsOf } from '../requests';
import { LIFE_STAGES, PERSONAS } from '../vocabulary';
import { DEVICE_RANGE } from '../worldLimits';
import { chances, drawMarketImpressions } from './appeal';
import { drawMarket, factsOf, type Market, type MarketOptions } from './market';
import { drawVisitor, SLICES, type Stream, type Visitor } from './visitor';
import { KINDS, PLATFORMS } from './words';

export interface CompatibilityOptions extends MarketOptions {
  numUsers: number;
  /** Held-out users each for validation and test. */
  numHeldoutUsers: number;
}

function check(o: CompatibilityOptions): void {
  const whole = (name: keyof CompatibilityOptions, low: number, high: number) => {
    if (!Number.isInteger(o[name]) || o[name] < low || o[name] > high)
      throw new RangeError(
        `The world's ${name} is ${o[name]}; choose a whole number from ${low} to ${high}.`,
      );
  };
  whole('seed', 0, 0xffffffff);
  whole('devices', ...DEVICE_RANGE);
  whole('numUsers', 1, 1_000_000);
  whole('numHeldoutUsers', 1, 1_000_000);
}

/**
 * Generates the world. Users come in the order train, validation, test; each is drawn from its own stream, so that held-out users do
 * not change with `numUsers`.
 * @throws RangeError naming the option that is out of range
 */
export async function generateCompatibility(o: CompatibilityOptions): Promise<Dataset> {
  check(o);
  const market = drawMarket(o);
  const draw = (split: Stream, count: number) =>
    Array.from({ length: count }, (_, index) => drawVisitor(market, o, split, index));
  const train = draw('train', o.numUsers);
  const visitors = [...train, ...draw('validation', o.numHeldoutUsers), ...draw('test', o.numHeldoutUsers)];
  const splits: Splits = { train: [], validation: [], test: [] };
  visitors.forEach(({ moments, history }, user) => {
    if (user < o.numUsers) {
      for (const { position } of moments) splits.train.push({ user, position });
    } else {
      const heldOut = user < o.numUsers + o.numHeldoutUsers ? splits.validation : splits.test;
      heldOut.push({ user, position: history.length - 1 });
    }
  });
  const { numUsers } = o;
  return identify({
    id: 'world-compatibility',
    items: market.items,
    users: describe(visitors, 'u'),
    impressions: drawMarketImpressions(market, train, o.seed),
    splits,
    facts: factsOf(market),
    notes: [
      'Generated from the seed: catalogue, users, behaviours, impressions, clicks and conversions. No real person or product.',
      'Which platform a device takes stands in the catalogue’s sentences alone; what an occasion calls for depends on the stage of life.',
      'Clicks and conversions are drawn from a known model. Evaluation reads its true CTCVR; training never does.',
      'Impressions are those of training users. Validation and test users are apart; each is asked for the last behaviour.',
      'Slices: seen, device and kind met together in training; composed, each met, never together; cold, a device that no training purchase is for.',
    ],
    slices: {
      names: SLICES,
      of: ({ user }: Pick<Example, 'user'>) => (user < numUsers ? -1 : SLICES.indexOf(visitors[user].slice)),
    },
    lore: loreOf(market, visitors),
    oracle: oracleOf(market, visitors),
    newcomers(count) {
      const later = draw('newcomers', count);
      const shown = drawMarketImpressions(market, later, o.seed, 'compatibility/newcomers/impressions');
      return identify({
        id: 'newcomers',
        items: market.items,
        users: describe(later, 'n'),
        impressions: shown,
        splits: requestsOf(shown),
        facts: [],
        notes: [],
        // Something is shown to them at purchases alone, each of which is of a slice.
        slices: {
          names: SLICES,
          of: ({ user, position }) =>
            SLICES.findIndex((name) =>
              later[user].moments.some((moment) => moment.position === position && moment.slice === name),
            ),
        },
        lore: loreOf(market, later),
        oracle: oracleOf(market, later),
      });
    },
  });
}

function describe(visitors: readonly Visitor[], prefix: string): Dataset['users'] {
  return visitors.map(({ profile, history }, index) => ({ id: `${prefix}${index}`, profile, history }));
}

function oracleOf(market: Market, visitors: readonly Visitor[]): Oracle {
  return {
    ctcvr(user, historyLength, item) {
      const [click, conversion] = chances(market, visitors[user], historyLength, item);
      return click * conversion;
    },
    evidence(user, position) {
      const { moments, history } = visitors[user];
      const moment = moments.find((each) => each.position === position);
      return moment === undefined || moment.isImpulse
        ? []
        : [history[moment.device], history[moment.occasion]];
    },
  };
}

function loreOf(market: Market, visitors: readonly Visitor[]): Lore {
  const { needs, role, which } = market;
  const deviceClause = (item: number): Clause => ({
    item,
    words: `saw ${needs[item].label} takes`,
    says: PLATFORMS[market.platform[which[item]]],
  });
  return {
    needs,
    words: ['saw', 'takes', 'wants', 'need', 'treat', 'for', ...PLATFORMS, ...KINDS],
    properties: [PLATFORMS, KINDS],
    argument(user, position) {
      const visitor = visitors[user];
      const { device, occasion } = visitor.latest(market, position);
      if (device < 0 || occasion < 0) return [];
      const [seen, about] = [visitor.history[device], visitor.history[occasion]];
      const kind = KINDS[market.wants[visitor.life][which[about]]];
      const words = `${needs[about].label} ${LIFE_STAGES[visitor.life]} wants`;
      return [deviceClause(seen), { item: about, words, says: kind }];
    },
    rivals(user, position, window) {
      const visitor = visitors[user];
      const { device } = visitor.latest(market, position);
      const others = visitor.history
        .slice(Math.max(0, position - window), position)
        .filter((item) => role[item] === 'device' && item !== visitor.history[device]);
      return Array.from(new Set(others), deviceClause);
    },
    impulse(user, position) {
      const { moments, persona } = visitors[user];
      const moment = moments.find((each) => each.position === position);
      return moment?.isImpulse ? `treat for ${PERSONAS[persona]}` : null;
    },
  };
}
