import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig, type RunConfig } from '../../src/run/config';
import { formatLink, parseLink } from '../../src/run/link';
import { defaultConfig, PRESET_NAMES, presetConfig } from '../../src/run/presets';
import { type Fingerprint, STAGE_NAMES } from '../../src/run/report';
import { v1 } from '../v1';
import links from '../vectors/links.json';

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((d) => d.join(''));

const arbitraryFingerprint: fc.Arbitrary<Fingerprint> = fc.record({
  inputs: hex(32),
  exact: hex(32),
  blocks: fc.uniqueArray(
    fc.record({
      stage: fc.constantFrom(...STAGE_NAMES),
      every: fc.integer({ min: 1, max: 99_999 }),
      hashes: fc.array(hex(6), { minLength: 1, maxLength: 10 }),
    }),
    { selector: (blocks) => blocks.stage, maxLength: 6 },
  ),
  close: fc.array(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 99 }).map((x) => Number(x.toPrecision(4))),
    { maxLength: 21 },
  ),
});

const arbitraryConfig: fc.Arbitrary<RunConfig> = fc
  .record({
    preset: fc.constantFrom(...PRESET_NAMES),
    seed: fc.integer({ min: 0, max: 0xffffffff }),
    weighting: fc.constantFrom('fixed' as const, 'popo' as const, 'popo-light' as const),
    weight: fc.double({ min: 0, max: 1, noNaN: true }).filter((x) => !Object.is(x, -0)),
    learningRate: fc.double({ min: 1e-9, max: 1, noNaN: true }),
    threshold: fc.oneof(
      fc.constantFrom('median' as const, 'margin' as const, 'none' as const),
      fc.double({ min: 1, max: 100, noNaN: true }),
    ),
    cot: fc.boolean(),
    sha256: hex(64),
    teacher: fc.constantFrom('attributes' as const, 'openai' as const, 'file' as const),
    asked: fc.boolean(),
  })
  .map(({ preset, seed, weighting, weight, learningRate, threshold, cot, sha256, teacher, asked }) => {
    const config = presetConfig(v1(preset));
    config.seed = seed;
    config.popo.weighting = weighting;
    config.popo.reward_weights = [weight, 1 - weight];
    config.popo.learning_rate = learningRate;
    config.orft.threshold = threshold;
    config.sft.cot = cot;
    if (cot) Object.assign(config.data, { source: 'import', sha256 });
    config.rupr.teacher = teacher;
    if (teacher === 'openai')
      Object.assign(config.rupr, { url: 'http://[::1]:8000/api-1/v1~x', model: 'org/Qwen-2.5:7b@q4+k_m' });
    if (teacher === 'file' || (teacher === 'openai' && asked)) config.rupr.cots_sha256 = sha256;
    return parseConfig(config);
  });

describe('formatLink and parseLink', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(
        arbitraryConfig,
        fc.option(hex(64)),
        fc.option(arbitraryFingerprint),
        (config, dataset, expected) => {
          const link = formatLink(config, dataset, expected);
          expect(parseLink(link)).toEqual({
            config,
            changes: [],
            dataset,
            expected,
            result: null,
            problem: null,
          });
          // As a whole URL, and as chats rewrite it.
          const rewritten = link.replaceAll(',', '%2C').replaceAll(':', '%3A');
          expect(parseLink(`https://example.org/lab/${rewritten}`)).toEqual(parseLink(link));
        },
      ),
    );
  });

  it('is readable', () => {
    const config = presetConfig(v1('tiny'));
    config.seed = 7;
    config.popo.weighting = 'fixed';
    expect(formatLink(config, null, null)).toBe('#run=1&preset=tiny&version=1&seed=7&popo.weighting=fixed');
  });

  it.each(links)('opens a link of 0.5.0 and writes it again, byte for byte: %s', (link) => {
    const { config, problem } = parseLink(link);
    expect(problem).toBeNull();
    expect(formatLink(config, null, null)).toBe(link);
  });

  it.each(['user=R%26D', 'user=a%2Bb,time=x%20y', 'user=50%25%20off', 'title=Größe#1'])(
    'carries what was said about columns: %s',
    (map) => {
      const config = presetConfig(v1('tiny'));
      Object.assign(config.data, { source: 'import', sha256: 'a'.repeat(64), map });
      const link = formatLink(config, null, null);
      expect(link.slice(1)).not.toMatch(/[#\s]/);
      expect(parseLink(link)).toMatchObject({ config: { data: { map } }, problem: null });
    },
  );

  it('takes what a person types', () => {
    // Without a version it is what it was when there was but one.
    expect(parseLink('#run=1&preset=tiny&seed=3')).toMatchObject({
      config: { ...presetConfig(v1('tiny')), seed: 3 },
      problem: null,
    });
    expect(parseLink('')).toEqual({
      config: defaultConfig(),
      changes: [],
      dataset: null,
      expected: null,
      result: null,
      problem: null,
    });
    expect(parseLink('#').problem).toBeNull();
  });

  it('means by a version the numbers of that version, and writes what differs from them', () => {
    const second = presetConfig({ preset: 'tiny', version: 2 });
    expect(parseLink('#run=1&preset=tiny&version=2')).toMatchObject({ config: second, problem: null });
    expect(parseLink('#run=1&preset=tiny&version=1').config).toEqual(
      presetConfig({ preset: 'tiny', version: 1 }),
    );
    expect(formatLink(second, null, null)).toBe('#run=1&preset=tiny&version=2');
    second.data.world = 'tradeoff';
    const link = formatLink(second, null, null);
    expect(link).toBe('#run=1&preset=tiny&version=2&data.world=tradeoff');
    expect(parseLink(link).config).toEqual(second);
  });

  const ok = '#run=1&preset=tiny';
  it.each([
    ['over-long', `${ok}&seed=${'1'.repeat(5000)}`, /longer than 4096/],
    ['many fields', `${ok}${'&a=1'.repeat(400)}`, /more than 160 fields/],
    ['an unknown field', `${ok}&popo.turbo=1`, /popo\.turbo is not a field/],
    ['a repeated field', `${ok}&seed=1&seed=2`, /says seed twice/],
    ['a field repeated in escapes', `${ok}&seed=1&%73eed=2`, /says seed twice/],
    ['out of range', `${ok}&model.hidden_size=4000000000`, /model\.hidden_size must be a whole number/],
    ['a giant model', `${ok}&model.hidden_size=2048&model.num_hidden_layers=48`, /million weights/],
    ['not a number', `${ok}&seed=abc`, /seed must be a number/],
    ['__proto__', `${ok}&__proto__=1`, /__proto__ is not a field/],
    ['a nested __proto__', `${ok}&__proto__.polluted=1`, /is not a field/],
    ['constructor', `${ok}&constructor.prototype.polluted=1`, /is not a field/],
    ['an unknown preset', '#run=1&preset=huge', /preset must be one of/],
    ['another version', '#run=1&preset=tiny&version=3', /version must be 1 or 2/],
    ['another form', '#run=v1.eJxLTEwEAAJNASc', /another version of this app/],
    ['no run', '#section-2', /not a list of key=value/],
    ['another page', '#page=2', /does not describe a run/],
    ['a broken escape', `${ok}&seed=%E0%A4`, /broken % escape/],
    ['half a fingerprint', `${ok}&fp.inputs=${'0'.repeat(32)}`, /fingerprint/],
    [
      'a bad fingerprint',
      `${ok}&fp.inputs=${'0'.repeat(32)}&fp.exact=x&fp.blocks=&fp.close=1`,
      /fingerprint/,
    ],
    ['a bad data hash', `${ok}&dataset=../../etc`, /dataset must be a SHA-256/],
    ['an import without a hash', `${ok}&data.source=import`, /data\.sha256/],
  ])('answers %s with one sentence and the defaults', (_name, link, message) => {
    const parsed = parseLink(link);
    expect(parsed.problem).toMatch(message);
    expect(parsed.problem).toMatch(/^[^\n]{1,300}\.$/);
    expect(parsed).toMatchObject({ config: defaultConfig(), dataset: null, expected: null });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  describe('a result', () => {
    it('is carried as it stands, whatever it is, and the rest is used', () => {
      const plain = parseLink(`${ok}&seed=3`);
      for (const result of ['', 'abc', '%E0%A4', '__proto__', 'A'.repeat(20_000)])
        expect(parseLink(`${ok}&seed=3&result=${result}`)).toEqual({ ...plain, result });
    });

    it('makes no room for anything else, and has a length that is not even looked at', () => {
      expect(parseLink(`${ok}&seed=${'1'.repeat(5000)}&result=abc`).problem).toMatch(/longer than 4096/);
      expect(parseLink(`${ok}&result=${'A'.repeat(40_000)}`).problem).toMatch(/longer than 24576/);
      expect(parseLink(`${ok}&result=a&result=b`).problem).toMatch(/says result twice/);
    });
  });

  describe('a fingerprint', () => {
    const whole: Record<string, string> = {
      inputs: '1'.repeat(32),
      exact: '2'.repeat(32),
      blocks: 'popo:7:abcdef012345',
      close: '1.5,2',
    };
    const read = (changes: Record<string, string | null> = {}) => {
      const parts = Object.entries({ ...whole, ...changes }).filter(([, value]) => value !== null);
      return parseLink(`${ok}&${parts.map(([key, value]) => `fp.${key}=${value}`).join('&')}`);
    };
    const many = (count: number) => Array.from({ length: count }, () => '1').join(',');

    it('is read in all its parts', () => {
      expect(read().expected).toEqual({
        inputs: whole.inputs,
        exact: whole.exact,
        blocks: [{ stage: 'popo', every: 7, hashes: ['abcdef', '012345'] }],
        close: [1.5, 2],
      });
      expect(read({ blocks: '', close: '' }).expected).toMatchObject({ blocks: [], close: [] });
    });

    it.each(Object.keys(whole))('is nothing without its part %s', (part) => {
      expect(read({ [part]: null }).problem).toMatch(/fingerprint .* is incomplete or malformed/);
    });

    it.each([
      ['a digit too few', { inputs: '1'.repeat(31) }],
      ['a digit too many', { exact: '2'.repeat(33) }],
      ['a sample that is none', { close: '1,,2' }],
      ['an endless sample', { close: 'Infinity' }],
      ['too many samples', { close: many(65) }],
      ['a stage that there is not', { blocks: 'nap:7:abcdef' }],
      ['blocks of no steps', { blocks: 'popo:0:abcdef' }],
      ['too many blocks', { blocks: `popo:1:${'abcdef'.repeat(17)}` }],
    ])('is refused with %s', (_name, changes) => {
      expect(read(changes).problem).toMatch(/fingerprint .* is incomplete or malformed/);
    });

    it('may have as many samples and blocks as that', () => {
      const { expected } = read({ close: many(64), blocks: `popo:1:${'abcdef'.repeat(16)}` });
      expect(expected?.close).toHaveLength(64);
      expect(expected?.blocks[0].hashes).toHaveLength(16);
    });
  });

  it('never throws, and never yields a config that its schema refuses', () => {
    const key = fc.oneof(
      fc.string(),
      fc.constantFrom('run', 'preset', 'seed', 'popo.beta', 'popo', '__proto__'),
    );
    const value = fc.oneof(fc.string(), fc.constantFrom('1', 'tiny', '-1', '1e999', 'NaN', 'true', ''));
    const link = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.tuple(key, value))
        .map((pairs) => `#run=1&${pairs.map((pair) => pair.join('=')).join('&')}`),
      fc.tuple(fc.string(), fc.nat()).map(([noise, at]) => {
        const whole = formatLink(presetConfig(v1('base')), 'a'.repeat(64), null);
        return whole.slice(0, at % whole.length) + noise + whole.slice((at % whole.length) + 1);
      }),
    );
    fc.assert(
      fc.property(link, (text) => {
        const { config, problem } = parseLink(text);
        expect(parseConfig(config)).toEqual(config);
        if (problem !== null) expect(config).toEqual(defaultConfig());
      }),
      { numRuns: 500 },
    );
  });
});
