/**
 * How good the model is on users it never saw: a row of the stage table on test users at the end of warm-up, SFT and
 * POPO, and on validation users, with samples of what the model says, at those moments and while POPO trains.
 */
import { type Dataset, type Example, targetItem } from '../data/dataset';
import {
  type AnswersRow,
  evaluateModel,
  type HeldOutSet,
  judgeAnswers,
  type MetricsRow,
} from '../evaluate/metrics';
import { type RewardSources, scoreCompletions } from '../popo/rewards';
import type { Encoder } from '../rank/encoder';
import { scoreTails } from '../sft/orft';
import type { PromptFormat } from '../text/prompt';
import type { ExampleDraw } from './pipeline';
import type { Sample } from './report';
import type { Session, Stage } from './session';

/** Samples shown at each moment: the same users each time, so that one sees them improve. */
const SAMPLES = 6;

interface HeldOutSources {
  dataset: Dataset;
  format: PromptFormat;
  encoder: Encoder;
  sources: RewardSources;
  draw: ExampleDraw;
}

export class HeldOut {
  readonly #session: Session;
  readonly #sources: HeldOutSources;

  constructor(session: Session, sources: HeldOutSources) {
    this.#session = session;
    this.#sources = sources;
  }

  /** Adds the stage's row to the table, from test users, and shows samples of validation users. */
  async afterStage(row: 'warmup' | 'sft' | 'popo', stage: Stage): Promise<void> {
    const { state } = this.#session;
    const { row: test, outcomes } = await this.#evaluate('test', row, stage);
    this.#session.arrays[`outcomes/${row}`] = outcomes;
    if (row !== 'popo') {
      const { samples } = await this.#evaluate('curve', row, stage);
      this.#show(samples);
    }
    state.table.push(test);
    this.#session.emit({ type: 'metrics', row: test, step: stage.steps });
  }

  /** The row of a recommender that is no model: the item it would show for each test example. */
  judge(stage: string, recommend: (example: Example) => number): AnswersRow {
    const { format, draw } = this.#sources;
    const answers = draw.test.map((example) => format.answer(recommend(example)));
    const { row, outcomes } = judgeAnswers(this.#asked('test'), stage, answers);
    this.#session.arrays[`outcomes/${stage}`] = outcomes;
    return row;
  }

  /**
   * Mean −log P per token of the true answers, the prompt and CoT given.
   * @param rows validation examples, each with the CoT before its answer, or null
   */
  async answerLoss(rows: readonly { example: Example; cot: string | null }[], stage: Stage): Promise<number> {
    const { dataset, format } = this.#sources;
    const { popo } = this.#session.state.config;
    const { maxPromptLength, maxCompletionLength } = format.options;
    const nll = await scoreTails(
      this.#session.model!,
      rows.length,
      (index) => ({
        tokens: format.example(rows[index].example, rows[index].cot).tokens,
        answerLength: format.answer(targetItem(dataset, rows[index].example)).length,
      }),
      {
        batchSize: popo.prompts_per_step * popo.num_generations,
        length: maxPromptLength + maxCompletionLength,
      },
      { gate: stage.hooks.gate },
      stage.name,
    );
    return nll.reduce((sum, value) => sum + value, 0) / nll.length;
  }

  /** The held-out curve after `step` updates of the policy: every `curve_every`, at the start and at the end. */
  async duringPolicy(step: number, stage: Stage): Promise<void> {
    const { state } = this.#session;
    const { curve_every } = state.config.evaluate;
    const isDue = stage.steps > 0 && (step % curve_every === 0 || step === stage.steps);
    // A run that was paused in the middle of this finds the point missing, not twice.
    if (!isDue || state.curve.some((point) => point.step === step)) return;
    const { row, samples } = await this.#evaluate('curve', 'popo', stage);
    state.curve.push({ step, row });
    this.#session.emit({ type: 'metrics', row, step });
    this.#show(samples);
  }

  #show(samples: Sample[]): void {
    this.#session.state.samples.push(...samples);
    for (const sample of samples) this.#session.emit({ type: 'sample', sample });
  }

  async #evaluate(
    users: 'test' | 'curve',
    row: string,
    stage: Stage,
  ): Promise<{ row: MetricsRow; outcomes: Float32Array<ArrayBuffer>; samples: Sample[] }> {
    const { format } = this.#sources;
    const { state, model } = this.#session;
    const { popo } = state.config;
    // Comes after the steps that train, where there are any; in the midst of POPO it is part of a step.
    const before = stage.name === 'evaluate' ? 0 : stage.steps;
    const onProgress = (done: number, total: number) => {
      if (state.step >= before) stage.hooks.onProgress(before + done, before + total);
    };
    const evaluated = await evaluateModel(
      model!,
      this.#asked(users),
      {
        stage: row,
        maxNewTokens: format.options.maxCompletionLength,
        // As many rows as a rollout has, so that nothing is compiled for another shape.
        batchSize: popo.prompts_per_step * popo.num_generations,
      },
      { gate: stage.hooks.gate, onProgress },
    );
    return {
      row: evaluated.row,
      outcomes: evaluated.outcomes,
      samples: users === 'curve' ? this.#samples(evaluated.completions, stage) : [],
    };
  }

  #asked(users: 'test' | 'curve'): HeldOutSet {
    const { format, encoder, draw } = this.#sources;
    return { format, examples: draw[users], encoder, ctcvr: this.#ctcvr(users) };
  }

  /** P(click ∧ conversion) of an item for a held-out example: true where the data knows it, else the ranker's. */
  #ctcvr(users: 'test' | 'curve'): (index: number, item: number) => number {
    const { dataset, draw } = this.#sources;
    const { ctcvr } = this.#session.arrays;
    const firstRow = users === 'test' ? 0 : draw.test.length;
    return (index, item) => {
      const { user, position } = draw[users][index];
      return dataset.oracle
        ? dataset.oracle.ctcvr(user, position, item)
        : ctcvr[(firstRow + index) * dataset.items.length + item];
    };
  }

  #samples(
    completions: { sampleId: string; tokens: ArrayLike<number>; item: number }[],
    stage: Stage,
  ): Sample[] {
    const { dataset, format, sources, draw } = this.#sources;
    return completions.slice(0, SAMPLES).map(({ sampleId, tokens, item }, index) => {
      const example = draw.curve[index];
      const target = targetItem(dataset, example);
      const row = draw.policy.length + index;
      const rewards = scoreCompletions([{ parsed: format.parse(tokens), example: row, target }], sources);
      return {
        sampleId,
        stage: stage.name,
        step: this.#session.state.step,
        prompt: format.promptText(example),
        completion: format.tokenizer.decode(tokens),
        resolvedItem: item < 0 ? null : dataset.items[item].title,
        target: dataset.items[target].title,
        rewards: Array.from(rewards),
      };
    });
  }
}
