/** What most people want a study to answer, each with the methods that it takes. All methods and comparisons stay behind them. */
import { COUNTER_NAMES } from '../evaluate/baselines/names';
import type { OUTCOMES } from '../evaluate/metrics';
import type { Interval } from '../numeric/interval';
import { methodNamed } from './methods';
import type { StudyTables } from './tables';

export interface Question {
  /** Never changes: what is chosen goes by it. */
  name: string;
  title: string;
  /** What is set against what. */
  note: string;
  methods: readonly string[];
  /** Method and control of each pair that answers it; all of them in COMPARISONS. */
  pairs: readonly (readonly [method: string, control: string])[];
  /** Asks what or who, so that yes is no answer. */
  isOpen?: boolean;
  /** A method whose family's share of the hull answers it, where pairs do not. */
  family?: string;
}

const SWEPT = ['orft', 'fixed-0', 'fixed-0.25', 'fixed-0.5', 'fixed-0.75', 'fixed-1'];

export const QUESTIONS: readonly Question[] = [
  {
    name: 'rejection',
    title: 'Does rejection pay?',
    note: 'Reasoning that was kept, against all of it.',
    methods: ['orft', 'unfiltered'],
    pairs: [['orft', 'unfiltered']],
  },
  {
    name: 'reasoning',
    isOpen: true,
    title: 'What is reasoning worth?',
    note: 'Reasoning and answer, against answers alone on all prompts.',
    methods: ['orft', 'answers-only-all'],
    pairs: [['orft', 'answers-only-all']],
  },
  {
    name: 'alignment',
    title: 'Does alignment pay?',
    note: 'RL with weights that stay and with weights that move, against fine-tuning.',
    methods: ['orft', 'popo', 'fixed-0.5'],
    pairs: [
      ['popo', 'orft'],
      ['fixed-0.5', 'orft'],
    ],
  },
  {
    name: 'moving',
    title: 'Do moving reward weights beat fixed ones?',
    note: 'POPO and POPO-light, against equal weights that never move.',
    methods: ['popo', 'popo-light', 'fixed-0.5'],
    pairs: [
      ['popo', 'fixed-0.5'],
      ['popo-light', 'fixed-0.5'],
    ],
  },
  {
    name: 'ends',
    isOpen: true,
    title: 'What lies between the ends?',
    note: 'Five fixed weights, from taste alone to meaning alone, and the curve through them.',
    methods: SWEPT,
    pairs: [
      ['fixed-1', 'orft'],
      ['fixed-0', 'orft'],
    ],
  },
  {
    name: 'soups',
    title: 'Do soups replace runs?',
    note: 'Mixtures of two runs’ parameters, against five runs.',
    methods: [...SWEPT, 'soup-0.25', 'soup-0.5', 'soup-0.75'],
    pairs: [],
    family: 'soup-0.5',
  },
  {
    name: 'conditioned',
    title: 'Is one conditioned run enough?',
    note: 'One run for all reward weights, against five runs.',
    methods: [
      ...SWEPT,
      'conditioned',
      'conditioned-0',
      'conditioned-0.25',
      'conditioned-0.75',
      'conditioned-1',
    ],
    pairs: [],
    family: 'conditioned',
  },
  {
    name: 'counting',
    isOpen: true,
    title: 'Who beats counting?',
    note: 'The model, against recommenders without language.',
    methods: [
      'counting',
      'popularity',
      'item-bigram',
      ...COUNTER_NAMES,
      'item-graph',
      'item-knn',
      'ease',
      'orft',
      'popo',
    ],
    pairs: [
      ['popo', 'counting'],
      ['popo', 'cause-by-cause'],
      ['popo', 'item-graph'],
      ['popo', 'ease'],
    ],
  },
];

/** Metrics that an answer is told in. */
const TOLD = [
  { metric: 'Category_L3_ACC', label: 'L3' },
  { metric: 'CTCVR', label: 'CTCVR' },
] as const satisfies readonly { metric: (typeof OUTCOMES)[number]; label: string }[];

/** In one sentence with intervals each; empty while the runs that it takes are not there. */
export function answersOf(question: Question, { comparisons, front }: StudyTables): string[] {
  const pairs = question.pairs.flatMap(([method, control]) => {
    const told = TOLD.flatMap(({ metric, label }) => {
      const found = comparisons.find(
        (row) => row.method === method && row.control === control && row.metric === metric,
      );
      return found === undefined ? [] : [{ label, interval: found.difference }];
    });
    if (told.length < TOLD.length) return [];
    const numbers = told.map(({ label, interval }) => `${label} ${signed(interval)}`).join(' and ');
    const said = question.isOpen ? 'Measured' : verdict(told.map(({ interval }) => interval));
    return [`${said}: ${called(method)} over ${called(control)}, ${numbers}.`];
  });
  const family = front.families.find(
    ({ methods }) => question.family !== undefined && methods.includes(question.family),
  );
  if (family === undefined) return pairs;
  const { mean, low, high } = family.share;
  const [share, from, to] = [mean, low, high].map((value) => (100 * value).toFixed(0));
  return [`They cover ${share} % [${from}, ${to}] of the area under the hull of the five runs.`, ...pairs];
}

/** Recommenders without language have names that people know. */
function called(method: string): string {
  const { words } = methodNamed(method);
  return words === 'no language' ? method : words;
}

/** By whether intervals leave out 0. */
function verdict(intervals: readonly Interval[]): string {
  const up = intervals.some(({ low }) => low > 0);
  const down = intervals.some(({ high }) => high < 0);
  return up && down ? 'One for the other' : up ? 'Yes' : down ? 'No, it costs' : 'Not shown';
}

function signed({ mean, low, high }: Interval): string {
  const one = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3).replace(/^0/, '')}`;
  return `${one(mean)} [${one(low)}, ${one(high)}]`;
}
