import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CLOSE_TOLERANCE,
  canonicalJson,
  compareFingerprints,
  type FingerprintSource,
  fingerprint,
} from '../../src/run/fingerprint';
import { formatLink, parseLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import type { PopoStep } from '../../src/run/report';
import { v1 } from '../v1';

function popoStep(step: number): PopoStep {
  return {
    step,
    sampleIds: ['a', 'b'],
    rewards: [[[0.1, 0.2]], [[0.3, 0.4]]],
    advantages: [[0.5], [-0.5]],
    weightsBefore: [0.5, 0.5],
    weightsAfter: [0.4, 0.6],
    influence: null,
    gradNorms: null,
    gradCosine: null,
    pull: [0.02, 0.03],
    loss: 0.01 * step,
    grad_norm: 0.5,
    reward: 0.3,
    reward_std: 0.1,
    frac_reward_zero_std: 0,
    kl: 0.001,
    entropy: 1.5,
    clip_ratio: { low_mean: 0, high_mean: 0, region_mean: 0 },
    completions: { mean_length: 12, clipped_ratio: 0, valid_rate: 1, duplicate_rate: 0 },
  };
}

function source(): FingerprintSource {
  const row = {
    Category_L1_ACC: 0.4,
    Category_L2_ACC: 0.3,
    Category_L3_ACC: 0.2,
    'Title_Hit-Rate@50': 0.3,
    'Title_Hit-Rate@100': 0.4,
    CTCVR: 0.2,
    valid_rate: 0.9,
    exact_title_rate: 0.1,
    distinct_top1: 50,
    popularity_share: 0.1,
    answer_loss: 1.2,
    users: 100,
  };
  return {
    app: '0.1.0',
    kernels: '1',
    config: presetConfig(v1('tiny')),
    dataset: { id: 'world', sha256: 'a'.repeat(64), users: 1, items: 1, interactions: 1, notes: [] },
    stages: [
      { name: 'data', seconds: 1, steps: 1, loss: [], heldOutLoss: [] },
      {
        name: 'warmup',
        heldOutLoss: [],
        seconds: 1,
        steps: 95,
        loss: Array.from({ length: 95 }, (_, i) => 3 - i / 50),
      },
      { name: 'sft', heldOutLoss: [], seconds: 1, steps: 4, loss: [1, 0.9, 0.8, 0.7] },
      { name: 'popo', heldOutLoss: [], seconds: 1, steps: 2, loss: [0, 0] },
    ],
    orft: { threshold: 3, scored: 10, kept: 5, quality: null, examples: [] },
    ranker: { auc: { ctr: 0.7, cvr: 0.7, ctcvr: 0.7 } },
    popo: { rewardNames: ['semantic', 'id'], steps: [popoStep(0), popoStep(1)], curve: [] },
    table: [
      { stage: 'warmup', ...row },
      { stage: 'popo', ...row },
    ],
    ranking: null,
  };
}

/** The source with one change, and its fingerprint. */
async function changed(change: (source: FingerprintSource) => void) {
  const other = source();
  change(other);
  return fingerprint(other);
}

describe('fingerprint', () => {
  it('does not depend on time, and survives a link', async () => {
    const mine = await fingerprint(source());
    const later = await changed((s) => {
      for (const stage of s.stages) stage.seconds = 99;
    });
    expect(later).toEqual(mine);
    expect(compareFingerprints(mine, later)).toMatchObject({ verdict: 'identical', firstDifference: null });
    const link = formatLink(presetConfig(v1('tiny')), 'a'.repeat(64), mine);
    expect(parseLink(link).expected).toEqual(mine);
    expect(link.length).toBeLessThan(1200);
  });

  it('is of the bits of the numbers in their order: NaN is NaN, and −0 is 0, as JSON has it', async () => {
    const losses = [2.5, Number.NaN, -0, 1e-300];
    const own = await changed((s) => {
      s.stages = [{ name: 'warmup', seconds: 1, steps: 4, loss: losses, heldOutLoss: [] }];
      s.popo.steps = [];
      s.table = [];
    });
    const numbers = [2.5, Number.NaN, 0, 1e-300, 3, 10, 5];
    const bytes = Buffer.alloc(8 * numbers.length);
    numbers.forEach((value, at) => {
      bytes.writeDoubleLE(value, 8 * at);
    });
    expect(own.exact).toBe(createHash('sha256').update(bytes).digest('hex').slice(0, 32));
  });

  it('reads rows by the names of their metrics, in whatever order these come', async () => {
    const turned = <T extends object>(held: T) => Object.fromEntries(Object.entries(held).reverse()) as T;
    const ranking = { requests: { train: 1, test: 2 }, long_tail_behaviours: 3 } as never;
    const mine = await changed((s) => Object.assign(s, { ranking }));
    const other = await changed((s) => {
      Object.assign(s, { ranking: { long_tail_behaviours: 3, requests: { test: 2, train: 1 } } });
      s.table = s.table.map(turned);
    });
    expect(other.exact).toBe(mine.exact);
    const swapped = await changed((s) => {
      Object.assign(s, { ranking: { requests: { train: 2, test: 1 }, long_tail_behaviours: 3 } });
    });
    expect(swapped.exact).not.toBe(mine.exact);
  });

  it('is as before for a config whose newer fields ask for nothing, and another where they do', async () => {
    const mine = await fingerprint(source());
    const older = await changed(({ config }) => {
      for (const name of ['embedded', 'whiten_above', 'head_steps'])
        Reflect.deleteProperty(config.ranking, name);
    });
    expect(older).toEqual(mine);
    for (const asked of [{ embedded: 'conclusion' }, { whiten_above: 0.5 }, { head_steps: 300 }] as const)
      expect((await changed(({ config }) => Object.assign(config.ranking, asked))).inputs).not.toBe(
        mine.inputs,
      );
  });

  it('leaves out intervals of ranking metrics, which came after links had been shared', async () => {
    const ranker = { features: 'none', all: { auc: { ctr: 0.7 } } };
    const ranked = (held: object) =>
      changed((s) => Object.assign(s, { ranking: { rankers: [{ ...ranker, ...held }] } as never }));
    const mine = await ranked({});
    expect((await ranked({ intervals: { all: { auc: { ctr: [0.6, 0.8] } } } })).exact).toBe(mine.exact);
    expect((await ranked({ slices: [{ name: 'cold', auc: { ctr: 0.6 } }] })).exact).toBe(mine.exact);
    expect((await ranked({ other: 1 })).exact).not.toBe(mine.exact);
  });

  it('calls another config, data set, kernel or app other inputs', async () => {
    const mine = await fingerprint(source());
    for (const other of [
      await changed((s) => Object.assign(s.config, { seed: 2 })),
      await changed((s) => Object.assign(s.dataset, { sha256: 'b'.repeat(64) })),
      await changed((s) => Object.assign(s, { kernels: '2' })),
      await changed((s) => Object.assign(s, { app: '0.2.0' })),
    ]) {
      expect(compareFingerprints(mine, other).verdict).toBe('other-inputs');
    }
  });

  it('does not know which baselines stood beside a run, nor how they did', async () => {
    const mine = await fingerprint(source());
    const other = await changed((s) => {
      Object.assign(s.config.evaluate, { baselines: 'all', sasrec_steps: 9, sasrec_learning_rate: 0.5 });
      Object.assign(s, { baselines: { model: 'popo', rows: [], leads: [], notes: [] } });
    });
    expect(other).toEqual(mine);
    const judged = await changed((s) => Object.assign(s.config.evaluate, { users: 9 }));
    expect(judged.inputs).not.toBe(mine.inputs);
  });

  it('calls a last-bit difference close and names the first block of steps that differs', async () => {
    const other = await changed((s) => {
      s.stages[1].loss[42] += 1e-15;
      s.stages[2].loss[1] += 1e-15;
    });
    const comparison = compareFingerprints(await fingerprint(source()), other);
    expect(comparison.verdict).toBe('close');
    expect(comparison.firstDifference).toEqual({ stage: 'warmup', step: 40, lastStep: 49 });
    expect(comparison.sentence).toContain('warmup, step 41 to 50');
  });

  it.each([
    ['loss', (s: PopoStep) => Object.assign(s, { loss: 1 })],
    ['rewards', (s: PopoStep) => Object.assign(s.rewards[1][0], { 1: 0.41 })],
    ['advantages', (s: PopoStep) => Object.assign(s.advantages[0], { 0: 0.51 })],
    ['weights', (s: PopoStep) => Object.assign(s.weightsAfter, { 0: 0.41 })],
    ['step', (s: PopoStep) => Object.assign(s, { step: 7 })],
    ['weights before', (s: PopoStep) => Object.assign(s.weightsBefore, { 1: 0.51 })],
    ['influence', (s: PopoStep) => Object.assign(s, { influence: [1, 2] })],
    ['norms', (s: PopoStep) => Object.assign(s, { gradNorms: [1, 2] })],
    ['cosine', (s: PopoStep) => Object.assign(s, { gradCosine: 0.5 })],
    ['pull', (s: PopoStep) => Object.assign(s.pull, { 1: 0.04 })],
    ['gradient', (s: PopoStep) => Object.assign(s, { grad_norm: 0.6 })],
    ['reward', (s: PopoStep) => Object.assign(s, { reward: 0.4 })],
    ['spread of rewards', (s: PopoStep) => Object.assign(s, { reward_std: 0.2 })],
    ['share without spread', (s: PopoStep) => Object.assign(s, { frac_reward_zero_std: 0.5 })],
    ['divergence', (s: PopoStep) => Object.assign(s, { kl: 0.002 })],
    ['entropy', (s: PopoStep) => Object.assign(s, { entropy: 1.6 })],
    ['prompts', (s: PopoStep) => Object.assign(s.sampleIds, { 1: 'c' })],
    ['clip ratios', (s: PopoStep) => Object.assign(s.clip_ratio, { low_mean: 0.1 })],
    ['upper clips', (s: PopoStep) => Object.assign(s.clip_ratio, { high_mean: 0.1 })],
    ['clips in all', (s: PopoStep) => Object.assign(s.clip_ratio, { region_mean: 0.1 })],
    ['cuts', (s: PopoStep) => Object.assign(s.completions, { clipped_ratio: 0.1 })],
    ['share of valid answers', (s: PopoStep) => Object.assign(s.completions, { valid_rate: 0.9 })],
    ['share of repeated answers', (s: PopoStep) => Object.assign(s.completions, { duplicate_rate: 0.1 })],
    ['lengths', (s: PopoStep) => Object.assign(s.completions, { mean_length: 13 })],
  ])('sees another %s in a POPO step', async (_name, change) => {
    const other = await changed((s) => change(s.popo.steps[1]));
    expect(compareFingerprints(await fingerprint(source()), other).firstDifference).toEqual({
      stage: 'popo',
      step: 1,
      lastStep: 1,
    });
  });

  it('calls other losses or metrics different', async () => {
    const mine = await fingerprint(source());
    const losses = await changed((s) => {
      s.stages[1].loss = s.stages[1].loss.map((loss) => loss * (1 + 3 * CLOSE_TOLERANCE));
    });
    expect(compareFingerprints(mine, losses).verdict).toBe('different');
    const metrics = await changed((s) => Object.assign(s.table[1], { Category_L3_ACC: 0.3 }));
    expect(compareFingerprints(mine, metrics)).toMatchObject({ verdict: 'different', firstDifference: null });
    expect(compareFingerprints(mine, metrics).sentence).toContain('evaluation');
  });

  it('sees every metric of every row', async () => {
    const mine = await fingerprint(source());
    const other = await changed((s) => Object.assign(s.table[0], { distinct_top1: 51 }));
    expect(other.exact).not.toBe(mine.exact);
    expect(compareFingerprints(mine, other).verdict).toBe('close');
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of keys, and tells values apart', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe(
      '{"a":true,"b":[1,{"c":"x","d":null}]}',
    );
    expect(canonicalJson({ a: 1, b: 2 })).toBe(canonicalJson({ b: 2, a: 1 }));
    expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
  });
});
