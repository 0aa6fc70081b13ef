/** One test shopper's last purchase in the world `compatibility`, told apart by who may know what. */
import { LIFE_STAGES, PERSONAS } from '../vocabulary';
import { chances } from './appeal';
import { drawMarket, factsOf, type MarketOptions, neededLeaf } from './market';
import { drawVisitor, type Slice } from './visitor';
import { GEAR_BRANDS, KINDS, PLATFORMS, TREATS } from './words';

export interface Story {
  life: string;
  persona: string;
  /** What a prompt shows: the last behaviours, newest first. */
  behaviours: { title: string; categories: readonly string[]; role: 'device' | 'occasion' | 'other' }[];
  /** Sentences of the catalogue that the answer follows from: the device's platform, and the name of the gear. */
  facts: string[];
  /** What the occasion calls for in this stage of life: only purchases tell. */
  occasion: string;
  kind: string;
  /** What no text tells: the brand that the shopper likes best of those that make the gear, and how treats sell. */
  brand: string;
  treat: string;
  /** P(click ∧ purchase) of the best item of the needed gear, and of the favourite treat; evaluation reads them. */
  chances: { gear: number; treat: number };
  /** The device’s name, in small letters, and the platform that it takes. */
  device: string;
  platform: string;
  gear: string;
  bought: string;
  isImpulse: boolean;
  slice: Slice;
}

/**
 * @param window how many behaviours a prompt shows
 * @param index of the test shopper, from 0
 */
export function storyOf(options: MarketOptions, window: number, index: number): Story {
  const market = drawMarket(options);
  const visitor = drawVisitor(market, options, 'test', index);
  const { history, moments, life, persona, taste } = visitor;
  const moment = moments[moments.length - 1];
  const { items, needs, which, find } = market;
  const [device, occasion] = [history[moment.device], history[moment.occasion]];
  const leaf = neededLeaf(market, life, which[device], which[occasion]);
  const platform = PLATFORMS[market.platform[which[device]]];
  const kind = KINDS[market.wants[life][which[occasion]]];
  const gear = find.gear[leaf];
  const chance = (item: number) => {
    const [click, conversion] = chances(market, visitor, moment.position, item);
    return click * conversion;
  };
  const best = (of: readonly number[]) => Math.max(...of.map(chance));
  const liked = gear.reduce((a, b) => (taste[market.brand[b]] > taste[market.brand[a]] ? b : a));
  const favourite = market.favourite[persona];
  const isTold = (fact: string) =>
    fact === `saw ${needs[device].label} takes ${platform}` || fact.startsWith(`need ${platform} ${kind} : `);
  return {
    life: LIFE_STAGES[life],
    persona: PERSONAS[persona],
    behaviours: Array.from(history.slice(Math.max(0, moment.position - window), moment.position))
      .map((item, at, { length }) => {
        const position = moment.position - length + at;
        const role =
          position === moment.device ? 'device' : position === moment.occasion ? 'occasion' : 'other';
        return { ...items[item], role } as const;
      })
      .reverse()
      .map(({ title, categories, role }) => ({ title, categories, role })),
    facts: factsOf(market).filter(isTold),
    occasion: needs[occasion].label,
    kind,
    brand: GEAR_BRANDS[market.brand[liked]],
    treat: TREATS[favourite][0],
    chances: { gear: best(gear), treat: best(find.treat[favourite]) },
    device: needs[device].label,
    platform,
    gear: items[gear[0]].categories[2],
    bought: items[history[moment.position]].title,
    isImpulse: moment.isImpulse,
    slice: moment.slice,
  };
}
