/** What a study asks: pairs of methods, and the relative changes that the paper reports where it asked the same. */
import { BASELINE_NAMES } from '../evaluate/baselines/names';
import { OUTCOMES } from '../evaluate/metrics';

export interface Comparison {
  question: string;
  method: string;
  control: string;
  /** The paper's table, where it has the comparison. */
  table: 1 | 3 | 4 | null;
  /** Relative change that the paper reports, by metric; entries that it does not give stay out. */
  paper: Partial<Record<string, number>>;
}

/** The paper's table 1, in the order of OUTCOMES; its column of a 32B teacher has no counterpart here. */
const TABLE_1 = {
  backbone: [0.156, 0.0608, 0.0251, 0.0496, 0.0646, 0.003417],
  orft: [0.2012, 0.069, 0.0245, 0.0449, 0.0606, 0.003723],
  light: [0.2347, 0.0877, 0.0307, 0.0558, 0.0762, 0.003802],
  popo: [0.2433, 0.0888, 0.0347, 0.0567, 0.072, 0.003816],
} as const;

const asked = (question: string, method: string, control: string): Comparison => ({
  question,
  method,
  control,
  table: null,
  paper: {},
});

const tabled = (
  question: string,
  [method, reported]: [string, keyof typeof TABLE_1],
  [control, against]: [string, keyof typeof TABLE_1],
): Comparison => ({
  ...asked(question, method, control),
  table: 1,
  paper: Object.fromEntries(
    OUTCOMES.map((metric, column) => [metric, TABLE_1[reported][column] / TABLE_1[against][column] - 1]),
  ),
});

export const COMPARISONS: readonly Comparison[] = [
  tabled('What is reasoning that passed rejection worth?', ['orft', 'orft'], ['backbone', 'backbone']),
  asked('…against the embedded teacher, not told, which only counts?', 'orft', 'counting'),
  asked('…against answers alone, on the same prompts', 'orft', 'answers-only'),
  asked('…against answers alone, on all prompts', 'orft', 'answers-only-all'),
  asked('…against these with more compute', 'orft', 'answers-only-twice'),
  asked('What is the filter worth?', 'orft', 'unfiltered'),
  asked('…a filter within each prompt?', 'orft-margin', 'orft'),
  {
    question: 'What is a teacher worth that is told the item?',
    method: 'unfiltered',
    control: 'untold',
    table: 3,
    paper: { Category_L1_ACC: 0.198, Category_L3_ACC: 0.324 },
  },
  tabled('What does RL add?', ['popo', 'popo'], ['orft', 'orft']),
  tabled('…with weights from group statistics', ['popo-light', 'light'], ['orft', 'orft']),
  asked('…over counting', 'popo', 'counting'),
  ...BASELINE_NAMES.map((baseline) => asked(`…over ${baseline}`, 'popo', baseline)),
  asked('…with weights that never move', 'fixed-0.5', 'orft'),
  asked('…with the semantic reward alone', 'fixed-1', 'orft'),
  asked('…with the ID reward alone', 'fixed-0', 'orft'),
  asked('…with advantages scaled by the batch', 'fixed-0.75-batch', 'orft'),
  asked('…and moving weights', 'popo-batch', 'orft'),
  {
    question: 'What do moving weights add?',
    method: 'popo',
    control: 'fixed-0.5',
    table: 4,
    paper: { Category_L1_ACC: 0.116, Category_L3_ACC: 0.29, CTCVR: 0.0074 },
  },
  tabled('…POPO against POPO-light', ['popo', 'popo'], ['popo-light', 'light']),
  asked('Are rewards better multiplied than added?', 'geometric-0.5', 'fixed-0.5'),
  asked('…against the weight that does best for both', 'geometric-0.5', 'fixed-0.75'),
  asked('…under moving weights', 'popo-geometric', 'popo'),
  asked('…and do moving weights add to it?', 'popo-geometric', 'geometric-0.5'),
  ...['popo-light', 'gdpo', 'fixed-advantages', 'mgda', 'popo-halves', 'popo-inverse'].map((method) =>
    asked(`…${method} against fixed weights`, method, 'fixed-0.5'),
  ),
  asked('Does it matter when influence is measured on a quarter of the prompts?', 'popo-quarter', 'popo'),
  asked('…or every fourth step?', 'popo-every-4', 'popo'),
  asked('Is the batch’s spread a better scale than the group’s?', 'fixed-0.5-batch', 'fixed-0.5'),
  asked('…at the weight that does best for both', 'fixed-0.75-batch', 'fixed-0.75'),
  asked('…under moving weights', 'popo-batch', 'popo'),
  asked('…and do moving weights add to it?', 'popo-batch', 'fixed-0.5-batch'),
  asked('…or multiplied rewards?', 'geometric-0.5-batch', 'fixed-0.5-batch'),
  asked('Does alignment gain from drawing flatter?', 'popo-temperature-1.3', 'popo'),
  asked('…or flatter still?', 'popo-temperature-1.6', 'popo'),
  asked('…or from drawing sharper?', 'popo-temperature-0.7', 'popo'),
  asked('Is an ID reward over its mean over users better?', 'popo-lift', 'popo'),
  asked('…alone', 'fixed-0-lift', 'fixed-0'),
  asked('Is a third reward worth it, for novelty?', 'fixed-novelty', 'fixed-0.5'),
  asked('…and do moving weights add to it?', 'popo-novelty', 'fixed-novelty'),
  asked('…or the shortest mixture of three?', 'mgda-novelty', 'fixed-novelty'),
  asked('Are larger groups worth it, of as many rollouts?', 'fixed-16', 'fixed-0.5'),
  asked('…and do moving weights add to it?', 'popo-16', 'fixed-16'),
];
