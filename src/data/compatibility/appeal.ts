/** Who clicks and buys what in the world `compatibility`, and the impressions that earlier recommenders left behind. */
import { Random } from '../../numeric/random';
import type { Impressions } from '../dataset';
import { type Market, neededLeaf } from './market';
import type { Visitor } from './visitor';
import { KINDS } from './words';

/** Logits, to which those of a click and of a conversion are added. */
const CLICK = 0.2;
const CONVERSION = -0.1;
const NEEDED = 0.05;
const SAME_PLATFORM = -1;
const SAME_KIND = -1.2;
const OTHER = -1.6;
/** The favourite treat, for the least and the most easily tempted; other treats are liked this much less. */
const FAVOURITE = [-0.7, 1.8];
const OTHER_TREAT = -1.3;
/** What liking a brand adds. */
const BRAND = 0.5;
/** Of the purchases, those at which earlier recommenders showed something, and how many items. */
const SHOWN = 0.9;
const SLOTS = 5;
/** What a slot shows: a treat, what is needed, the same platform, the same kind, any gear; else anything. */
const SOURCES = [0.3, 0.3, 0.12, 0.12, 0.08, 0.08];

/** Probabilities of a click, and of a conversion given the click, of an item shown after `historyLength` behaviours. */
export function chances(
  market: Market,
  visitor: Visitor,
  historyLength: number,
  item: number,
): [click: number, conversion: number] {
  const { role, which, brand, quality } = market;
  const liking = brand[item] < 0 ? 0 : BRAND * visitor.taste[brand[item]];
  const appeal = baseOf(market, visitor, historyLength, item) + liking + quality[item];
  const chance = (logit: number) => 1 / (1 + Math.exp(-logit));
  return [chance(appeal + CLICK), chance(appeal + CONVERSION)];

  function baseOf(
    _market: Market,
    { persona, life, history }: Visitor,
    until: number,
    shown: number,
  ): number {
    if (role[shown] === 'treat') {
      const [least, most] = FAVOURITE;
      const favourite = least + (most - least) * market.temptation[persona];
      return which[shown] === market.favourite[persona] ? favourite : favourite + OTHER_TREAT;
    }
    const { device, occasion } = visitor.latest(market, until);
    if (role[shown] !== 'gear' || device < 0 || occasion < 0) return OTHER;
    const needed = neededLeaf(market, life, which[history[device]], which[history[occasion]]);
    if (which[shown] === needed) return NEEDED;
    if (platformOf(which[shown]) === platformOf(needed)) return SAME_PLATFORM;
    return kindOf(which[shown]) === kindOf(needed) ? SAME_KIND : OTHER;
  }
}

const platformOf = (leaf: number) => Math.floor(leaf / KINDS.length);
const kindOf = (leaf: number) => leaf % KINDS.length;

/** What was shown at the purchases of each visitor; a visitor's draws are of a stream of its own. */
export function drawMarketImpressions(
  market: Market,
  visitors: readonly Visitor[],
  seed: number,
  purpose = 'compatibility/impressions',
): Impressions {
  const rows: { user: number; item: number; historyLength: number; click: number; conversion: number }[] = [];
  const { find } = market;
  visitors.forEach((visitor, user) => {
    const random = new Random(seed, purpose, user);
    const { history, life, moments } = visitor;
    for (const { position, device, occasion } of moments) {
      if (!random.chance(SHOWN)) continue;
      const needed = neededLeaf(market, life, market.which[history[device]], market.which[history[occasion]]);
      const shown = new Set<number>();
      while (shown.size < SLOTS) {
        const leaf = [
          () => random.pick(find.treat),
          () => find.gear[needed],
          () => find.gear[platformOf(needed) * KINDS.length + random.int(KINDS.length)],
          () => find.gear[random.int(find.gear.length / KINDS.length) * KINDS.length + kindOf(needed)],
          () => random.pick(find.gear),
          () => [random.int(market.items.length)],
        ][random.categorical(SOURCES)]();
        shown.add(random.pick(leaf));
      }
      for (const item of shown) {
        const [pClick, pConversion] = chances(market, visitor, position, item);
        const click = Number(random.chance(pClick));
        const conversion = click === 1 && random.chance(pConversion) ? 1 : 0;
        rows.push({ user, item, historyLength: position, click, conversion });
      }
    }
  });
  return {
    user: Int32Array.from(rows, ({ user }) => user),
    item: Int32Array.from(rows, ({ item }) => item),
    historyLength: Int32Array.from(rows, ({ historyLength }) => historyLength),
    click: Uint8Array.from(rows, ({ click }) => click),
    conversion: Uint8Array.from(rows, ({ conversion }) => conversion),
  };
}
