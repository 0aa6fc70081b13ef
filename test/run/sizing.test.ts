import { describe, expect, it } from 'vitest';
import { WEIGHTINGS } from '../../src/popo/rules';
import { diffFromPreset } from '../../src/run/diff';
import { formatLink, parseLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import { isSized, sizedConfig } from '../../src/run/sizing';

const sha256 = 'ab'.repeat(32);
const imported = () => {
  const config = presetConfig({ preset: 'small', version: 2 });
  Object.assign(config.data, { source: 'import', sha256, map: 'user=who' });
  config.seed = 7;
  config.popo.weighting = 'popo-light';
  return config;
};

describe('auto', () => {
  it('keeps seed, weighting and data, and says all else as differences from a preset', () => {
    const config = sizedConfig({ items: 3568, examples: [41_041, 1829, 1829] }, false, imported());
    expect(config.preset).toBe('small');
    expect(diffFromPreset(config)).toEqual({
      seed: 7,
      'data.source': 'import',
      'data.sha256': sha256,
      'data.map': 'user=who',
      // The power of two nearest to half of the items.
      'text.vocab_size': 2048,
      'ranker.reward': 'lift',
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
    const data = { items: 100, examples: [train, 20, 20] as const };
    expect(sizedConfig(data, false, imported()).preset).toBe(preset);
    expect(sizedConfig(data, true, imported()).preset).toBe('tiny');
  });

  it('describes each item eight times in warm-up, within four times the usual length', () => {
    const steps = (items: number) =>
      sizedConfig({ items, examples: [3000, 500, 500] }, true, imported()).warmup.steps;
    // 12 facts a step.
    expect(steps(3568)).toBe(2400);
    expect(steps(264)).toBe(1000);
    expect(steps(100_000)).toBe(4000);
  });

  it('can be run under every weighting', () => {
    for (const weighting of WEIGHTINGS) {
      const wanted = imported();
      wanted.popo.weighting = weighting;
      const config = sizedConfig({ items: 300, examples: [6000, 900, 900] }, false, wanted);
      expect(config.popo.keep).toBe(weighting === 'conditioned' ? 'last' : 'best');
    }
  });

  it('asks for no more users and prompts than there are', () => {
    const config = sizedConfig({ items: 12, examples: [40, 9, 8] }, false, imported());
    expect([config.rupr.prompts, config.evaluate.users, config.evaluate.curve_users]).toEqual([40, 8, 9]);
    expect(config.text.vocab_size).toBe(768);
    // A split that is empty is for the data stage to refuse.
    expect(() => sizedConfig({ items: 2, examples: [0, 0, 0] }, false, imported())).not.toThrow();
  });

  it('knows its own choice from one that was changed', () => {
    const data = { items: 300, examples: [6000, 900, 900] as const };
    const config = sizedConfig(data, false, imported());
    expect(isSized(config, data, false)).toBe(true);
    expect(isSized({ ...config, seed: 8 }, data, false)).toBe(true);
    expect(isSized(config, data, true)).toBe(false);
    expect(isSized({ ...config, sft: { ...config.sft, steps: 3 } }, data, false)).toBe(false);
  });
});
