/**
 * The oracle of the world `compatibility` once more, in full: every chance from the catalogue's sentences, what shoppers bought, and
 * the hidden numbers as they were drawn. Nothing of src/data/compatibility/appeal.ts is asked.
 */
import { describe, expect, it } from 'vitest';
import { drawMarket } from '../../src/data/compatibility/market';
import { drawVisitor, type Stream } from '../../src/data/compatibility/visitor';
import { GEAR_BRANDS } from '../../src/data/compatibility/words';
import { generateCompatibility } from '../../src/data/compatibility/world';
import { targetItem } from '../../src/data/dataset';

const options = { seed: 11, devices: 40, numUsers: 1500, numHeldoutUsers: 60 };
const world = await generateCompatibility(options);
const { items, users, splits } = world;
const oracle = world.oracle!;

const departmentOf = (item: number) => items[item].categories[0];
const nameOf = (item: number) => items[item].categories[2].toLowerCase();
const brandOf = (item: number) => GEAR_BRANDS.findIndex((brand) => items[item].title.startsWith(`${brand} `));
const [lifeOf, personaOf] = [0, 1].map((at) => (user: number) => users[user].profile.split(' ')[at]);
const isTreat = (item: number) => departmentOf(item) === 'Treats';

/** What the catalogue says: the platform of each device; platform and kind of each noun of gear. */
const platforms = new Map<string, string>();
const gear = new Map<string, { platform: string; kind: string }>();
for (const fact of world.facts) {
  const [, device, takes] = /^saw (\w+) takes (\w+)$/.exec(fact) ?? [];
  if (device !== undefined) platforms.set(device, takes);
  const [, platform, kind, noun] = /^need (\w+) (\w+) : \w+ (\w+)$/.exec(fact) ?? [];
  if (noun !== undefined) gear.set(noun.toLowerCase(), { platform, kind });
}

/** Names of the newest device and occasion before a position; undefined where there was none. */
function causes(user: number, position: number): { device?: string; occasion?: string } {
  const before = [...users[user].history.slice(0, position)].reverse();
  const newest = (department: string) => {
    const found = before.find((item) => departmentOf(item) === department);
    return found === undefined ? undefined : nameOf(found);
  };
  return { device: newest('Devices'), occasion: newest('Occasions') };
}

/** What each occasion calls for in each stage of life, and each persona's favourite treat, by what training shoppers bought. */
const wants = new Map<string, string>();
const treats = new Map<string, Map<string, number>>();
/** Of each persona, purchases, and treats among them. */
const impulses = new Map<string, [all: number, treats: number]>();
for (const example of splits.train) {
  const item = targetItem(world, example);
  const persona = personaOf(example.user);
  const [all, some] = impulses.get(persona) ?? [0, 0];
  impulses.set(persona, [all + 1, some + Number(isTreat(item))]);
  if (isTreat(item)) {
    const counts = treats.get(persona) ?? new Map<string, number>();
    treats.set(persona, counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1));
  } else {
    const { occasion } = causes(example.user, example.position);
    wants.set(`${lifeOf(example.user)} ${occasion}`, gear.get(nameOf(item))!.kind);
  }
}
const favourites = new Map(
  [...treats].map(([persona, counts]) => [persona, [...counts].sort((a, b) => b[1] - a[1])[0][0]]),
);
/** Least and most easily tempted: 0, .2 … 1 in the order of the shares of treats. */
const tempted = new Map(
  [...impulses]
    .sort(([, a], [, b]) => a[1] / a[0] - b[1] / b[0])
    .map(([persona], rank) => [persona, rank / 5]),
);

/** Hidden and in no data set: what a shopper thinks of brands, and how good an item is. */
const market = drawMarket(options);
const tasteOf = (user: number): readonly number[] => {
  const { numUsers, numHeldoutUsers } = options;
  const [split, index]: [Stream, number] =
    user < numUsers
      ? ['train', user]
      : user < numUsers + numHeldoutUsers
        ? ['validation', user - numUsers]
        : ['test', user - numUsers - numHeldoutUsers];
  return drawVisitor(market, options, split, index).taste;
};

function wanted(user: number, position: number, item: number, taste: readonly number[]): number {
  let appeal = -1.6;
  if (isTreat(item)) {
    // From −.7 to 1.8 for the favourite, 1.3 less for the others.
    appeal = -0.7 + 2.5 * tempted.get(personaOf(user))!;
    if (nameOf(item) !== favourites.get(personaOf(user))) appeal -= 1.3;
  }
  const { device, occasion } = causes(user, position);
  if (departmentOf(item) === 'Gear' && device !== undefined && occasion !== undefined) {
    const { platform, kind } = gear.get(nameOf(item))!;
    const fits = platform === platforms.get(device);
    const serves = kind === wants.get(`${lifeOf(user)} ${occasion}`);
    appeal = fits && serves ? 0.05 : fits ? -1 : serves ? -1.2 : -1.6;
  }
  const brand = brandOf(item);
  if (brand >= 0) appeal += 0.5 * taste[brand];
  appeal += market.quality[item];
  return (1 / (1 + Math.exp(-appeal - 0.2))) * (1 / (1 + Math.exp(-appeal + 0.1)));
}

describe('the oracle, recomputed', () => {
  it('knows what the world is told to be: 24 wants, 6 personas with a favourite each', () => {
    expect([platforms.size, gear.size, wants.size]).toEqual([40, 64, 24]);
    expect(new Set(favourites.values()).size).toBe(6);
    expect([...tempted.values()]).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    // Shares of neighbours are .052 apart, with a spread of about .014 each.
    for (const [persona, [all, some]] of impulses) {
      const chance = 0.08 + 0.26 * tempted.get(persona)!;
      expect(Math.abs(some / all - chance) / Math.sqrt((chance * (1 - chance)) / all)).toBeLessThan(4);
    }
  });

  it('has every chance of every kind of item, for training, validation and test shoppers, wherever they are in their history', () => {
    const last = users.length - 1;
    const asked = [0, 1, 2, 3, 700, 1499, 1500, 1530, 1559, 1560, 1600, last];
    const seen = new Set<string>();
    let worst = 0;
    for (const user of asked) {
      const taste = tasteOf(user);
      const { length } = users[user].history;
      for (const position of [0, 1, 2, Math.floor(length / 2), length - 1]) {
        items.forEach((_, item) => {
          const chance = oracle.ctcvr(user, position, item);
          worst = Math.max(worst, Math.abs(chance - wanted(user, position, item, taste)));
          seen.add(departmentOf(item));
        });
      }
    }
    expect([...seen].sort()).toEqual(['Devices', 'Everyday', 'Gear', 'Occasions', 'Treats']);
    expect(worst).toBeLessThan(1e-12);
  });

  it('sells a brand to those who buy it: of brands of one gear, tastes tell which is chosen', () => {
    // Chosen by softmax(1.2 · (taste + quality)). The oracle has .5 · taste + quality, from which both can be told.
    const logit = (chance: number) => {
      let [low, high] = [-20, 20];
      for (let step = 0; step < 70; step++) {
        const middle = (low + high) / 2;
        const found = 1 / (1 + Math.exp(-middle - 0.2)) / (1 + Math.exp(-middle + 0.1));
        if (found < chance) low = middle;
        else high = middle;
      }
      return low;
    };
    let [found, expected, variance, even, purchases] = [0, 0, 0, 0, 0];
    for (const { user, position } of splits.train.slice(0, 1500)) {
      const item = users[user].history[position];
      if (isTreat(item)) continue;
      const rivals = items.flatMap((_, other) => (nameOf(other) === nameOf(item) ? [other] : []));
      const liking = rivals.map((other) => {
        const taste = (logit(oracle.ctcvr(user, position, other)) - market.quality[other]) / 0.5;
        return Math.exp(1.2 * (taste + market.quality[other]));
      });
      const total = liking.reduce((a, b) => a + b, 0);
      const chances = liking.map((each) => each / total);
      const mean = chances.reduce((sum, p) => sum + p * Math.log(p), 0);
      found += Math.log(chances[rivals.indexOf(item)]);
      expected += mean;
      variance += chances.reduce((sum, p) => sum + p * (Math.log(p) - mean) ** 2, 0);
      even += Math.log(1 / rivals.length);
      purchases++;
    }
    expect(purchases).toBeGreaterThan(1000);
    // As likely as purchases are under the right model, which is far more than by chance.
    expect(Math.abs(found - expected) / Math.sqrt(variance)).toBeLessThan(4);
    expect((found - even) / purchases).toBeGreaterThan(0.2);
  });
});
