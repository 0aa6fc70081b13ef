import { expect, it } from 'vitest';
import type { BaselineRow, BaselinesReport, ModelLead } from '../../../src/evaluate/baselines/report';
import { leadsOf } from '../../../src/evaluate/baselines/report';
import { sentencesOf, verdict } from '../../../src/evaluate/baselines/verdict';
import { type AnswersRow, OUTCOMES } from '../../../src/evaluate/metrics';

const model = { stage: 'popo', Category_L3_ACC: 0.4, CTCVR: 0.3, users: 200 } as AnswersRow;
const lead = (over: string, metric: ModelLead['metric'], mean: number, half: number): ModelLead => ({
  over,
  metric,
  mean,
  low: mean - half,
  high: mean + half,
  p: 0.5,
  seeds: 1,
  users: 200,
});

/** Leads over EASE and popularity in meaning and in taste, all of one half-width. */
function said(meaning: [number, number], taste: [number, number], asked = ['ease', 'popularity', 'sasrec']) {
  const report: BaselinesReport = {
    model: 'popo',
    rows: asked.map((stage) => ({ stage }) as BaselineRow),
    leads: [
      lead('ease', 'Category_L3_ACC', meaning[0], 0.05),
      lead('popularity', 'Category_L3_ACC', meaning[1], 0.05),
      lead('ease', 'CTCVR', taste[0], 0.05),
      lead('popularity', 'CTCVR', taste[1], 0.05),
    ],
    notes: [],
  };
  return sentencesOf(verdict(report, model));
}

it('is above when every interval is', () => {
  expect(said([0.1, 0.2], [0.06, 0.07])).toEqual([
    'In naming the right narrowest category, the model is above all of them, .400 against .300 of EASE, the best (difference +.100, 95 % +.050 to +.150).',
    'In the chance that its answer is clicked and bought, the model is above all of them, .300 against .240 of EASE, the best (difference +.060, 95 % +.010 to +.110).',
    'Here reasoning in words earns its keep.',
  ]);
});

it('is below when the best is above it, and advises that', () => {
  const [meaning, taste, advice] = said([-0.1, 0.1], [0.2, -0.06]);
  expect(meaning).toBe(
    'In naming the right narrowest category, the model is below EASE, the best of them: .400 against .500 (difference −.100, 95 % −.150 to −.050).',
  );
  expect(taste).toContain('the model is below popularity, the best of them: .300 against .360');
  expect(advice).toMatch(/^For these data take EASE or popularity, which costs next to nothing/);
});

it('is within chance where the best’s interval has 0 in it', () => {
  const [meaning, , advice] = said([0.01, 0.3], [-0.02, 0.3]);
  expect(meaning).toContain('the model is within chance of the best of them, EASE: .400 against .390');
  expect(advice).toMatch(/^With 200 users of one seed nobody can tell them apart/);
});

it('does not say that everything is well where one interval reaches 0', () => {
  expect(said([0.1, 0.11], [0.04, 0.2])[2]).toBe(
    'The model pays in meaning; in the other, 200 users of one seed cannot tell.',
  );
  expect(said([0.1, 0.1], [-0.1, 0.1])[2]).toBe(
    'Which to take depends on what you want: the model for meaning, EASE for taste.',
  );
  expect(said([0.01, 0.1], [-0.1, 0.1])[2]).toBe(
    'There is no sign here that the model is worth its cost over EASE.',
  );
});

it('says when SASRec was not asked', () => {
  expect(said([0.1, 0.1], [0.1, 0.1], ['ease'])[2]).toMatch(
    /SASRec.* was not asked: set the recommenders without language \(evaluate\.baselines\) to all\.$/,
  );
});

it('names a counter that wins', () => {
  const report: BaselinesReport = {
    model: 'popo',
    rows: [],
    leads: [
      lead('sasrec', 'Category_L3_ACC', 0.3, 0.05),
      lead('cause-by-cause', 'Category_L3_ACC', -0.1, 0.05),
      lead('bayes-window', 'CTCVR', -0.2, 0.05),
    ],
    notes: [],
  };
  const [meaning, taste, advice] = sentencesOf(verdict(report, model));
  expect(meaning).toContain(
    'the model is below counting cause by cause, the best of them: .400 against .500',
  );
  expect(taste).toContain(
    'the model is below naive Bayes over the window, the best of them: .300 against .500',
  );
  expect(advice).toMatch(/^For these data take counting cause by cause or naive Bayes over the window, /);
});

it('says in which slice it is another who wins, and of the others nothing', () => {
  const slice = (name: string, mean: number) => ({
    name,
    users: 60,
    leads: [lead('ease', 'Category_L3_ACC', mean, 0.05), lead('cause-by-cause', 'CTCVR', 0.02, 0.05)],
  });
  const report: BaselinesReport = {
    model: 'popo',
    rows: [{ stage: 'sasrec' } as BaselineRow],
    leads: [lead('ease', 'Category_L3_ACC', 0.2, 0.05), lead('ease', 'CTCVR', 0.02, 0.05)],
    slices: [slice('seen', -0.1), slice('composed', 0.3), slice('cold', 0.03)],
    notes: [],
  };
  const means = (mean: number) => ({
    Category_L3_ACC: { mean, low: 0, high: 1 },
    CTCVR: { mean: 0.3, low: 0, high: 1 },
  });
  const row = (name: string, mean: number) => ({ name, users: 60, metrics: means(mean) });
  const slices = [row('all', 0.4), row('seen', 0.6), row('composed', 0.5), row('cold', 0.1)];
  const [, , ...rest] = sentencesOf(verdict(report, { ...model, slices }));
  expect(rest).toEqual([
    'In the category of the 60 seen users, the model is below EASE, the best of them: .600 against .700 (difference −.100, 95 % −.150 to −.050).',
    'In the category of the 60 cold users, the model is within chance of the best of them, EASE: .100 against .070 (difference +.030, 95 % −.020 to +.080).',
    'The model pays in meaning; in the other, 200 users of one seed cannot tell.',
  ]);
  // A row of an older version has no slices to tell.
  expect(sentencesOf(verdict(report, model))).toHaveLength(3);
});

it('pairs leads over users', () => {
  const outcomes = (values: number[]) =>
    Float32Array.from(
      values.flatMap((value) => OUTCOMES.map((metric) => (metric === 'CTCVR' ? value : 1 - value))),
    );
  const own = { row: { stage: 'popo' }, outcomes: outcomes([0, 0.25, 0.5, 1]) };
  const other = { row: { stage: 'ease' }, outcomes: outcomes([0.25, 0.5, 0.75, 1.25]) };
  const leads = leadsOf(own, [other]);
  // One user is as far ahead as the other, so there is no spread at all.
  expect(leads.map(({ metric, mean, low, high }) => [metric, mean, low, high])).toEqual([
    ['Category_L3_ACC', 0.25, 0.25, 0.25],
    ['CTCVR', -0.25, -0.25, -0.25],
  ]);
});
