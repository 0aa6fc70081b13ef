/** What a link says came out: written small, and read without trusting whoever wrote it. */
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { Inflate } from 'fflate';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numeric/random';
import { rateInterval } from '../../src/numeric/rate';
import { MOST_CHANGES, type RunChange } from '../../src/run/changes';
import type { RunConfig } from '../../src/run/config';
import { formatLink, MOST_RESULT, parseLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import type { Report, StageReport } from '../../src/run/report';
import { inflated } from '../../src/run/result/deflate';
import { CURVE, intervalIn, type LinkResult, MOST_POINTS, RATES } from '../../src/run/result/linkResult';
import { MOST_INFLATED, MOST_LINK, readResult, withResult } from '../../src/run/result/resultField';
import { fakePopoSteps, fakeReport } from '../page/fakeTrainer';

const LINK = '#run=1&preset=tiny&version=1';

/** A run of so many steps in each stage, with losses that fall and shake. */
function reportOf(config: RunConfig): Report {
  const random = new Random(1, 'losses');
  const stages = (['data', 'warmup', 'orft', 'sft', 'popo'] as const).map((name): StageReport => {
    const steps = name === 'data' ? 0 : name === 'orft' ? config.orft.scorer_steps : config[name].steps;
    const loss =
      name === 'data' || name === 'popo'
        ? []
        : Array.from({ length: steps }, (_, step) => 6 / (1 + step / 50) + random.uniform());
    return { name, seconds: 60.4, steps, loss, heldOutLoss: [] };
  });
  return fakeReport(config, stages, fakePopoSteps(config, config.popo.steps));
}

function small(preset: 'tiny' | 'large' = 'tiny'): RunConfig {
  const config = presetConfig({ preset, version: 1 });
  Object.assign(config.popo, { prompts_per_step: 2, num_generations: 2 });
  return config;
}

const fieldOf = (link: string) => parseLink(link).result!;
const field = (value: unknown) => deflateRawSync(JSON.stringify(value)).toString('base64url');

async function sent(report: Report): Promise<LinkResult> {
  const { result, problem } = await readResult(fieldOf((await withResult(LINK, report))!), report.config);
  expect(problem).toBeNull();
  return result!;
}

/** Every number of what was read. */
function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}

function expectSound(result: LinkResult, { popo }: RunConfig): void {
  expect(numbersOf(result).every(Number.isFinite)).toBe(true);
  for (const row of result.table) {
    for (const rate of Object.values(row.rates)) expect(rate === null || (rate >= 0 && rate <= 1)).toBe(true);
    expect(row.users).toBeGreaterThanOrEqual(1);
    expect(row.distinct_top1).toBeLessThanOrEqual(row.users);
  }
  const curves = [...result.losses.map(({ values }) => values), ...(result.heldOut?.values ?? [])];
  for (const curve of curves) {
    expect(curve.length).toBeLessThanOrEqual(MOST_POINTS);
    for (const value of curve) expect(value === null || (value >= 0 && value <= 1000)).toBe(true);
  }
  for (const curve of [...(result.alignment?.rewards ?? []), ...(result.alignment?.weights ?? [])])
    for (const value of curve) expect(value === null || (value >= 0 && value <= 1)).toBe(true);
  for (const { length } of [result.alignment?.rewards, result.alignment?.weights].filter((each) => !!each))
    expect(length).toBe(popo.rewards.length);
  const gauge = result.alignment?.gauge ?? null;
  if (gauge !== null) {
    const { length } = popo.rewards;
    expect([gauge.gains.length, gauge.recent.gains.length]).toEqual([length, length]);
    expect(gauge.recent.covariances).toHaveLength((length * (length - 1)) / 2);
    for (const curve of [...gauge.gains, gauge.recent.gains, gauge.recent.covariances])
      for (const value of curve) expect(value === null || Math.abs(value) <= 1).toBe(true);
    for (const curve of gauge.gains) expect(curve.length).toBeLessThanOrEqual(12);
  }
  for (const text of [result.device.vendor, result.device.architecture, result.device.description])
    expect(text).toMatch(/^[A-Za-z0-9 .,()+_/-]{0,60}$/);
}

describe('a result in a link', () => {
  it('is read back: the table to .0001, curves as means of equal stretches, device and duration', async () => {
    const config = small();
    const report = reportOf(config);
    const result = await sent(report);
    expect(result.device).toEqual({
      backend: 'webgpu',
      vendor: 'nvidia',
      architecture: 'ada-lovelace',
      description: '',
    });
    expect(result.seconds).toBe(302);
    expect(result.table.map(({ stage }) => stage)).toEqual(['counting', 'warmup', 'sft', 'popo']);
    for (const [index, row] of [report.counting!, ...report.table].entries()) {
      for (const name of RATES) expect(result.table[index].rates[name]).toBeCloseTo(row[name]!, 4);
      expect(result.table[index]).toMatchObject({ users: 1000, distinct_top1: row.distinct_top1 });
    }
    expect(result.table[0].answer_loss).toBeNull();
    expect(result.table[3].answer_loss).toBeCloseTo(report.table[2].answer_loss, 3);

    const [warmup] = result.losses;
    const { loss } = report.stages.find(({ name }) => name === 'warmup')!;
    expect(warmup).toMatchObject({ stage: 'warmup', steps: loss.length });
    const end = Math.floor(loss.length / MOST_POINTS);
    expect(warmup.values[0]).toBeCloseTo(loss.slice(0, end).reduce((a, b) => a + b) / end, 3);

    const { steps } = report.popo;
    expect(result.alignment!.weights.map((weights) => weights.at(-1))).toEqual(
      steps.at(-1)!.weightsAfter.map((weight) => expect.closeTo(weight, 4)),
    );
    const stretch = steps.slice(0, Math.floor(steps.length / result.alignment!.rewards[0].length));
    const paid = stretch.flatMap(({ rewards }) => rewards.flat()).map(([semantic]) => semantic);
    expect(result.alignment!.rewards[0][0]).toBeCloseTo(paid.reduce((a, b) => a + b) / paid.length, 3);

    const { curve } = report.popo;
    expect(result.heldOut!.steps[0]).toBe(curve[0].step);
    expect(result.heldOut!.steps.at(-1)).toBe(curve.at(-1)!.step);
    expect(result.heldOut!.values[CURVE.indexOf('CTCVR')].at(-1)).toBeCloseTo(curve.at(-1)!.row.CTCVR, 4);
  });

  it('tells slices, where there are some, and is as it was where there are none', async () => {
    const report = reportOf(small());
    // CTCVR spreads less than L3.
    for (const row of [report.counting!, ...report.table])
      for (const { metrics } of row.slices!) {
        metrics.CTCVR.low += 0.01;
        metrics.CTCVR.high -= 0.01;
      }
    const result = await sent(report);
    expect(result.slices).toEqual([
      { name: 'seen', users: 352 },
      { name: 'composed', users: 299 },
      { name: 'cold', users: 349 },
    ]);
    for (const [index, row] of [report.counting!, ...report.table].entries())
      for (const [at, { name }] of result.slices!.entries()) {
        const { Category_L3_ACC, CTCVR } = row.slices!.find((slice) => slice.name === name)!.metrics;
        const cell = result.table[index].slices![at];
        expect(cell.l3).toBeCloseTo(Category_L3_ACC.mean, 4);
        expect(cell.ctcvr).toBeCloseTo(CTCVR.mean, 4);
        expect(cell.l3Half).toBeCloseTo((Category_L3_ACC.high - Category_L3_ACC.low) / 2, 4);
        expect(cell.ctcvrHalf).toBeCloseTo(0.02, 4);
      }
    for (const row of [report.counting!, ...report.table]) row.slices = undefined;
    const plain = await sent(report);
    expect(plain.slices).toBeUndefined();
    expect(plain.table.every((row) => !('slices' in row))).toBe(true);
    const packed = JSON.parse(await inflated(fieldOf((await withResult(LINK, report))!), MOST_INFLATED));
    expect([packed.length, packed[0]]).toEqual([7, 1]);
  });

  it('carries whether each reward gained: C w by stretches, and means of the last twenty steps with their signs', async () => {
    const config = small();
    const report = reportOf(config);
    const { steps } = report.popo;
    const { gauge } = (await sent(report)).alignment!;
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    // C w, from the covariances and the weights of each step.
    const gains = (k: number) =>
      steps.map(
        ({ covariance, weightsAfter: w }) => covariance![2 * k] * w[0] + covariance![2 * k + 1] * w[1],
      );
    for (const k of [0, 1]) {
      expect(gauge!.gains[k]).toHaveLength(12);
      expect(gauge!.gains[k][0]).toBeCloseTo(mean(gains(k).slice(0, Math.floor(steps.length / 12))), 3);
      expect(gauge!.recent.gains[k]).toBeCloseTo(mean(gains(k).slice(-20)), 5);
    }
    expect(gauge!.recent.covariances).toEqual([
      expect.closeTo(mean(steps.slice(-20).map(({ covariance }) => covariance![1])), 5),
    ]);
    // It costs few characters, and its signs survive where it is next to nothing.
    const bare = steps.map(({ covariance: _, covarianceWithSum: __, ...step }) => step);
    const without = { ...report, popo: { ...report.popo, steps: bare } };
    const [short, long] = [await withResult(LINK, without), await withResult(LINK, report)];
    expect(long!.length - short!.length).toBeLessThan(160);
    expect((await sent(without)).alignment!.gauge).toBeNull();
    const faint = steps.map((step) => ({ ...step, covariance: [2e-5, -1e-5, -1e-5, 2e-5] }));
    expect(
      (await sent({ ...report, popo: { ...report.popo, steps: faint } })).alignment!.gauge!.recent
        .covariances,
    ).toEqual([-1e-5]);
  });

  it('is read as before where it has no gauge, as links of older versions have none', async () => {
    const config = small();
    const packed = JSON.parse(
      await inflated(fieldOf((await withResult(LINK, reportOf(config)))!), MOST_INFLATED),
    );
    expect(packed[5]).toHaveLength(4);
    const whole = (await readResult(field(packed), config)).result!;
    packed[5].pop();
    const { result, problem } = await readResult(field(packed), config);
    expect(problem).toBeNull();
    expect(result).toEqual({ ...whole, alignment: { ...whole.alignment, gauge: null } });
  });

  it('says what was not measured, and is none where there is no table', async () => {
    const config = small();
    const report = reportOf(config);
    report.table[0].CTCVR = Number.NaN;
    report.table[0]['Title_Hit-Rate@25'] = undefined;
    report.stages[1].loss.fill(Number.NaN);
    report.stages[3].loss.fill(1e9);
    Object.assign(report, { counting: undefined });
    Object.assign(report.popo, { steps: [], curve: [] });
    const result = await sent(report);
    expect(result.table[0].rates).toMatchObject({ CTCVR: null, 'Title_Hit-Rate@25': null });
    expect(result.table.map(({ stage }) => stage)).toEqual(['warmup', 'sft', 'popo']);
    expect(result).toMatchObject({ alignment: null, heldOut: null });
    for (const { stage, values } of result.losses)
      expect(values.every((value) => value === null)).toBe(stage !== 'orft');
    expect(await withResult(LINK, { ...report, table: [] })).toBeNull();
  });

  it('carries extremes as they are', async () => {
    const config = small();
    const report = reportOf(config);
    Object.assign(report.table[0], {
      Category_L3_ACC: 0,
      CTCVR: 1,
      distinct_top1: 0,
      users: 1,
      answer_loss: 1000,
    });
    Object.assign(report.table[1], { step: 0 });
    Object.assign(report.device, { description: `Ångström <b>™</b> ${'x'.repeat(200)}` });
    const result = await sent(report);
    expect(result.table[1]).toMatchObject({ users: 1, distinct_top1: 0, answer_loss: 1000 });
    expect(result.table[1].rates).toMatchObject({ Category_L3_ACC: 0, CTCVR: 1 });
    expect(result.table[2].step).toBe(0);
    expect(result.device.description).toMatch(/^ ngstr m {2}b {3}\/b {2}x{40,}$/);
    expectSound(result, config);
  });

  it('keeps a link within 6 KB: a run as long as large, four rewards, the most changes, a whole fingerprint', async () => {
    const config = small('large');
    Object.assign(config.popo, {
      rewards: ['semantic', 'id', 'format', 'novelty'],
      reward_weights: [0.25, 0.25, 0.25, 0.25],
    });
    const changes = Array.from({ length: MOST_CHANGES }, (_, k): RunChange => {
      const [from, to] = [k, k + 1].map((at) => (at === 0 ? config.popo.learning_rate : 0.000123 + at / 1e5));
      return { stage: 'popo', step: 2 * k + 100, field: 'popo.learning_rate', from, to };
    });
    const hashes = Array.from({ length: 10 }, () => 'abcdef');
    const fingerprint = {
      inputs: '1'.repeat(32),
      exact: '2'.repeat(32),
      blocks: (['warmup', 'orft', 'sft', 'popo'] as const).map((stage) => ({ stage, every: 1234, hashes })),
      close: Array.from({ length: 21 }, (_, k) => Number((k / 7).toPrecision(4))),
    };
    const short = formatLink(config, 'a'.repeat(64), fingerprint, changes);
    const report = reportOf(config);
    const link = (await withResult(short, report))!;
    expect(link.startsWith(`${short}&result=`)).toBe(true);
    expect(link.length).toBeLessThanOrEqual(MOST_LINK);
    expect(MOST_LINK).toBe(6144);
    const parsed = parseLink(link);
    expect(parsed).toMatchObject({ config, changes, expected: fingerprint, problem: null });
    const { result } = await readResult(parsed.result!, config);
    // Not one point had to be left out.
    expect(result!.alignment!.weights.map(({ length }) => length)).toEqual([48, 48, 48, 48]);

    // The longer the rest, the fewer the points; and none at all where there is no room.
    const padded = (await withResult(`#${'x'.repeat(5000)}`, report))!;
    expect(padded.length).toBeLessThanOrEqual(MOST_LINK);
    const few = await readResult(/result=(.*)$/.exec(padded)![1], config);
    expect(few.result!.alignment!.weights[0].length).toBeLessThan(48);
    expect(few.result!.table).toEqual(result!.table);
    expect(await withResult(`#${'x'.repeat(6000)}`, report)).toBeNull();
  });
});

describe('a stranger’s result', () => {
  const config = small();
  const whole = async () => fieldOf((await withResult(LINK, reportOf(config)))!);
  const unpacked = async () => JSON.parse(await inflated(await whole(), MOST_INFLATED));

  async function refusal(text: string): Promise<string> {
    const { result, problem } = await readResult(text, config);
    expect(result).toBeNull();
    expect(problem).toMatch(/^The result in this link cannot be shown, .{1,200}\.$/);
    return problem!;
  }

  it('is refused with the reason', async () => {
    expect(await refusal('')).toContain('not base64url');
    expect(await refusal('a%20b')).toContain('not base64url');
    expect(await refusal('A')).toContain('not base64url');
    expect(await refusal('A'.repeat(MOST_RESULT + 1))).toContain('longer than 6144 characters');
    expect(await refusal('____')).toContain('damaged or cut off');
    const sent = await whole();
    // Of a length that base64url can have.
    expect(await refusal(sent.slice(0, 4 * Math.floor(sent.length / 4) - 8))).toContain('damaged or cut off');
    expect(await refusal(deflateRawSync('{').toString('base64url'))).toContain('not of the form');
    expect(await refusal(deflateRawSync(Buffer.from([0xff, 0xfe])).toString('base64url'))).toContain(
      'damaged',
    );
    expect(await refusal(field({}))).toContain('does not fit');
    expect(await refusal(field('['.repeat(9000)))).toContain('does not fit');
    expect(await refusal(deflateRawSync('['.repeat(30_000)).toString('base64url'))).toContain(
      'not of the form',
    );
    expect(await refusal(field([3, ...(await unpacked()).slice(1)]))).toContain('another version');
    // The earlier form has no slices, the later one has to.
    expect(await refusal(field([1, ...(await unpacked()).slice(1)]))).toContain('does not fit');
    expect(await refusal(field((await unpacked()).slice(0, 7)))).toContain('does not fit');
  });

  it('is inflated to its limit and no further: a bomb of 6 KB that would be 4 MB', async () => {
    const bomb = deflateRawSync(Buffer.alloc(4_300_000, ' '), { level: 9 }).toString('base64url');
    expect(bomb.length).toBeLessThanOrEqual(MOST_RESULT);
    const Original = globalThis.DecompressionStream;
    let made = 0;
    // As browsers may: all that a piece holds is inflated at once, however slowly it is read.
    globalThis.DecompressionStream = class extends TransformStream {
      constructor() {
        const inflate = new Inflate();
        super({
          transform(piece, controller) {
            inflate.ondata = (bytes) => {
              made += bytes.length;
              controller.enqueue(bytes);
            };
            inflate.push(piece);
          },
        });
      }
    } as typeof DecompressionStream;
    try {
      expect(await refusal(bomb)).toContain('more than 32 KB');
    } finally {
      globalThis.DecompressionStream = Original;
    }
    expect(made).toBeGreaterThan(MOST_INFLATED);
    expect(made).toBeLessThan(MOST_INFLATED + 3 * 64 * 1032);
    // Exactly the limit is still read, and refused for what it is.
    const full = deflateRawSync(Buffer.alloc(MOST_INFLATED, ' ')).toString('base64url');
    expect(await refusal(full)).toContain('not of the form');
  });

  it.each<[string, (packed: ReturnType<typeof JSON.parse>) => void]>([
    ['a slice that nobody knows', (packed) => (packed[7][0][2][0] = 3)],
    ['a slice twice', (packed) => (packed[7][0][1][0] = 0)],
    ['a slice without users', (packed) => (packed[7][0][0][1] = 0)],
    ['a row without one of the slices', (packed) => packed[7][1][2].pop()],
    ['a row too few by slice', (packed) => packed[7][1].pop()],
    ['a rate of a slice above 1', (packed) => (packed[7][1][0][0][0] = 10_001)],
    ['a rate above 1', (packed) => (packed[3][1][3] = 10_001)],
    ['a rate below 0', (packed) => (packed[3][1][3] = -1)],
    ['a rate that is no whole number', (packed) => (packed[3][1][3] = 0.5)],
    ['a rate that is text', (packed) => (packed[3][1][3] = '5')],
    ['no users', (packed) => (packed[3][1][2] = 0)],
    ['more answers than users', (packed) => (packed[3][1][14] = 1001)],
    ['a row of a stage that there is not', (packed) => (packed[3][1][0] = 'nap')],
    ['a row twice', (packed) => (packed[3][2] = packed[3][1])],
    ['rows out of order', (packed) => packed[3].reverse()],
    ['no rows', (packed) => (packed[3] = [])],
    ['a column too many', (packed) => packed[3][1].push(1)],
    ['markup for a device', (packed) => (packed[1][3] = '<img src=x>')],
    ['a long name of a device', (packed) => (packed[1][3] = 'x'.repeat(61))],
    ['an unknown backend', (packed) => (packed[1][0] = 'abacus')],
    ['years without end', (packed) => (packed[2] = 1e12)],
    ['a negative loss', (packed) => (packed[4][0][2][0] = -1)],
    ['a loss beyond bounds', (packed) => (packed[4][0][2][0] = 1_000_001)],
    ['more points than steps', (packed) => (packed[4][0][1] = 3)],
    ['49 points', (packed) => packed[4][0][2].push(0)],
    ['more steps than the config has', (packed) => (packed[5][0] = config.popo.steps + 1)],
    ['a reward too few', (packed) => packed[5][1].pop()],
    ['a reward too many', (packed) => packed[5][1].push(packed[5][1][0])],
    ['a weight above 1', (packed) => (packed[5][2][0][0] = 10_001)],
    ['a curve shorter than its fellows', (packed) => packed[5][2][0].pop()],
    ['a gain below −1', (packed) => (packed[5][3][0][0][0] = -10_001)],
    ['gains that come to more than 1', (packed) => (packed[5][3][0][0] = [9000, 1500, ...Array(10).fill(0)])],
    ['a gain too few', (packed) => packed[5][3][0][1].pop()],
    ['gains of a reward too many', (packed) => packed[5][3][0].push(packed[5][3][0][0])],
    ['a covariance too many', (packed) => packed[5][3][1].push(0)],
    ['a covariance above 1', (packed) => (packed[5][3][1][0] = 1_000_001)],
    ['a last gain too few', (packed) => packed[5][3][2].pop()],
    ['a gauge too many', (packed) => packed[5].push(packed[5][3])],
    ['steps that go back', (packed) => (packed[6][0][2] = -1)],
    ['a step that is none', (packed) => (packed[6][0][2] = null)],
    ['a field too many', (packed) => packed.push(1)],
  ])('is refused with %s', async (_name, change) => {
    const packed = await unpacked();
    expect((await readResult(field(packed), config)).problem).toBeNull();
    change(packed);
    expect(await refusal(field(packed))).toContain('does not fit');
  });

  it('never throws, never hangs, and never yields a value out of range: 2,000 of them', async () => {
    const text = await whole();
    const packed = JSON.stringify(await unpacked());
    const odd = fc.constantFrom(
      'null',
      '-1',
      '1e999',
      '1e308',
      '0.5',
      '"x"',
      '[]',
      '{}',
      '-0',
      '9007199254740993',
      '[[[[1]]]]',
      '{"__proto__":1}',
    );
    const atoms = [...packed.matchAll(/-?\d+|null|"[^"]*"/g)];
    const hostile = fc.oneof(
      // Bits of what is deflated.
      fc
        .tuple(fc.nat(text.length - 1), fc.base64String({ minLength: 1, maxLength: 4 }))
        .map(
          ([at, noise]) => text.slice(0, at) + noise.replace(/[+/=]/g, '_') + text.slice(at + noise.length),
        ),
      // A value for another.
      fc
        .tuple(fc.nat(atoms.length - 1), fc.oneof(odd, fc.integer({ min: -20_000, max: 20_000 }).map(String)))
        .map(([k, value]) => {
          const { index, 0: atom } = atoms[k];
          return deflateRawSync(packed.slice(0, index) + value + packed.slice(index + atom.length)).toString(
            'base64url',
          );
        }),
      fc.json({ maxDepth: 6 }).map((json) => deflateRawSync(json).toString('base64url')),
      fc.string({ unit: 'binary', maxLength: 200 }),
    );
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(hostile, async (said) => {
        const { result, problem } = await readResult(said, config);
        if (result === null)
          expect(problem).toMatch(/^The result in this link cannot be shown, [^\n<]{1,200}\.$/);
        else {
          accepted++;
          expectSound(result, config);
        }
      }),
      { numRuns: 2000 },
    );
    // Some changes are no harm: another number within its bounds.
    expect(accepted).toBeGreaterThan(20);
  });
});

describe('intervals of rates', () => {
  it('are Wilson’s', () => {
    // 10 of 100: from the formula by hand, (0.1192 ± 0.0631).
    const { low, high } = rateInterval(0.1, 100);
    expect(low).toBeCloseTo(0.0552, 4);
    expect(high).toBeCloseTo(0.1744, 4);
    expect(rateInterval(0, 50)).toEqual({ low: 0, high: expect.closeTo(0.0714, 4) });
    expect(rateInterval(1, 50).high).toBe(1);
  });

  it('are of what the run knew of CTCVR, where it did', async () => {
    const config = small();
    const report = reportOf(config);
    const users = 1000;
    report.table[2].slices = [
      { name: 'all', users, metrics: { CTCVR: { mean: 0.337, low: 0.327, high: 0.347 } } },
    ];
    report.table[1].slices = undefined;
    const { table } = await sent(report);
    expect(intervalIn(table[3], 'CTCVR')).toEqual({
      low: expect.closeTo(0.327, 3),
      high: expect.closeTo(0.347, 3),
    });
    // Else as wide as it can be.
    expect(intervalIn(table[2], 'popularity_share')).toBeNull();
    expect(intervalIn(table[2], 'CTCVR')).toEqual(rateInterval(table[2].rates.CTCVR!, users));
  });
});
