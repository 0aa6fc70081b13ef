/** Counters on a case by hand, and on the world that they are held against. */
import { describe, expect, it } from 'vitest';
import { generateCompatibility } from '../../src/data/compatibility/world';
import type { Dataset, Example, Item } from '../../src/data/dataset';
import { type Counter, countersOf, factJoin, type LeafCounter } from '../../src/evaluate/counters';

const item = (title: string, department: string): Item => ({
  id: title,
  title,
  categories: [department, `${department} ${title[0]}`, title],
});
/** Devices 0 and 1, occasions 2 and 3, gear 4 to 7. */
const items = [
  item('d0', 'Devices'),
  item('d1', 'Devices'),
  item('o0', 'Occasions'),
  item('o1', 'Occasions'),
  ...['g0', 'g1', 'g2', 'g3'].map((title) => item(title, 'Gear')),
];

/** Gear 4 + 2 · device + occasion for students; of the other device for parents. */
function byHand(): { data: Dataset; ask: (profile: string, ...seen: number[]) => Example } {
  const users: Dataset['users'] = [];
  const add = (profile: string, ...history: number[]) =>
    users.push({ id: `${users.length}`, profile, history: Int32Array.from(history) }) - 1;
  for (let time = 0; time < 20; time++)
    for (const device of [0, 1])
      for (const occasion of [0, 1])
        for (const [life, shift] of [
          ['student', 0],
          ['parent', 1],
        ] as const)
          add(`${life} busy`, device, 2 + occasion, 4 + 2 * ((device + shift) % 2) + occasion);
  const example = (user: number): Example => ({ sampleId: `${user}`, user, position: 2 });
  const splits = { train: users.map((_, user) => example(user)), validation: [], test: [] };
  const data = { id: 'hand', sha256: 'x', items, users, splits, facts: [], notes: [] } as unknown as Dataset;
  return { data, ask: (profile, ...seen) => example(add(profile, ...seen, 4)) };
}

const named = (all: readonly LeafCounter[], start: string) => all.find(({ name }) => name.startsWith(start))!;

describe('counters', () => {
  it('join what each behaviour calls for in a stage of life only where they count both', () => {
    const { data, ask } = byHand();
    const all = countersOf(data, 5);
    for (const start of ['naive Bayes, window', 'naive Bayes, newest']) {
      const { recommend } = named(all, start);
      // Both stages of life buy all gear equally often, so only with life the device says which.
      expect(recommend(ask('student', 0, 3)), start).toBe(5);
      expect(recommend(ask('parent', 0, 3)), start).toBe(7);
    }
    // The last behaviour alone tells the occasion: gear 5 and 7 are equally frequent, the first is shown.
    expect(named(all, 'leaf bigram').recommend(ask('parent', 0, 3))).toBe(5);
    expect([4, 5, 6, 7]).toContain(named(all, 'best single').recommend(ask('parent', 0, 3)));
  });

  it('never read what is asked for, nor what lies beyond the window', () => {
    const { data, ask } = byHand();
    const example = ask('student', 0, 3);
    const other = { ...example, user: ask('student', 0, 3).user };
    data.users[other.user].history[2] = 7;
    for (const { recommend } of countersOf(data, 5)) expect(recommend(other)).toBe(recommend(example));
    const far = ask('student', 1, 0, 3);
    const near = { ...far, position: 3 };
    // With a window of two the device before is not seen.
    const [seen, blind] = [countersOf(data, 3), countersOf(data, 2)].map((all) =>
      named(all, 'naive Bayes, window'),
    );
    expect(blind.recommend(near)).toBe(5);
    expect([4, 5, 6, 7]).toContain(seen.recommend(near));
  });

  it('rank all of one need before the next, by how often it is bought', () => {
    const { data, ask } = byHand();
    const { users, splits } = data;
    // A second thing of the need that 5 answers to, and what is bought of it is bought more often.
    const two: Dataset = { ...data, items: [...items, { ...items[5], id: 'more' }] };
    for (let time = 0; time < 100; time++) {
      users.push({ id: `${users.length}`, profile: 'student busy', history: Int32Array.of(0, 3, 8) });
      splits.train.push({ sampleId: `more ${time}`, user: users.length - 1, position: 2 });
    }
    const { score, recommend } = named(countersOf(two, 5), 'naive Bayes, window');
    const order = (...seen: Parameters<typeof ask>) => {
      const scores = score(ask(...seen));
      return Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);
    };
    expect(order('student', 0, 3).slice(0, 2)).toEqual([8, 5]);
    expect(recommend(ask('student', 0, 3))).toBe(8);
    // Of the other device gear 7 is called for first, though 8 is the one that most buy.
    expect(order('student', 1, 3)[0]).toBe(7);
    expect(new Set(score(ask('student', 1, 3))).size).toBe(9);
    // Where needs are equally likely, the same is first as is shown.
    for (const each of countersOf(data, 5)) {
      const asked = ask('parent', 0, 3);
      const scores = each.score(asked);
      expect(scores.indexOf(Math.max(...scores)), each.name).toBe(each.recommend(asked));
    }
  });

  it('fall short of the fact join on pairs that training never met, in the world they are for', async () => {
    const world = await generateCompatibility({ seed: 3, devices: 80, numUsers: 1200, numHeldoutUsers: 300 });
    const rate = ({ recommend }: Counter, slice: string) => {
      const of = world.splits.test.filter(
        (example) => world.slices!.names[world.slices!.of(example)] === slice,
      );
      const right = of.filter((example) => {
        const { user, position } = example;
        const bought = world.users[user].history[position];
        return world.lore!.needs[recommend(example)].key === world.lore!.needs[bought].key;
      });
      return right.length / of.length;
    };
    const join = factJoin(world)!;
    for (const slice of ['seen', 'composed', 'cold']) expect(rate(join, slice)).toBeGreaterThan(0.7);
    for (const counter of countersOf(world, 5)) {
      expect(rate(counter, 'composed'), counter.name).toBeLessThan(0.15);
      expect(rate(counter, 'cold'), counter.name).toBeLessThan(0.2);
    }
    expect(rate(named(countersOf(world, 5), 'category'), 'seen')).toBeGreaterThan(0.45);
    expect(factJoin({ ...world, lore: undefined })).toBeNull();
  });
});
