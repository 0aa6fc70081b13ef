/** The data set, which examples each stage takes of it, and the people who come once the model is in use. */
import { type Dataset, type Example, interactionCount } from '../../data/dataset';
import { deploymentOf } from '../../data/deployment';
import { rankingProblem } from '../../evaluate/ranking';
import { Random } from '../../numeric/random';
import { pastMoments } from '../../rank/similarUsers';
import { CheckpointError } from '../checkpointError';
import type { RunConfig } from '../config';
import type { Report } from '../report';
import type { ResumableStage } from '../stage';

interface DataMade {
  /** Null until it was loaded for the first time. */
  dataset: Report['dataset'] | null;
}

export interface Data {
  dataset: Dataset;
  draw: ExampleDraw;
  /** Null where nothing is ranked. */
  deployment: Deployment | null;
  /** Why nothing is ranked although the config asks for it. */
  rankingProblem: string | null;
}

/** Which examples each stage takes. */
export interface ExampleDraw {
  /** Explained by the teacher, learnt from in SFT. */
  prompts: Example[];
  /** Rolled out by POPO; others than `prompts` as far as there are enough. Row i of the reward table. */
  policy: Example[];
  /** Validation, for curves and samples. Row `policy.length + i` of the reward table. */
  curve: Example[];
  /** For the stage table. */
  test: Example[];
}

/** People who come once the model is in use, and the past that they are compared with. */
export interface Deployment {
  dataset: Dataset;
  /** Those that rankers learn from, then those that they are judged on. */
  requests: Example[];
  past: ReturnType<typeof pastMoments>;
}

/** Most cells of the offline reward table (f32: 400 MB). */
const MAX_TABLE_CELLS = 100_000_000;

export const data: ResumableStage<'data', unknown, DataMade, Data> = {
  name: 'data',
  reads: [
    'seed',
    'data',
    'rupr.prompts',
    'popo.steps',
    'popo.prompts_per_step',
    'evaluate.users',
    'evaluate.curve_users',
    'ranking.users',
  ],
  steps: () => 1,
  begin: () => ({ dataset: null }),
  // Opening it is all there is to do: no checkpoint holds the data itself.
  run: async () => {},
  async open(made, _inputs, { config, loadDataset }) {
    const dataset = await loadDataset();
    if (made.dataset !== null && made.dataset.sha256 !== dataset.sha256) {
      throw new CheckpointError(
        'The data is not what this checkpoint was trained on: train again from its link.',
      );
    }
    made.dataset ??= {
      id: dataset.id,
      sha256: dataset.sha256,
      users: dataset.users.length,
      items: dataset.items.length,
      interactions: interactionCount(dataset),
      notes: dataset.notes,
    };
    const draw = drawExamples(dataset, config);
    return { dataset, draw, ...(await deploy(dataset, config)) };
  },
  report: ({ dataset }) => (dataset === null ? {} : { dataset }),
};

/** @throws Error for a data set that has too little for a split */
export function drawExamples(dataset: Dataset, { seed, rupr, popo, evaluate }: RunConfig): ExampleDraw {
  const { train, validation, test } = dataset.splits;
  const usable = train.filter(({ position }) => position > 0);
  if (usable.length === 0 || validation.length === 0 || test.length === 0) {
    throw new Error(
      `The data set "${dataset.id}" is too small: ${usable.length} training examples with a history, ` +
        `${validation.length} validation and ${test.length} test examples; each must be at least 1.`,
    );
  }
  const order = new Random(seed, 'examples/train').shuffle(usable);
  const prompts = order.slice(0, rupr.prompts);
  const rows = Math.max(1, Math.floor(MAX_TABLE_CELLS / dataset.items.length) - evaluate.curve_users);
  const wanted = Math.min(rows, order.length, Math.max(1, popo.steps * popo.prompts_per_step));
  const fresh = order.slice(prompts.length, prompts.length + wanted);
  const policy = [...fresh, ...order.slice(0, wanted - fresh.length)];
  const some = (examples: Example[], purpose: string, count: number) =>
    new Random(seed, purpose).shuffle([...examples]).slice(0, count);
  return {
    prompts,
    policy,
    curve: some(validation, 'examples/validation', evaluate.curve_users),
    test: some(test, 'examples/test', evaluate.users),
  };
}

const NO_SPLITS: Dataset['splits'] = { train: [], validation: [], test: [] };

async function deploy(
  dataset: Dataset,
  { seed, ranking: { users } }: RunConfig,
): Promise<Pick<Data, 'deployment' | 'rankingProblem'>> {
  if (users === 0) return { deployment: null, rankingProblem: null };
  const asked = await deploymentOf(dataset, users, seed);
  const problem = rankingProblem(asked ?? { ...dataset, splits: NO_SPLITS });
  if (asked === null || problem !== null) return { deployment: null, rankingProblem: problem };
  return {
    deployment: {
      dataset: asked,
      requests: [...asked.splits.train, ...asked.splits.test],
      past: pastMoments(dataset, users, seed),
    },
    rankingProblem: null,
  };
}
