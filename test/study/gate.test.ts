/** The gate's verdicts, on numbers that are known. */
import { describe, expect, it } from 'vitest';
import { frontMarks, type GateRow, type GateSeed, gateText, judgeGate } from '../../src/study/gate';

const USERS = 300;
const SLICES = ['seen', 'composed', 'cold'];

/** Users of slice k are right at the rate l3[k], evenly spread, and all are worth `ctcvr` give or take .1. */
function row(name: string, l3: [number, number, number], ctcvr: number): GateRow {
  const users = Array.from({ length: USERS }, (_, user) => user);
  const each = USERS / SLICES.length;
  return {
    name,
    l3: users.map((user) => Number(Math.floor(user / SLICES.length) < l3[user % SLICES.length] * each)),
    ctcvr: users.map((user) => ctcvr + (Math.floor(user / SLICES.length) % 2 === 0 ? 0.1 : -0.1)),
  };
}

/** A seed that passes; `change` puts rows in the place of those of their names. */
function seedOf(seed: number, ...change: GateRow[]): GateSeed {
  const put = (rows: GateRow[]) => rows.map((old) => change.find(({ name }) => name === old.name) ?? old);
  return {
    seed,
    app: '0',
    adapter: 'none',
    seconds: 60,
    cells: [],
    slices: { names: SLICES, of: Array.from({ length: USERS }, (_, user) => user % SLICES.length) },
    methods: put([
      row('orft', [0.6, 0.6, 0.4], 0.3),
      row('answers-only', [0.5, 0.3, 0.1], 0.3),
      row('fixed-1', [0.8, 0.8, 0.6], 0.3),
      row('fixed-0', [0.3, 0.3, 0.3], 0.5),
      row('fixed-0.25', [0.6, 0.6, 0.5], 0.47),
      row('fixed-0.3', [0.7, 0.7, 0.5], 0.44),
      row('fixed-0.4', [0.75, 0.75, 0.55], 0.4),
    ]),
    counters: put([row('bigram', [0.3, 0.05, 0.1], 0.2), row('bayes', [0.6, 0.1, 0.1], 0.2)]),
    ceiling: row('fact join (the ceiling)', [0.8, 0.8, 0.8], 0.4),
  };
}

const verdicts = (...seeds: GateSeed[]) =>
  Object.fromEntries(judgeGate(seeds).map(({ letter, passed }) => [letter, passed]));
const ALL = { a: true, b: true, c: true, d: true, e: true, f: true };

describe('the gate', () => {
  it('passes where everything holds in every seed', () => {
    expect(verdicts(seedOf(1), seedOf(2))).toEqual(ALL);
  });

  it.each<[string, GateRow[], (keyof typeof ALL)[]]>([
    ['answers alone are as good on composed', [row('answers-only', [0.5, 0.6, 0.1], 0.3)], ['a']],
    ['answers alone are better overall', [row('answers-only', [0.9, 0.5, 0.9], 0.3)], ['a']],
    ['a counter is .19 below', [row('bayes', [0.8, 0.61, 0.1], 0.2)], ['b']],
    ['a counter is as good on cold', [row('bayes', [0.1, 0.1, 0.6], 0.2)], ['f']],
    ['the ID reward adds nothing', [row('fixed-0', [0.3, 0.3, 0.3], 0.3)], ['c', 'd', 'e']],
    ['the semantic reward adds nothing to SFT', [row('orft', [0.8, 0.8, 0.6], 0.3)], ['c']],
    ['the ends have the same L3', [row('fixed-0', [0.8, 0.8, 0.6], 0.5)], ['d', 'e']],
    ['a weight lies on the chord', [row('fixed-0.3', [0.55, 0.55, 0.45], 0.4)], ['e']],
    ['a weight is an end', [row('fixed-0.4', [0.8, 0.8, 0.6], 0.3)], ['e']],
    ['a weight is dominated', [row('fixed-0.4', [0.65, 0.65, 0.5], 0.43)], ['e']],
  ])('fails where %s', (_what, change, letters) => {
    const expected = { ...ALL, ...Object.fromEntries(letters.map((letter) => [letter, false])) };
    expect(verdicts(seedOf(1, ...change), seedOf(2, ...change))).toEqual(expected);
  });

  it('wants (a), (b) and (d) of every seed, not of their mean', () => {
    const worse = seedOf(2, row('answers-only', [0.7, 0.7, 0.7], 0.3), row('bayes', [0.7, 0.7, 0.1], 0.2));
    expect(verdicts(seedOf(1), worse, seedOf(3))).toEqual({ ...ALL, a: false, b: false });
  });

  it('places weights between the ends', () => {
    const [first] = frontMarks([seedOf(1)]);
    // Of L3 .3 … .7333 and CTCVR .3 … .5.
    expect(first.name).toBe('fixed-0.25');
    expect(first.x).toBeCloseTo((0.5667 - 0.3) / (0.7333 - 0.3), 2);
    expect(first.y).toBeCloseTo(0.85, 6);
    expect(first.excess.mean).toBeCloseTo(first.x + first.y - 1, 6);
  });

  it('tells each verdict, each slice, and the ceiling', () => {
    const text = gateText([seedOf(1), seedOf(2)]);
    expect(text.match(/^\([a-f]\) PASS/gm)).toHaveLength(6);
    expect(text).toContain('6 of 6 criteria pass over 2 seeds.');
    expect(text).toContain(
      `A gate takes at least 5 seeds and 1,000 test users of each, so this one says nothing for certain: here are 2 seeds, with ${USERS} users at least.`,
    );
    const large = Array.from({ length: 5 }, (_, at) => {
      const seed = seedOf(at + 1);
      const of = Array.from({ length: Math.ceil(1000 / USERS) }, () => seed.slices.of).flat();
      const more = (rows: GateRow[]) =>
        rows.map((old) => ({
          ...old,
          l3: of.map((_, user) => old.l3[user % USERS]),
          ctcvr: of.map((_, user) => old.ctcvr[user % USERS]),
        }));
      const grown = {
        slices: { names: SLICES, of },
        methods: more(seed.methods),
        counters: more(seed.counters),
      };
      return { ...seed, ...grown, ceiling: null };
    });
    expect(gateText(large)).not.toContain('says nothing for certain');
    expect(gateText(large.slice(1))).toContain('here are 4 seeds');
    const few = Array.from({ length: 5 }, (_, at) => seedOf(at + 1));
    expect(gateText(few)).toContain(`here are 5 seeds, with ${USERS} users at least.`);
    expect(text).toMatch(/^fact join \(the ceiling\)\s+0\.800 ±0\.016\s+0\.800/m);
    expect(text).toContain('L3 composed');
    expect(gateText([{ ...seedOf(6), kernels: 'k4' }])).toContain('60 s on none, by version 0, kernels k4.');
  });

  it('says which method a seed lacks', () => {
    const seed = seedOf(4);
    seed.methods = seed.methods.filter(({ name }) => name !== 'fixed-1');
    expect(() => judgeGate([seed])).toThrow('Seed 4 has no method fixed-1');
    expect(() => judgeGate([])).toThrow('no seeds');
  });
});
