/** The aligned model on test users, at more than one mixture where it is composed of ends, and what counting comes to on the same, without a model. */
import type { AnswersRow } from '../../evaluate/metrics';
import type { ModelState } from '../../model/languageModel';
import { AttributesTeacher } from '../../sft/teacher';
import { HeldOut } from '../heldOut';
import { purchaseCounts } from '../rewardSources';
import type { Judged, StageTools, WholeStage } from '../stage';
import type { Aligned } from './popo';
import type { TrainingInputs } from './trainingInputs';

export interface Evaluated {
  /** Null where there was no alignment. */
  judged: Judged | null;
  /** After the last step of alignment, where an earlier model is handed over. */
  last: Judged | null;
  counting: Judged<AnswersRow>;
  /** Mixtures of the ends, in order; left out where there are no ends, and by older states. */
  front?: { weights: number[]; judged: Judged }[];
}

type Inputs = TrainingInputs & { popo: Aligned };

export const evaluate: WholeStage<'evaluate', Inputs, Evaluated, Evaluated> = {
  name: 'evaluate',
  reads: ['seed', 'text.history_length', 'popo.steps', 'popo.prompts_per_step', 'popo.num_generations'],
  // Each is asked, and then scored.
  steps: ({ popo: { steps } }, { data, popo, tokenizer }) =>
    2 *
    data.draw.test.length *
    (Number(steps > 0) + Number(popo.last !== null) + mixturesOf(popo, tokenizer.model).length),
  async run(inputs, tools) {
    const { config } = tools;
    const { dataset } = inputs.data;
    const heldOut = new HeldOut(inputs, tools);
    const { model } = inputs.tokenizer;
    const mixtures = mixturesOf(inputs.popo, model);
    const { best, last: weights, mixture } = inputs.popo;
    // A checkpoint that was made below may have another.
    if (mixtures.length > 0 && mixture !== undefined) await model.compose(mixture);
    const judged = config.popo.steps > 0 ? await heldOut.testUsers('popo') : null;
    if (judged !== null && best !== null) judged.row.step = best.step;
    if (judged !== null) tools.emit({ type: 'metrics', row: judged.row, step: tools.steps });
    const last = weights === null ? null : await judgeLast(inputs, tools, weights);
    if (last !== null) {
      last.row.step = config.popo.steps;
      tools.emit({ type: 'metrics', row: last.row, step: tools.steps });
    }
    const front: NonNullable<Evaluated['front']> = [];
    for (const [at, weights] of mixtures.entries()) {
      await model.compose(weights);
      front.push({ weights, judged: await judgeAt(inputs, tools, { weights, at, of: mixtures.length }) });
      tools.emit({ type: 'front', front: frontRows(front) });
    }
    if (mixtures.length > 0 && mixture !== undefined) await model.compose(mixture);
    const untold = { told: false, historyLength: config.text.history_length, temperature: 0 };
    const teacher = new AttributesTeacher(dataset, untold, config.seed);
    const bought = purchaseCounts(dataset);
    const counting = heldOut.judge('counting', (example) => teacher.recommend(example, bought));
    tools.emit({ type: 'counting', row: counting.row });
    return { judged, last, counting, ...(front.length > 0 && { front }) };
  },
  open: (made) => made,
  report: ({ judged, last, counting, front }) => ({
    table: [judged, last].flatMap((each) => (each === null ? [] : [each.row])),
    counting: counting.row,
    ...(front && { front: frontRows(front) }),
  }),
  judged: ({ judged, last, counting, front = [] }) =>
    [judged, last, counting, ...front.map((point) => point.judged)].filter((each) => each !== null),
  *events({ table, counting, front }, { steps }) {
    for (const row of table ?? [])
      if (row.stage.startsWith('popo')) yield { type: 'metrics', row, step: steps };
    if (front !== undefined) yield { type: 'front', front };
    if (counting !== undefined) yield { type: 'counting', row: counting };
  },
};

const frontRows = (front: NonNullable<Evaluated['front']>) =>
  front.map(({ weights, judged }) => ({ weights, row: judged.row }));

/** The mixtures that are judged; none of a model without ends. */
function mixturesOf({ mixture }: Aligned, { ends }: TrainingInputs['tokenizer']['model']): number[][] {
  return mixture === undefined || ends !== mixture.length ? [] : frontWeights(ends);
}

/** Where the front of K rewards is looked at: quarters between two; of more, each alone, and all alike. [points][K] */
export function frontWeights(K: number): number[][] {
  if (K < 2) return [];
  if (K === 2) return [0, 0.25, 0.5, 0.75, 1].map((first) => [first, 1 - first]);
  const alone = Array.from({ length: K }, (_, k) => Array.from({ length: K }, (_, j) => Number(j === k)));
  return [...alone, new Array<number>(K).fill(1 / K)];
}

/** The row of a mixture of the ends, which the model is composed of now. */
function judgeAt(
  inputs: Inputs,
  tools: StageTools,
  { weights, at, of }: { weights: number[]; at: number; of: number },
): Promise<Judged> {
  const { steps, hooks } = tools;
  const own = steps / (of + 1);
  const onProgress = (done: number) => hooks.onProgress((at + 1) * own + done, steps);
  const heldOut = new HeldOut(inputs, { ...tools, hooks: { ...hooks, onProgress } });
  return heldOut.testUsers(`popo at ${weights.map((weight) => Number(weight.toFixed(3))).join('/')}`);
}

/** The row of the weights after the last step; the model then has again those that it came with. */
async function judgeLast(
  inputs: Inputs,
  tools: StageTools,
  parameters: ModelState['parameters'],
): Promise<Judged> {
  const { model } = inputs.tokenizer;
  const { hooks, steps } = tools;
  // A checkpoint that is made meanwhile has the last weights as the model's.
  const handedOver = await hooks.work.part('handed over', async () => (await model.snapshot()).parameters);
  const moments = await model.snapshot();
  await model.restore({ ...moments, parameters });
  const onProgress = (done: number) => hooks.onProgress(steps / 2 + done, steps);
  const heldOut = new HeldOut(inputs, { ...tools, hooks: { ...hooks, onProgress } });
  const judged = await heldOut.testUsers('popo-last');
  await model.restore({ ...moments, parameters: handedOver });
  return judged;
}
