import { describe, expect, it } from 'vitest';
import {
  aucGains,
  DRAWS,
  drawnAucs,
  groupedGains,
  intervalsOf,
  type Judgement,
  metricsOf,
} from '../../src/evaluate/judgement';
import { intervalOf } from '../../src/numeric/interval';
import { drawnAuc, drawnGroupedAuc, drawnRate, gainOf, groupedAucGain } from '../../src/rank/rankingMetrics';

/** Three requests, by users 4, 4 and 9. */
const judgement: Judgement = {
  impressions: [
    { request: 0, user: 4, click: 0.5, both: 0.4, clicked: 1, converted: 1 },
    { request: 0, user: 4, click: 0.4, both: 0.04, clicked: 0, converted: 0 },
    { request: 1, user: 4, click: 0.8, both: 0.3, clicked: 0, converted: 0 },
    { request: 2, user: 9, click: 0.2, both: 0.18, clicked: 1, converted: 0 },
    { request: 2, user: 9, click: 0.25, both: 0.2, clicked: 1, converted: 1 },
    { request: 2, user: 9, click: 0.1, both: 0.05, clicked: 0, converted: 0 },
  ],
  ranks: [
    { request: 0, rank: 0 },
    { request: 2, rank: 9 },
    { request: 2, rank: 10 },
  ],
  outcomes: null,
};
const log = Math.log;

describe('how good a ranker’s word was', () => {
  it('is told by impressions, by users and by what was wanted', () => {
    const all = metricsOf(judgement, null);
    // Clicked .5 .2 .25 against .4 .8 .1.
    expect(all.auc.ctr).toBeCloseTo((2 + 1 + 1) / 9, 12);
    // Of clicks alone, P(conversion | click): .8 and .8 against .9.
    expect(all.auc.cvr).toBe(0);
    // Converted .4 .2 against .04 .3 .18 .05.
    expect(all.auc.ctcvr).toBeCloseTo((4 + 3) / 8, 12);
    // User 4: .5 against .4 and .8; user 9: .2 and .25 against .1. Three impressions each.
    expect(all.gauc.ctr).toBeCloseTo((1 / 2 + 1) / 2, 12);
    expect(all.gauc.ctcvr).toBeCloseTo(1, 12);
    const clicks = [0.5, 1 - 0.4, 1 - 0.8, 0.2, 0.25, 1 - 0.1];
    expect(all.log_loss.ctr).toBeCloseTo(-clicks.reduce((sum, p) => sum + log(p), 0) / 6, 12);
    const bought = [0.4, 1 - 0.04, 1 - 0.3, 1 - 0.18, 0.2, 1 - 0.05];
    expect(all.log_loss.ctcvr).toBeCloseTo(-bought.reduce((sum, p) => sum + log(p), 0) / 6, 12);
    expect(all['HR@10']).toBeCloseTo(2 / 3, 12);
    expect(all['NDCG@10']).toBeCloseTo((1 + 1 / Math.log2(11)) / 3, 12);
    expect(all.impressions).toBe(6);
    expect(all.requests).toBe(2);
  });

  it('is of the requests that are in', () => {
    const some = metricsOf(judgement, [false, true, true]);
    expect(some.impressions).toBe(4);
    expect(some.requests).toBe(2);
    expect(some['HR@10']).toBe(0.5);
    expect(some['NDCG@10']).toBeCloseTo(1 / Math.log2(11) / 2, 12);
    // .2 .25 against .8 .1
    expect(some.auc.ctr).toBe(0.5);
    expect(some.gauc.ctr).toBe(1);
  });
});

describe('what a ranker gains on another', () => {
  it('is of the same impressions, of those requests that are in', () => {
    const after: Judgement = {
      ...judgement,
      impressions: judgement.impressions.map((one) => ({
        ...one,
        click: 1 - one.click,
        both: one.both / 2 + one.converted / 4,
      })),
    };
    const rows = [2, 3, 4, 5];
    const isIn = [false, true, true];
    const at = <T>(of: (one: Judgement['impressions'][number]) => T, from = judgement) =>
      rows.map((row) => of(from.impressions[row]));
    const users = at(({ user }) => user);
    const [clicked, converted] = [at((one) => one.clicked), at((one) => one.converted)];
    const click = [at((one) => one.click), at((one) => one.click, after)];
    const both = [at((one) => one.both), at((one) => one.both, after)];
    const [first, second] = [judgement, after].map((one) => drawnAucs(one, isIn, 5));
    const gain = ([before, later]: number[][], labels: number[]) =>
      gainOf(
        drawnAuc({ scores: before, labels, users }, 5, DRAWS),
        drawnAuc({ scores: later, labels, users }, 5, DRAWS),
      );
    expect(aucGains(first, second)).toEqual({ ctr: gain(click, clicked), ctcvr: gain(both, converted) });
    const grouped = ([before, later]: number[][], labels: number[]) =>
      groupedAucGain({ before, after: later, labels, users }, 5, DRAWS);
    expect(groupedGains({ before: judgement, after, isIn }, 5)).toEqual({
      ctr: grouped(click, clicked),
      ctcvr: grouped(both, converted),
    });
    const whole = aucGains(drawnAucs(judgement, null, 5), drawnAucs(after, null, 5));
    expect(whole.ctr.mean).toBeCloseTo(
      metricsOf(after, null).auc.ctr - metricsOf(judgement, null).auc.ctr,
      12,
    );
    expect(DRAWS).toBe(400);
  });
});

describe('the interval of what a ranker’s word was worth', () => {
  it('is of each metric, of the requests that are in, by users', () => {
    const isIn = [false, true, true];
    const aucs = drawnAucs(judgement, isIn, 5);
    const [users, clicked, converted] = [
      [4, 9, 9, 9],
      [0, 1, 1, 0],
      [0, 0, 1, 0],
    ];
    const [click, both] = [
      [0.8, 0.2, 0.25, 0.1],
      [0.3, 0.18, 0.2, 0.05],
    ];
    const ends = ({ value, draws }: { value: number; draws: Float64Array }) => {
      const { low, high } = intervalOf(value, draws.slice());
      return [low, high];
    };
    const loss = (p: number[], labels: number[]) =>
      ends(drawnRate({ values: p.map((one, row) => -log(labels[row] ? one : 1 - one)), users }, 5, DRAWS));
    const found = intervalsOf(judgement, aucs, isIn, 5);
    expect(found).toEqual({
      auc: {
        ctr: ends(drawnAuc({ scores: click, labels: clicked, users }, 5, DRAWS)),
        // Of both clicks, which are of user 9: .9 is the one that led to a purchase, and .8 is not.
        cvr: ends(drawnAuc({ scores: [0.18 / 0.2, 0.2 / 0.25], labels: [0, 1], users: [9, 9] }, 5, DRAWS)),
        ctcvr: ends(drawnAuc({ scores: both, labels: converted, users }, 5, DRAWS)),
      },
      gauc: {
        ctr: ends(drawnGroupedAuc({ scores: click, labels: clicked, users }, 5, DRAWS)),
        ctcvr: ends(drawnGroupedAuc({ scores: both, labels: converted, users }, 5, DRAWS)),
      },
      log_loss: { ctr: loss(click, clicked), ctcvr: loss(both, converted) },
      'HR@10': ends(drawnRate({ values: [1, 0], users: [9, 9] }, 5, DRAWS)),
      'NDCG@10': ends(drawnRate({ values: [1 / Math.log2(11), 0], users: [9, 9] }, 5, DRAWS)),
    });
    expect(found.auc.cvr).toEqual([0, 0]);
    // Draws are shared with the gains: they stay in their order.
    expect(drawnAucs(judgement, isIn, 5)).toEqual(aucs);
  });

  it('holds each metric of everybody', () => {
    const all = metricsOf(judgement, null);
    const { auc, gauc, log_loss, ...hits } = intervalsOf(judgement, drawnAucs(judgement, null, 5), null, 5);
    for (const [value, [low, high]] of [
      [all.auc.ctr, auc.ctr],
      [all.auc.ctcvr, auc.ctcvr],
      [all.gauc.ctr, gauc.ctr],
      [all.log_loss.ctcvr, log_loss.ctcvr],
      [all['HR@10'], hits['HR@10']],
      [all['NDCG@10'], hits['NDCG@10']],
    ] as const) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
  });
});
