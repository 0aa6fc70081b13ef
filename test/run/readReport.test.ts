import { describe, expect, it } from 'vitest';
import { ReportError, readReport } from '../../src/run/readReport';

const row = {
  stage: 'popo',
  Category_L1_ACC: 0,
  Category_L2_ACC: 0.5,
  Category_L3_ACC: 1,
  'Title_Hit-Rate@50': 0.5,
  'Title_Hit-Rate@100': 0.5,
  CTCVR: -2,
  valid_rate: 1,
  distinct_top1: 12,
  answer_loss: 3,
};

function report() {
  return {
    schema: 1,
    app: '0.5.0',
    kernels: '1',
    config: { preset: 'tiny', seed: 1 },
    link: '#run=1',
    device: { backend: 'cpu', vendor: '', architecture: '' },
    dataset: { id: 'world', sha256: 'aa', users: 1, items: 2 },
    stages: [{ name: 'warmup', seconds: 1, steps: 2, loss: [2, 1], heldOutLoss: [] }],
    orft: { threshold: 2, scored: 2, kept: 1 },
    ranker: { auc: { ctr: 0.5, cvr: 0.5, ctcvr: 0.5 } },
    popo: {
      rewardNames: ['id'],
      steps: [
        {
          step: 0,
          sampleIds: ['s'],
          rewards: [[[1]]],
          advantages: [[0]],
          weightsBefore: [1],
          weightsAfter: [1],
          influence: null,
          gradNorms: [2],
          gradCosine: null,
          gradCosines: [null],
          loss: 0,
          reward: 1,
          reward_std: 0,
          frac_reward_zero_std: 1,
          kl: 0,
          entropy: 1,
        },
      ],
      curve: [{ step: 0, row }],
    },
    table: [row],
    samples: [{ sampleId: 's', prompt: 'p', completion: 'c' }],
    fingerprint: {
      inputs: 'a',
      exact: 'b',
      blocks: [{ stage: 'popo', every: 1, hashes: ['abcdef'] }],
      close: [1],
    },
    timings: { total: 1 },
    memory: { bytesPlanned: 1, bytesAllocated: 1 },
  };
}

describe('readReport', () => {
  it.each([[null], [3], [[]], [{}], [{ schema: 2 }], [{ schema: 1, app: 7 }]])('refuses %j', (value) => {
    expect(() => readReport(value)).toThrow(ReportError);
    expect(() => readReport(value)).toThrow(/^This is not a report of this app: .* is wrong/);
  });

  it('takes what readers rely on, and lets through what later versions add', () => {
    const later = { ...report(), weather: 'fair' };
    expect(readReport(later)).toEqual(later);
  });

  it.each<[string, (changed: ReturnType<typeof report>) => unknown]>([
    ['schema', (changed) => Object.assign(changed, { schema: 2 })],
    ['table.0.valid_rate', ({ table }) => Object.assign(table, [{ ...row, valid_rate: 1.01 }])],
    ['table.0.Category_L1_ACC', ({ table }) => Object.assign(table, [{ ...row, Category_L1_ACC: -0.01 }])],
    ['table.0.answer_loss', ({ table }) => Object.assign(table, [{ ...row, answer_loss: undefined }])],
    ['popo.curve.0.step', ({ popo }) => Object.assign(popo.curve[0], { step: Number.POSITIVE_INFINITY })],
    ['stages.0.name', ({ stages }) => Object.assign(stages[0], { name: 'nap' })],
    [
      'fingerprint.blocks.0.stage',
      ({ fingerprint }) => Object.assign(fingerprint.blocks[0], { stage: 'nap' }),
    ],
    ['timings.total', ({ timings }) => Object.assign(timings, { total: 'long' })],
  ])('names the first field that is wrong: %s', (field, spoil) => {
    const changed = report();
    spoil(changed);
    expect(() => readReport(changed)).toThrow(`: ${field} is wrong (`);
  });
});
