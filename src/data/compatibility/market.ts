/**
 * The catalogue of the world `compatibility`, and what holds in it: which device takes which platform (told by catalogue facts
 * alone), what an occasion calls for in each stage of life, and which devices and pairs training never meets.
 */
import { Random } from '../../numeric/random';
import type { Item } from '../dataset';
import type { Need } from '../lore';
import { LIFE_STAGES, PERSONAS } from '../vocabulary';
import {
  BRANDS_PER_LEAF,
  capital,
  DEVICES,
  drawNouns,
  EVERYDAY,
  GEAR_BRANDS,
  KINDS,
  OCCASIONS,
  PLATFORMS,
  SORTS,
  TREATS,
} from './words';

type Role = 'device' | 'occasion' | 'gear' | 'treat' | 'everyday';

/** Share of the devices that nothing is bought for in training. */
const COLD = 0.2;
/** Share of the pairs of a device and a kind that training never meets together. */
const UNMET = 0.3;
/** Spread of how good an item is. */
const QUALITY = 0.25;

/** Items of the market, and its rules. Leaves of gear are numbered platform · KINDS + kind. */
export interface Market {
  items: Item[];
  /** [items] */
  needs: Need[];
  role: Role[];
  /** [items] Which device, occasion, leaf of gear, treat or everyday thing it is. */
  which: number[];
  /** [items] Index into GEAR_BRANDS; −1: none. */
  brand: number[];
  quality: number[];
  /** Catalogue indices by role and `which`. */
  find: Record<Role, number[][]>;
  /** [devices] */
  platform: number[];
  isCold: boolean[];
  /** [devices][kinds] Whether training may meet the two together; never for a cold device. */
  meets: boolean[][];
  /** [life stages][occasions] → kind; no two occasions of a stage call for the same. */
  wants: number[][];
  /** [personas] The treat they like best. */
  favourite: number[];
  /** [personas] How easily they are tempted, from 0 to 1. */
  temptation: number[];
}

export interface MarketOptions {
  seed: number;
  /** See `DEVICE_RANGE`. */
  devices: number;
}

/** Draws the market. Devices of a platform, cold ones among them, are as many as those of another. */
export function drawMarket({ seed, devices }: MarketOptions): Market {
  const random = new Random(seed, 'compatibility/market');
  const platform = random.shuffle(Array.from({ length: devices }, (_, device) => device % PLATFORMS.length));
  const coldEach = Math.max(1, Math.round((COLD * devices) / PLATFORMS.length));
  const isCold = platform.map(
    (own, device) => platform.slice(0, device).filter((other) => other === own).length < coldEach,
  );
  const unmet = Math.round(UNMET * KINDS.length * 10) / 10;
  const meets = isCold.map((cold) => {
    const order = random.shuffle(Array.from(KINDS.keys()));
    // 2.4 of 8 kinds on average: two or three of each device.
    const without = order.slice(0, Math.floor(unmet) + Number(random.chance(unmet % 1)));
    return KINDS.map((_, kind) => !cold && !without.includes(kind));
  });
  const market: Market = {
    items: [],
    needs: [],
    role: [],
    which: [],
    brand: [],
    quality: [],
    find: { device: [], occasion: [], gear: [], treat: [], everyday: [] },
    platform,
    isCold,
    meets,
    wants: LIFE_STAGES.map(() => random.shuffle(Array.from(KINDS.keys())).slice(0, OCCASIONS.length)),
    favourite: random.shuffle(Array.from(TREATS.keys())).slice(0, PERSONAS.length),
    temptation: random.shuffle(Array.from(PERSONAS.keys())).map((rank) => rank / (PERSONAS.length - 1)),
  };
  const add = (role: Role, which: number, item: Omit<Item, 'id'>, more: { label: string; brand: number }) => {
    const { find, items, needs } = market;
    find[role][which] ??= [];
    find[role][which].push(items.length);
    items.push({ id: `i${items.length}`, ...item });
    needs.push({ key: `${role} ${which}`, label: more.label });
    market.role.push(role);
    market.which.push(which);
    market.brand.push(more.brand);
    market.quality.push(QUALITY * random.normal());
  };
  for (let device = 0; device < devices; device++) {
    const name = DEVICES[device];
    const categories = ['Devices', random.pick(SORTS), capital(name)] as const;
    add('device', device, { title: capital(name), categories }, { label: name, brand: -1 });
  }
  OCCASIONS.forEach((name, occasion) => {
    const categories = ['Occasions', 'Guides', capital(name)] as const;
    add('occasion', occasion, { title: `${capital(name)} Guide`, categories }, { label: name, brand: -1 });
  });
  const branded = (noun: string, each: (brand: number, title: string) => void) => {
    const brands = random.shuffle(Array.from(GEAR_BRANDS.keys())).slice(0, BRANDS_PER_LEAF);
    for (const brand of brands) each(brand, `${GEAR_BRANDS[brand]} ${capital(noun)}`);
  };
  drawNouns(seed).forEach((noun, leaf) => {
    const kind = KINDS[leaf % KINDS.length];
    const categories = ['Gear', `${capital(kind)}s`, capital(noun)] as const;
    const label = `${PLATFORMS[Math.floor(leaf / KINDS.length)]} ${kind}`;
    branded(noun, (brand, title) => add('gear', leaf, { title, categories }, { label, brand }));
  });
  TREATS.forEach(([name, section], treat) => {
    const categories = ['Treats', section, capital(name)] as const;
    branded(name, (brand, title) => add('treat', treat, { title, categories }, { label: name, brand }));
  });
  EVERYDAY.forEach(([name, section], thing) => {
    const categories = ['Everyday', section, capital(name)] as const;
    add('everyday', thing, { title: capital(name), categories }, { label: name, brand: -1 });
  });
  return market;
}

/** The leaf of gear that a device and an occasion call for in a stage of life. */
export function neededLeaf(market: Market, life: number, device: number, occasion: number): number {
  return market.platform[device] * KINDS.length + market.wants[life][occasion];
}

/**
 * What the catalogue tells in sentences: which platform a device takes, worded as a chain of thought says it, by itself and after the
 * device as a prompt shows it; and the name of the gear for each platform and kind.
 */
export function factsOf({ items, needs, role, which, platform, find }: Market): string[] {
  return items.flatMap(({ title, categories }, item) => {
    if (role[item] === 'device') {
      const fact = `saw ${needs[item].label} takes ${PLATFORMS[platform[which[item]]]}`;
      return [fact, `${title} ${categories.join(' ')} ${fact}`];
    }
    // One of the items of each leaf: devices are more to learn.
    const isFirst = role[item] === 'gear' && find.gear[which[item]][0] === item;
    return isFirst ? [`need ${needs[item].label} : ${title}`] : [];
  });
}
