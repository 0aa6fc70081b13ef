import { describe, expect, it } from 'vitest';
import { WEIGHTINGS } from '../../src/popo/rules';
import { diffFromPreset } from '../../src/run/diff';
import { formatLink, parseLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import { sizedSentence } from '../../src/run/sizedSentence';
import { type DataSize, isSized, sizedConfig } from '../../src/run/sizing';

const sha256 = 'ab'.repeat(32);
const imported = () => {
  const config = presetConfig({ preset: 'small', version: 2 });
  Object.assign(config.data, { source: 'import', sha256, map: 'user=who' });
  config.seed = 7;
  config.popo.weighting = 'popo-light';
  return config;
};

const GPU = { isSlow: false, limits: { maxStorageBufferBindingSize: 2 ** 31 } };
const PROCESSOR = { ...GPU, isSlow: true };
/** Of so many users that their number decides nothing, with a row for each example. */
const dataOf = (items: number, examples: [number, number, number], users = 100_000): DataSize => ({
  users,
  items,
  interactions: examples.reduce((sum, count) => sum + count, 0),
  examples,
});

describe('auto', () => {
  it('keeps seed, weighting and data, and says all else as differences from a preset', () => {
    const config = sizedConfig(dataOf(3568, [41_041, 1829, 1829], 1829), GPU, imported());
    expect(config.preset).toBe('small');
    expect(diffFromPreset(config)).toEqual({
      seed: 7,
      'data.source': 'import',
      'data.sha256': sha256,
      'data.map': 'user=who',
      // The power of two nearest to half of the items.
      'text.vocab_size': 2048,
      'ranker.reward': 'lift',
      // No more people than there are.
      'ranking.users': 1829,
      'popo.keep': 'best',
      'popo.weighting': 'popo-light',
      'evaluate.curve_users': 256,
    });
    expect(parseLink(formatLink(config, null, null, [])).config).toEqual(config);
  });

  it.each([
    [40, 'tiny'],
    [4999, 'tiny'],
    [5000, 'small'],
    [50_000, 'base'],
    [500_000, 'medium'],
  ])('%i examples are for %s, and for tiny where a processor trains', (train, preset) => {
    const data = dataOf(100, [train, 20, 20]);
    expect(sizedConfig(data, GPU, imported()).preset).toBe(preset);
    expect(sizedConfig(data, PROCESSOR, imported()).preset).toBe('tiny');
  });

  it('describes each item eight times in warm-up, within four times the usual length', () => {
    const steps = (items: number) =>
      sizedConfig(dataOf(items, [3000, 500, 500]), PROCESSOR, imported()).warmup.steps;
    // 12 facts a step.
    expect(steps(3568)).toBe(2400);
    expect(steps(264)).toBe(1000);
    expect(steps(100_000)).toBe(4000);
  });

  it('can be run under every weighting', () => {
    for (const weighting of WEIGHTINGS) {
      const wanted = imported();
      wanted.popo.weighting = weighting;
      const config = sizedConfig(dataOf(300, [6000, 900, 900]), GPU, wanted);
      expect(config.popo.keep).toBe(weighting === 'conditioned' ? 'last' : 'best');
    }
  });

  it('asks for no more users and prompts than there are', () => {
    const config = sizedConfig(dataOf(12, [40, 9, 8], 9), GPU, imported());
    expect([config.rupr.prompts, config.evaluate.users, config.evaluate.curve_users]).toEqual([40, 8, 9]);
    expect(config.text.vocab_size).toBe(768);
    // A split that is empty is for the data stage to refuse.
    expect(() => sizedConfig(dataOf(2, [0, 0, 0], 0), GPU, imported())).not.toThrow();
  });

  it('counts at most fifty examples of a user, asks each at most eight times, and ranks no more than there are', () => {
    const of = (users: number) => sizedConfig(dataOf(100, [60_000, 900, 900], users), GPU, imported());
    // 50 · 99 is less than the 5,000 of `small`, 50 · 999 less than the 50,000 of `base`.
    expect([99, 100, 999, 1000].map((users) => of(users).preset)).toEqual(['tiny', 'small', 'small', 'base']);
    // 16 prompts a step of `tiny`, 32 of `small`.
    expect(of(90).popo.steps).toBe((8 * 90) / 16);
    expect(of(500).popo.steps).toBe((8 * 500) / 32);
    expect(of(999).popo.steps).toBe(150);
    expect([of(90), of(999)].map(({ ranking }) => ranking.users)).toEqual([90, 999]);
  });

  it('lets the ranker see each row twice, within four times the usual length', () => {
    const of = (interactions: number) =>
      sizedConfig({ ...dataOf(100, [3000, 500, 500]), interactions }, GPU, imported()).ranker.steps;
    // `tiny` takes 600 steps of 256.
    expect(of(4000)).toBe(600);
    expect(of(128_000)).toBe(1000);
    expect(of(10_000_000)).toBe(2400);
  });

  it('gives a GPU of the smallest bindings small at most', () => {
    const data = dataOf(100, [600_000, 900, 900]);
    const at = (bytes: number) =>
      sizedConfig(data, { isSlow: false, limits: { maxStorageBufferBindingSize: bytes } }, imported()).preset;
    expect([at(2 ** 27), at(2 ** 27 + 4)]).toEqual(['small', 'medium']);
    const few = dataOf(100, [4000, 900, 900]);
    expect(
      sizedConfig(few, { isSlow: false, limits: { maxStorageBufferBindingSize: 1 } }, imported()).preset,
    ).toBe('tiny');
    expect(sizedConfig(data, { isSlow: false, limits: {} }, imported()).preset).toBe('medium');
  });

  it('says what it read and what it chose', () => {
    const data = dataOf(3568, [41_041, 1829, 1829], 1829);
    expect(sizedSentence(data, PROCESSOR, sizedConfig(data, PROCESSOR, imported()))).toBe(
      'Auto read 1\u202f829 users, 3\u202f568 items, 44\u202f699 rows and a processor, and chose tiny: 2\u202f048 tokens, 2\u202f400 steps of warm-up, 600 of the ranker, 100 of alignment, 1\u202f000 test users.',
    );
  });

  it('knows its own choice from one that was changed', () => {
    const data = dataOf(300, [6000, 900, 900]);
    const config = sizedConfig(data, GPU, imported());
    expect(isSized(config, data, GPU)).toBe(true);
    expect(isSized({ ...config, seed: 8 }, data, GPU)).toBe(true);
    expect(isSized(config, data, PROCESSOR)).toBe(false);
    expect(isSized({ ...config, sft: { ...config.sft, steps: 3 } }, data, GPU)).toBe(false);
  });
});
