/** A shopper of the world `compatibility`: profile, taste for brands, and the episodes that the history consists of. */
import { Random } from '../../numeric/random';
import { LIFE_STAGES, PERSONAS } from '../vocabulary';
import { type Market, neededLeaf } from './market';
import { EVERYDAY, GEAR_BRANDS, OCCASIONS } from './words';

/** How the device of an episode stands to what training has met. */
export const SLICES = ['seen', 'composed', 'cold'] as const;
export type Slice = (typeof SLICES)[number];

/** Shares of the slices among the last episodes of held-out shoppers. */
const SHARES = [0.35, 0.3, 0.35];
const EPISODES = 4;
/** A quarter of the shoppers is sparse. */
const SPARSE = 0.25;
const SPARSE_EPISODES = 2;
/** An episode begins with a device that nothing is bought for: a cold one too, so that its name is met. */
const BYSTANDER = 0.25;
/** Most everyday things between. */
const MOST_EVERYDAY = 2;
/** Chance of an impulse, for the least and the most easily tempted. */
const IMPULSE = [0.08, 0.34];
/** An impulse goes to the favourite this often, else to any other treat. */
const TO_FAVOURITE = 0.7;
const TASTE = 0.9;
/** Of the softmax over the brands of a leaf. */
const SHARPNESS = 1.2;

/** A purchase, and what led to it. */
export interface Moment {
  /** Of the purchase in the history. */
  position: number;
  /** Positions of the device and of the occasion that called for something. */
  device: number;
  occasion: number;
  isImpulse: boolean;
  slice: Slice;
}

export type Stream = 'train' | 'validation' | 'test' | 'newcomers';

/** A shopper of a split, from a stream of its own, so that nobody changes with how many others there are. */
export function drawVisitor(
  market: Market,
  { seed }: { seed: number },
  split: Stream,
  index: number,
): Visitor {
  return new Visitor(market, new Random(seed, `compatibility/${split}`, index), split !== 'train');
}

export class Visitor {
  readonly life: number;
  readonly persona: number;
  readonly profile: string;
  /** [brands] Liking; hidden. */
  readonly taste: readonly number[];
  readonly history: Int32Array;
  readonly moments: readonly Moment[];
  readonly slice: Slice;

  /**
   * @param random the shopper's own stream: all that is drawn for it comes from there, in this order
   * @param isHeldOut whether the last episode may be of any slice; all others are of the seen
   */
  constructor(market: Market, random: Random, isHeldOut: boolean) {
    this.life = random.int(LIFE_STAGES.length);
    this.persona = random.int(PERSONAS.length);
    this.profile = `${LIFE_STAGES[this.life]} ${PERSONAS[this.persona]}`;
    this.taste = GEAR_BRANDS.map(() => TASTE * random.normal());
    this.slice = isHeldOut ? SLICES[random.categorical(SHARES)] : 'seen';
    const history: number[] = [];
    const moments: Moment[] = [];
    const episodes = random.chance(SPARSE) ? SPARSE_EPISODES : EPISODES;
    for (let episode = 0; episode < episodes; episode++) {
      const slice = episode === episodes - 1 ? this.slice : 'seen';
      moments.push(this.#episode({ market, random, history }, slice));
    }
    this.history = Int32Array.from(history);
    this.moments = moments;
  }

  /** Adds an episode to the history. */
  #episode({ market, random, history }: { market: Market; random: Random; history: number[] }, slice: Slice) {
    const any = (items: readonly number[][]) => random.pick(random.pick(items));
    const { find } = market;
    const device = this.#device(market, random, slice);
    if (random.chance(BYSTANDER)) history.push(any(find.device));
    const events = [find.device[device.device][0], find.occasion[device.occasion][0]];
    for (let more = random.int(MOST_EVERYDAY + 1); more > 0; more--)
      events.push(find.everyday[random.int(EVERYDAY.length)][0]);
    const order = random.shuffle(Array.from(events.keys()));
    const start = history.length;
    for (const event of order) history.push(events[event]);
    const [least, most] = IMPULSE;
    const isImpulse = random.chance(least + (most - least) * market.temptation[this.persona]);
    history.push(
      isImpulse
        ? this.#pickBrand(market, random, find.treat[this.#treat(market, random)])
        : this.#pickBrand(
            market,
            random,
            find.gear[neededLeaf(market, this.life, device.device, device.occasion)],
          ),
    );
    return {
      position: history.length - 1,
      device: start + order.indexOf(0),
      occasion: start + order.indexOf(1),
      isImpulse,
      slice,
    };
  }

  #device(market: Market, random: Random, slice: Slice): { device: number; occasion: number } {
    const fits = (device: number, kind: number) =>
      slice === 'cold'
        ? market.isCold[device]
        : !market.isCold[device] && market.meets[device][kind] === (slice === 'seen');
    // Some kinds may have no device of a slice in a small market: then another occasion is drawn.
    for (const occasion of random.shuffle(Array.from(OCCASIONS.keys()))) {
      const kind = market.wants[this.life][occasion];
      const fitting = Array.from(market.platform.keys()).filter((device) => fits(device, kind));
      if (fitting.length > 0) return { device: random.pick(fitting), occasion };
    }
    throw new Error(`No device of this market is ${slice} for any occasion: raise data.devices.`);
  }

  #treat(market: Market, random: Random): number {
    const favourite = market.favourite[this.persona];
    if (random.chance(TO_FAVOURITE)) return favourite;
    return random.pick(Array.from(market.find.treat.keys()).filter((treat) => treat !== favourite));
  }

  #pickBrand(market: Market, random: Random, items: readonly number[]): number {
    const liking = items.map((item) => this.taste[market.brand[item]] + market.quality[item]);
    return items[random.categorical(liking.map((value) => Math.exp(SHARPNESS * value)))];
  }

  /** Positions of the newest device and the newest occasion before `position`; −1 for none. A bystander is never the newest. */
  latest({ role }: Market, position: number): { device: number; occasion: number } {
    const found = { device: -1, occasion: -1 };
    for (let at = position - 1; at >= 0 && (found.device < 0 || found.occasion < 0); at--) {
      const is = role[this.history[at]];
      if ((is === 'device' || is === 'occasion') && found[is] < 0) found[is] = at;
    }
    return found;
  }
}
