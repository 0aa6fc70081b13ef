/** Who wins, the model or recommenders without language, and what that means: plain sentences out of the numbers. */
import type { AnswersRow } from '../metrics';
import { SLICED, type SlicedMetric } from '../slices';
import type { BaselineName } from './names';
import type { BaselinesReport, ModelLead } from './report';

export const BASELINE_LABELS: Record<BaselineName | 'counting', string> = {
  counting: 'counting',
  popularity: 'popularity',
  'item-bigram': 'the item bigram',
  'leaf-bigram': 'the leaf bigram',
  'single-evidence': 'the best single evidence',
  'bayes-window': 'naive Bayes over the window',
  'bayes-departments': 'naive Bayes over departments',
  'cause-by-cause': 'counting cause by cause',
  'item-graph': 'the two-item graph',
  'item-knn': 'ItemKNN',
  ease: 'EASE',
  content: 'content neighbours',
  sasrec: 'SASRec',
};

const QUESTIONS: Record<SlicedMetric, string> = {
  Category_L3_ACC: 'In naming the right narrowest category',
  CTCVR: 'In the chance that its answer is clicked and bought',
};

/** Where a slice differs from all users. */
const SLICE_QUESTIONS: Record<SlicedMetric, string> = {
  Category_L3_ACC: 'In the category',
  CTCVR: 'In clicks and purchases',
};

type Standing = 'above' | 'within' | 'below';

/**
 * Above: its interval is above 0 against every one. Below: against the best of them it is below 0. Else within chance of the best.
 * @param leads of one metric, at least one
 */
function standing(leads: readonly ModelLead[]): { standing: Standing; best: ModelLead } {
  const best = leads.reduce((least, lead) => (lead.mean < least.mean ? lead : least));
  if (leads.every(({ low }) => low > 0)) return { standing: 'above', best };
  return { standing: best.high < 0 ? 'below' : 'within', best };
}

export interface Verdict {
  /** One sentence for each metric. */
  overall: string[];
  /** One for each slice in which it is another who wins. */
  bySlice: string[];
  advice: string;
  /** Who was not asked, and how to ask; empty where all were. */
  unasked: string;
}

/** @param model the row that the leads are of */
export function verdict({ leads, rows, slices = [] }: BaselinesReport, model: AnswersRow): Verdict {
  const told = SLICED.map((metric) => {
    const found = standingIn(leads, metric);
    return { ...found, sentence: `${QUESTIONS[metric]}, ${saidOf(found, model[metric])}` };
  });
  const bySlice = slices.flatMap((slice) => {
    const row = model.slices?.find(({ name }) => name === slice.name);
    if (row === undefined) return [];
    return SLICED.flatMap((metric, at) => {
      const found = standingIn(slice.leads, metric);
      if (found.standing === told[at].standing) return [];
      return [
        `${SLICE_QUESTIONS[metric]} of the ${slice.users} ${slice.name} users, ${saidOf(found, row.metrics[metric].mean)}`,
      ];
    });
  });
  const [category, taste] = told;
  return {
    overall: told.map(({ sentence }) => sentence),
    bySlice,
    advice: adviceOf(category, taste, model.users),
    unasked: rows.some(({ stage }) => stage === 'sasrec')
      ? ''
      : 'SASRec, often the strongest, was not asked: set the recommenders without language (evaluate.baselines) to all.',
  };
}

/** All that it says, in a row. */
export function sentencesOf({ overall, bySlice, advice, unasked }: Verdict): string[] {
  return [...overall, ...bySlice, [advice, unasked].join(' ').trim()];
}

type Told = ReturnType<typeof standing>;

const standingIn = (leads: readonly ModelLead[], metric: SlicedMetric) =>
  standing(leads.filter((lead) => lead.metric === metric));

/** @param own what the model has */
function saidOf({ standing: where, best }: Told, own: number): string {
  const name = labelOf(best.over);
  const numbers = `${short(own)} against ${short(own - best.mean)}`;
  const interval = `difference ${signed(best.mean)}, 95 % ${signed(best.low)} to ${signed(best.high)}`;
  const said = {
    above: `the model is above all of them, ${numbers} of ${name}, the best`,
    within: `the model is within chance of the best of them, ${name}: ${numbers}`,
    below: `the model is below ${name}, the best of them: ${numbers}`,
  }[where];
  return `${said} (${interval}).`;
}

function adviceOf(category: Told, taste: Told, users: number): string {
  const standings = [category.standing, taste.standing];
  if (standings.every((where) => where === 'above')) return 'Here reasoning in words earns its keep.';
  if (standings.every((where) => where === 'below')) {
    const names = [...new Set([category, taste].map(({ best }) => labelOf(best.over)))];
    return `For these data take ${names.join(' or ')}, which costs next to nothing, unless a larger preset, more data or more steps change that.`;
  }
  if (standings.includes('above') && standings.includes('below'))
    return `Which to take depends on what you want: the model for ${category.standing === 'above' ? 'meaning' : 'taste'}, ${labelOf((category.standing === 'below' ? category : taste).best.over)} for ${category.standing === 'below' ? 'meaning' : 'taste'}.`;
  if (standings.includes('below'))
    return `There is no sign here that the model is worth its cost over ${labelOf((category.standing === 'below' ? category : taste).best.over)}.`;
  if (standings.includes('above'))
    return `The model pays in ${category.standing === 'above' ? 'meaning' : 'taste'}; in the other, ${users} users of one seed cannot tell.`;
  return `With ${users} users of one seed nobody can tell them apart: judge more users (evaluate.users) or seeds, or take the simpler one.`;
}

function labelOf(name: string): string {
  return BASELINE_LABELS[name as BaselineName] ?? name;
}

function short(value: number): string {
  return value.toFixed(3).replace(/^0/, '');
}

function signed(value: number): string {
  const text = short(Math.abs(value));
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
}
