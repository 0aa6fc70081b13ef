import { expect, it } from 'vitest';
import { alignmentVerdict, isHarm } from '../../src/evaluate/alignment';
import type { RowSpread } from '../../src/evaluate/rowSpread';

const row = (stage: string, distinct_top1: number, step?: number) => ({
  stage,
  distinct_top1,
  users: 1000,
  ...(step !== undefined && { step }),
});
const interval = (mean: number, half: number) => ({
  mean,
  low: mean - half,
  high: mean + half,
  p: 1,
  seeds: 1,
  users: 1000,
});
/** Changes from SFT to POPO, each ± .01. */
const spread = (l3: number, ctcvr: number, title = 0): RowSpread[] => [
  { stage: 'sft', ctcvr: { low: 0, high: 1 }, from: 'warmup', changes: { CTCVR: interval(-0.9, 0.01) } },
  {
    stage: 'popo',
    ctcvr: { low: 0, high: 1 },
    from: 'sft',
    changes: {
      Category_L3_ACC: interval(l3, 0.01),
      CTCVR: interval(ctcvr, 0.01),
      'Title_Hit-Rate@50': interval(title, 0.01),
    },
  },
];
const TABLE = [row('warmup', 5), row('sft', 200), row('popo', 150)];
const UNSET = { keep: 'last', weighting: 'popo', idReward: 'ctcvr' } as const;
const SET = { keep: 'best', weighting: 'popo', idReward: 'lift' } as const;

it('says what was lost for certain, with its interval, and what may help', () => {
  const told = alignmentVerdict(TABLE, spread(-0.03, 0.005), UNSET);
  expect(told).toEqual({
    kind: 'worse',
    sentences: [
      'Alignment made things worse: L3 −.030 [−.040, −.020].',
      'To try: popo.keep=best, which hands over the best point on validation users; ranker.reward=lift, which pays nothing for popularity alone.',
    ],
  });
  expect(alignmentVerdict(TABLE, spread(0, 0, -0.02), SET)?.sentences).toEqual([
    'Alignment made things worse: Title@50 −.020 [−.030, −.010].',
    'For these data take the model after SFT.',
  ]);
  // What a run's config would refuse is not advised.
  const conditioned = { ...UNSET, weighting: 'conditioned' } as const;
  expect(alignmentVerdict(TABLE, spread(-0.03, 0), conditioned)?.sentences.at(-1)).toBe(
    'To try: ranker.reward=lift, which pays nothing for popularity alone.',
  );
});

it('calls a rising reward with collapsed answers no gain alone', () => {
  const table = [row('sft', 12), row('popo', 1)];
  const told = alignmentVerdict(table, spread(0, 0.08), UNSET);
  expect(told?.kind).toBe('traded');
  expect(told?.sentences[0]).toBe('Alignment traded: CTCVR +.080 [+.070, +.090].');
  expect(told?.sentences[1]).toBe(
    'It gives 1 answer to 1\u202f000 users, where SFT gave 12 different answers.',
  );
  expect(alignmentVerdict(table, [], UNSET)).toMatchObject({ kind: 'worse' });
  // Half of the answers is no collapse, one less is.
  expect(alignmentVerdict([row('sft', 12), row('popo', 6)], spread(0, 0), UNSET)?.kind).toBe('unclear');
  expect(alignmentVerdict([row('sft', 12), row('popo', 5)], spread(0, 0), UNSET)?.kind).toBe('worse');
});

it('tells a trade from a gain, and luck from both', () => {
  expect(alignmentVerdict(TABLE, spread(-0.03, 0.1), SET)).toEqual({
    kind: 'traded',
    sentences: ['Alignment traded: CTCVR +.100 [+.090, +.110], L3 −.030 [−.040, −.020].'],
  });
  expect(alignmentVerdict(TABLE, spread(0.02, 0.03), UNSET)).toEqual({
    kind: 'better',
    sentences: ['Alignment paid: L3 +.020 [+.010, +.030], CTCVR +.030 [+.020, +.040].'],
  });
  expect(alignmentVerdict(TABLE, spread(-0.01, 0.009), UNSET)).toEqual({
    kind: 'unclear',
    sentences: ['What alignment changed is within chance for 1\u202f000 users.'],
  });
});

it('says that SFT is handed over where no point was better, and nothing without both rows', () => {
  const table = [row('sft', 12), row('popo', 12, 0), row('popo-last', 1, 60)];
  const handedOver =
    'No point of alignment that kept half of SFT’s different answers was better on validation users, so SFT’s model is handed over.';
  expect(alignmentVerdict(table, spread(0, 0), SET)).toEqual({
    kind: 'collapsed',
    sentences: [
      'The last step of alignment gives 1 answer to 1\u202f000 users, where SFT gave 12 different answers.',
      handedOver,
    ],
  });
  expect(isHarm(alignmentVerdict(table, [], SET)!)).toBe(true);
  const wide = [row('sft', 12), row('popo', 12, 0), row('popo-last', 6, 60)];
  expect(alignmentVerdict(wide, spread(0, 0), SET)).toEqual({ kind: 'kept', sentences: [handedOver] });
  expect(isHarm(alignmentVerdict(wide, [], SET)!)).toBe(false);
  expect(alignmentVerdict([row('sft', 12)], [], UNSET)).toBeNull();
  expect(alignmentVerdict([row('popo', 12)], spread(-1, -1), UNSET)).toBeNull();
});
