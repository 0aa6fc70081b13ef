import { describe, expect, it } from 'vitest';
import { DRAWS, gainOf, type Judgement, metricsOf } from '../../src/evaluate/judgement';
import { aucGain, groupedAucGain } from '../../src/rank/rankingMetrics';

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
    const at = <T>(of: (one: Judgement['impressions'][number]) => T, from = judgement) =>
      rows.map((row) => of(from.impressions[row]));
    for (const gained of [aucGain, groupedAucGain]) {
      const { ctr, ctcvr } = gainOf(gained, { before: judgement, after, isIn: [false, true, true] }, 5);
      const users = at(({ user }) => user);
      expect(ctr).toEqual(
        gained(
          {
            before: at(({ click }) => click),
            after: at(({ click }) => click, after),
            labels: at(({ clicked }) => clicked),
            users,
          },
          5,
          DRAWS,
        ),
      );
      expect(ctcvr).toEqual(
        gained(
          {
            before: at(({ both }) => both),
            after: at(({ both }) => both, after),
            labels: at(({ converted }) => converted),
            users,
          },
          5,
          DRAWS,
        ),
      );
    }
    const whole = gainOf(aucGain, { before: judgement, after, isIn: null }, 5);
    expect(whole.ctr.mean).toBeCloseTo(
      metricsOf(after, null).auc.ctr - metricsOf(judgement, null).auc.ctr,
      12,
    );
    expect(DRAWS).toBe(400);
  });
});
