/**
 * A run, top to bottom, as the method has it (Taiji, arXiv 2606.03866):
 *
 *   data → tokenizer → the judges (ranker, encoder) → warm-up → RUPR → ORFT → SFT → POPO → evaluation → ranking
 *
 * The judges come first because they score every held-out row, from the warm-up's on. Test users appear in the stage
 * table and nowhere else; what is drawn while training comes from validation users.
 *
 * A run is a function of its config and data: every random stream is keyed by the seed and the step, so it can be cut at
 * any checkpoint and continued, in another tab or on another device of the same kind, to the same bits.
 */
import { StoppedError } from '../control/hooks';
import { type Dataset, type Example, targetItem } from '../data/dataset';
import { deploymentOf } from '../data/deployment';
import { needsOf } from '../data/needs';
import { compareRankers, rankingProblem, rankingSteps } from '../evaluate/ranking';
import { requestVectors } from '../evaluate/requestVectors';
import type { LanguageModel, TokenBatch } from '../model/languageModel';
import { parameterCount } from '../model/parameters';
import { Random } from '../numeric/random';
import { itemLikeness, itemNovelty, textLikeness } from '../popo/rewards';
import { trainPolicy } from '../popo/trainer';
import { itemText, restoreEncoder, trainEncoder } from '../rank/encoder';
import { trainRanker } from '../rank/ranker';
import {
  embedSentences,
  type LoadSentenceFiles,
  SENTENCE_BYTES,
  SENTENCE_SIZE,
} from '../rank/sentenceEncoder';
import { pastMoments } from '../rank/similarUsers';
import type { TeacherServices } from '../sft/cot';
import { filterQuality } from '../sft/filterQuality';
import { cotExamples, scoreCots, selectCots } from '../sft/orft';
import { keepCots, openTeacher } from '../sft/rupr';
import { AttributesTeacher, needSentence, TEACHER_WORDS } from '../sft/teacher';
import { packedRows, warmupSequences } from '../sft/warmup';
import { collate } from '../text/batch';
import { corpus, PromptFormat, type Sequence } from '../text/prompt';
import { Tokenizer, trainTokenizer } from '../text/tokenizer';
import { assembleReport } from './assemble';
import { camelCased } from './camelCase';
import { CheckpointError, newState, type RunCheckpoint } from './checkpoint';
import { modelShape, type RunConfig } from './config';
import type { Controls } from './controls';
import type { RunDevice } from './device';
import { Epochs } from './epochs';
import { onceEach, replayedEvents } from './events';
import { HeldOut } from './heldOut';
import type { Report, RunEvent } from './report';
import { Session } from './session';
import { fitFormat } from './shapes';
import { adamW, supervise } from './supervise';
import { APP_VERSION } from './version';

export interface RunContext {
  config: RunConfig;
  controls: Controls;
  emit(event: RunEvent): void;
  /** The data set that the config names. */
  loadDataset(): Promise<Dataset>;
  /** What teachers outside this app need. */
  teaching: TeacherServices;
  /** Asked only where the config wants the Universal Sentence Encoder. */
  loadSentenceFiles: LoadSentenceFiles;
  /** Called at the start, and again after a device was lost. */
  openDevice(kernels: RunConfig['kernels']): Promise<RunDevice>;
  /** Keeps a checkpoint; resolves with whether it will outlast this session. Never rejects. */
  save(checkpoint: RunCheckpoint, finished: boolean): Promise<boolean>;
  /** Where to go on from; null starts a new run. */
  resume: RunCheckpoint | null;
}

export interface RunOutcome {
  /** Null when the run was stopped before its end. */
  report: Report | null;
  /** The newest; of a finished run, the trained model. */
  checkpoint: RunCheckpoint;
}

/** A device may be lost this often before the run gives up. */
const MAX_DEVICE_LOSSES = 3;
/** Scored CoTs that the report shows, spread evenly. */
const COT_EXAMPLES = 200;
/** Steps by which the loading of the sentence encoder is shown. */
const MEGABYTES = 28;
/** Most cells of the offline reward table (f32: 400 MB). */
const MAX_TABLE_CELLS = 100_000_000;

/**
 * Trains to the end, or until stopped. When the device is lost, opens another and continues from the newest checkpoint.
 * @throws what a stage throws, for instance GpuLimitError before anything is allocated; checkpoints stay as they are
 */
export async function runPipeline(context: RunContext): Promise<RunOutcome> {
  let checkpoint = context.resume;
  const emit = onceEach(context.emit);
  for (let losses = 0; ; ) {
    const device = await context.openDevice(checkpoint?.state.config.kernels ?? context.config.kernels);
    checkpoint ??= {
      state: newState({ ...context.config, kernels: device.kernels }, APP_VERSION),
      arrays: {},
    };
    emit({ type: 'device', device: device.info });
    if (losses === 0) for (const event of replayedEvents(checkpoint.state)) emit(event);
    const session = new Session({
      checkpoint,
      controls: context.controls,
      emit,
      save: (made) => context.save(made, false),
    });
    try {
      const report = await train(context, device, session);
      await context.save(session.last, true);
      return { report, checkpoint: session.last };
    } catch (error) {
      checkpoint = session.last;
      if (error instanceof StoppedError) return { report: null, checkpoint };
      losses++;
      if (!(await device.isLost()) || losses > MAX_DEVICE_LOSSES) throw error;
      const { stage, step } = checkpoint.state;
      emit({
        type: 'notice',
        level: 'warning',
        message:
          `The GPU was lost (${losses} of at most ${MAX_DEVICE_LOSSES} times). The run continues on a new device from ` +
          `its last checkpoint: ${stage}, step ${step}.`,
      });
    } finally {
      session.model?.destroy();
      device.close();
    }
  }
}

/** The method. Each stage leaves what later ones need in `state` and `arrays`, which is what a checkpoint holds. */
async function train(context: RunContext, device: RunDevice, session: Session): Promise<Report> {
  const { state, arrays } = session;
  const { config } = state;
  const { seed } = config;

  const dataset = await session.prepare('data', context.loadDataset);
  if (state.dataset !== '' && state.dataset !== dataset.sha256) {
    throw new CheckpointError(
      'The data is not what this checkpoint was trained on: train again from its link.',
    );
  }
  state.dataset = dataset.sha256;
  const draw = drawExamples(dataset, config);

  const teacherOptions = { ...camelCased(config.text), ...camelCased(config.rupr) };
  const teacher = openTeacher(dataset, teacherOptions, seed, context.teaching);
  await session.stage('tokenizer', 1, false, async (stage) => {
    // Before anything that takes long, so that a wrong address, key or file says so at once.
    await teacher.check(draw.prompts, { gate: stage.hooks.gate });
    const texts = corpus(dataset, TEACHER_WORDS);
    state.tokenizer = trainTokenizer(texts, config.text.vocab_size).toJSON();
  });
  const tokenizer = Tokenizer.fromJSON(state.tokenizer);
  const format = fitFormat(dataset, tokenizer, config);
  const { maxPromptLength, maxCompletionLength } = format.options;
  const length = maxPromptLength + maxCompletionLength;

  // Before anything that takes long, so that a device that is too small says so at once.
  state.model = modelShape(config, tokenizer.vocabSize, length);
  const warmupOptions = camelCased(config.warmup);
  const largestBatch = Math.max(
    config.warmup.batch_size + packedRows(format, warmupOptions),
    config.sft.batch_size,
    config.popo.prompts_per_step * config.popo.num_generations,
  );
  const model = await device.createModel(state.model, seed, largestBatch);
  session.model = model;
  session.emit({ type: 'model', parameters: parameterCount(state.model) });
  await restoreModel(session, model);

  await session.stage('ranker', config.ranker.steps, false, async (stage) => {
    const ranker = await trainRanker(dataset, camelCased(config.ranker), seed, stage.hooks);
    try {
      stage.loss.push(...ranker.losses);
      state.ranker = { auc: ranker.auc };
      session.emit({ type: 'ranker', auc: ranker.auc });
      // Offline, as in the paper: from here on the ID reward is a look-up.
      arrays.rewardTable = await ranker.rewardTable([...draw.policy, ...draw.curve]);
      if (!dataset.oracle) arrays.ctcvr = await ranker.ctcvr([...draw.test, ...draw.curve]);
    } finally {
      ranker.dispose();
    }
  });
  const encoderOptions = camelCased(config.encoder);
  const isSentences = encoderOptions.semanticReward === 'use-lite';
  const sentenceSteps = isSentences ? MEGABYTES + dataset.items.length : 0;
  await session.stage('encoder', encoderOptions.steps + sentenceSteps, false, async (stage) => {
    const { gate, onProgress } = stage.hooks;
    const after = (done: number) => onProgress(encoderOptions.steps + done, stage.steps);
    const trained = await trainEncoder(dataset, encoderOptions, seed, {
      gate,
      onProgress: (done) => onProgress(done, stage.steps),
    });
    stage.loss.push(...trained.losses);
    arrays.encoder = trained.wordVectors;
    if (!isSentences) return;
    const files = await context.loadSentenceFiles({
      gate,
      onProgress: (bytes) => after(Math.floor((MEGABYTES * bytes) / SENTENCE_BYTES)),
    });
    arrays.sentences = await embedSentences(files, dataset.items.map(itemText), {
      gate,
      onProgress: (done) => after(MEGABYTES + done),
    });
  });
  const encoder = restoreEncoder(dataset, encoderOptions, arrays.encoder);
  const sources = {
    rewards: config.popo.rewards,
    likeness: isSentences ? itemLikeness(arrays.sentences, SENTENCE_SIZE) : textLikeness(encoder),
    rewardTable: arrays.rewardTable,
    items: dataset.items.length,
    novelty: itemNovelty(purchaseCounts(dataset)),
    semanticExponent: config.popo.semantic_exponent,
  };

  const plain = draw.curve.map((example) => ({ example, cot: null }));
  const heldOut = new HeldOut(session, { dataset, format, encoder, sources, draw });

  await session.stage('warmup', config.warmup.steps, true, async (stage) => {
    if (stage.from === 0) {
      await model.resetOptimizer();
      stage.heldOutLoss[0] = await heldOut.answerLoss(plain, stage);
    }
    await supervise(session, stage, config.warmup, (step) =>
      batchOf(warmupSequences(format, warmupOptions, seed, step), length),
    );
    stage.heldOutLoss[1] = await heldOut.answerLoss(plain, stage);
    await heldOut.afterStage('warmup', stage);
  });

  // RUPR: a teacher that is told the true next item explains it backwards.
  await session.stage('rupr', draw.prompts.length, false, async (stage) => {
    state.cots = await teacher.teach(draw.prompts, stage.hooks, (counts) => {
      state.rupr = counts;
      session.emit({ type: 'teacher', counts });
    });
    // From here on the run is of these CoTs, whatever an endpoint would say the next time.
    if (config.rupr.teacher !== 'attributes' && config.rupr.cots_sha256 === '')
      config.rupr.cots_sha256 = await keepCots(state.cots, context.teaching);
  });

  // ORFT: a CoT is as good as it makes the true answer likely, under a copy of the backbone that knows the CoT format.
  await session.stage('orft', config.orft.scorer_steps, false, async (stage) => {
    const backbone = await model.snapshot();
    await model.resetOptimizer();
    const all = cotSequences(state.cots.map((_, index) => index));
    const scorer = { ...config.sft, steps: config.orft.scorer_steps };
    await supervise(session, stage, scorer, shuffled('orft', all, scorer.batch_size));
    const options = { batchSize: config.popo.prompts_per_step * config.popo.num_generations, length };
    const scored = { format, examples: draw.prompts, cots: state.cots };
    const nll = await scoreCots(model, scored, options, stage.hooks);
    await model.restore(backbone);
    const { threshold, kept } = selectCots(nll, state.cots, config.orft.threshold);
    state.kept = kept.flatMap((isKept, index) => (isKept ? [index] : []));
    const examples = cotExamples(state.cots, nll, { threshold, kept });
    const ppl = examples.map((example) => example.ppl);
    state.orft = {
      // JSON has no Infinity; with everything kept the largest PPL says as much.
      threshold: Number.isFinite(threshold) ? threshold : ppl.reduce((a, b) => Math.max(a, b), 0),
      scored: state.cots.length,
      kept: state.kept.length,
      quality: filterQuality(state.cots, nll, kept),
      examples: evenly(examples, COT_EXAMPLES),
    };
    session.emit({ type: 'cots', ...state.orft, ppl });
  });

  // `sft.cot: false` is the control on the very prompts whose CoTs were kept: answers only.
  await session.stage('sft', config.sft.steps, true, async (stage) => {
    const asked = config.sft.cot ? bestArguments() : plain;
    if (stage.from === 0) {
      await model.resetOptimizer();
      stage.heldOutLoss[0] = await heldOut.answerLoss(asked, stage);
    }
    const sequences = cotSequences(state.kept, config.sft.cot);
    await supervise(session, stage, config.sft, shuffled('sft', sequences, config.sft.batch_size));
    stage.heldOutLoss[1] = await heldOut.answerLoss(asked, stage);
    await heldOut.afterStage('sft', stage);
  });

  await session.stage('popo', config.popo.steps, true, async (stage) => {
    if (stage.from === 0) {
      await model.resetOptimizer();
      await model.freezeReference();
      // The SFT stage's checkpoint has just read these weights back.
      arrays.reference = arrays.parameters;
    }
    const { popo } = config;
    const optimizer = device.createPolicyOptimizer(model, {
      ...popo,
      max_completion_length: maxCompletionLength,
    });
    try {
      optimizer.weights = state.weights;
      await heldOut.duringPolicy(stage.from, stage);
      const { step } = await trainPolicy(
        {
          model,
          optimizer,
          dataset,
          examples: draw.policy,
          format,
          eosToken: tokenizer.special.endAnswer,
          sources,
        },
        {
          ...popo,
          seed,
          from: stage.from,
          max_completion_length: maxCompletionLength,
          length,
          hyper: adamW(config, { ...popo, steps: popo.steps * popo.num_iterations }),
        },
        {
          ...stage.hooks,
          async onStep(done) {
            state.popo.push(done);
            state.weights = optimizer.weights;
            stage.loss.push(done.loss);
            stage.reached(done.step + 1);
            session.emit({ type: 'popo', step: done });
            await heldOut.duringPolicy(done.step + 1, stage);
          },
          onTiming: (part, seconds) => session.spend(part, seconds),
        },
      );
      if (step < popo.steps) throw new StoppedError('popo');
    } finally {
      optimizer.destroy();
    }
  });

  await session.stage('evaluate', draw.test.length, false, async (stage) => {
    if (config.popo.steps > 0) await heldOut.afterStage('popo', stage);
    const untold = { told: false, historyLength: config.text.history_length, temperature: 0 };
    const counting = new AttributesTeacher(dataset, untold, seed);
    const bought = purchaseCounts(dataset);
    state.counting = heldOut.judge('counting', (example) => counting.recommend(example, bought));
  });

  // Ranking: people who come once the model is in use, and what its reasoning about them is worth to a ranker.
  const { users, ...ranking } = camelCased(config.ranking);
  const asked = users > 0 ? await deploymentOf(dataset, users, seed) : null;
  const problem = users === 0 ? null : rankingProblem(asked ?? { ...dataset, splits: NO_SPLITS });
  const deployment = problem === null ? asked : null;
  const requests = [...(deployment?.splits.train ?? []), ...(deployment?.splits.test ?? [])];
  const past = deployment === null ? NO_PAST : pastMoments(dataset, users, seed);
  await session.stage('features', requests.length + past.examples.length, false, async (stage) => {
    if (deployment === null) return;
    const options = {
      maxNewTokens: maxCompletionLength,
      batchSize: config.popo.prompts_per_step * config.popo.num_generations,
    };
    const say = (of: Dataset, examples: Example[], before: number) => {
      const asked = { format: new PromptFormat(of, tokenizer, format.options), examples, encoder };
      return requestVectors(model, asked, options, {
        gate: stage.hooks.gate,
        onProgress: (done) => stage.hooks.onProgress(before + done, stage.steps),
      });
    };
    arrays.said = await say(deployment, requests, 0);
    arrays.past = await say(dataset, past.examples, requests.length);
  });
  await session.stage('ranking', rankingSteps(ranking), false, async (stage) => {
    const leaveOut = (why: string) =>
      session.emit({ type: 'notice', level: 'warning', message: `Ranking was left out: ${why}` });
    if (deployment === null) {
      if (problem !== null) leaveOut(problem);
      return;
    }
    const names = (of: Dataset, examples: Example[]) => examples.map(({ user }) => of.users[user].id);
    try {
      const { dimension } = encoder;
      const said = { vectors: arrays.said, dimension, users: names(deployment, requests) };
      const before = {
        vectors: arrays.past,
        dimension,
        users: names(dataset, past.examples),
        behaviours: past.behaviours,
      };
      const { report, losses } = await compareRankers(
        { dataset, deployment, said, past: before },
        ranking,
        seed,
        stage.hooks,
      );
      stage.loss.push(...losses);
      state.ranking = report;
      session.emit({ type: 'ranking', ranking: report });
    } catch (error) {
      // The model is trained and judged by now: what fails here must not cost its report.
      if (error instanceof StoppedError || (await device.isLost())) throw error;
      leaveOut(
        `it failed (${error instanceof Error ? error.message : String(error)}). All else is as it was.`,
      );
    }
  });

  return assembleReport(state, dataset, device.info, model.memory());

  function cotSequences(indices: number[], withCot = true): Sequence[] {
    return indices.map((index) => {
      const { example, text } = state.cots[index];
      return format.example(draw.prompts[example], withCot ? text : null);
    });
  }

  /** What the teacher would say for validation users, told the item and at its best, where it concludes rightly. */
  function bestArguments(): { example: Example; cot: string }[] {
    const options = { told: true, historyLength: config.text.history_length, temperature: 0 };
    const teacher = new AttributesTeacher(dataset, options, seed);
    const all = draw.curve.map((example) => ({ example, cot: teacher.explain(example, 0).text }));
    const right = all.filter(({ example, cot }) =>
      cot.endsWith(needSentence(needsOf(dataset)[targetItem(dataset, example)])),
    );
    return right.length > 0 ? right : all;
  }

  function shuffled(purpose: string, sequences: Sequence[], size: number): (step: number) => TokenBatch {
    if (sequences.length === 0) {
      throw new Error(`${purpose} has nothing to learn from: no CoT passed orft.threshold; raise it.`);
    }
    const epochs = new Epochs(seed, `${purpose}/order`, sequences.length);
    return (step) =>
      batchOf(
        epochs.batch(step, size).map((index) => sequences[index]),
        length,
      );
  }
}

const NO_SPLITS: Dataset['splits'] = { train: [], validation: [], test: [] };
const NO_PAST: ReturnType<typeof pastMoments> = { examples: [], behaviours: [] };

/** How often training users chose each item. */
function purchaseCounts(dataset: Dataset): Uint32Array {
  const counts = new Uint32Array(dataset.items.length);
  for (const example of dataset.splits.train) counts[targetItem(dataset, example)]++;
  return counts;
}

function batchOf(sequences: Sequence[], length: number): TokenBatch {
  return collate(sequences, length);
}

/** Puts the checkpoint's weights, moments and frozen reference back, if there are any. */
async function restoreModel(session: Session, model: LanguageModel): Promise<void> {
  const saved = session.modelState();
  if (saved === null) return;
  const { reference } = session.arrays;
  if (reference !== undefined) {
    await model.restore({ ...saved, parameters: reference });
    await model.freezeReference();
  }
  await model.restore(saved);
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

function drawExamples(dataset: Dataset, { seed, rupr, popo, evaluate }: RunConfig): ExampleDraw {
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

/** At most `count` of the values, spread evenly over them. */
function evenly<T>(values: T[], count: number): T[] {
  if (values.length <= count) return values;
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]);
}
