/**
 * Whether large shapes run at all, with the memory that was planned: on a device of the limits that every adapter has, steps of fine-tuning
 * and one of alignment; and a model of 135 million weights, of which one matrix is trained. In seconds and minutes, not medians.
 */
import { type Gpu, openGpu } from '../gpu/device';
import { scratchSize, TUNINGS, tuningFor } from '../gpu/kernels';
import { BENCH_HYPER, benchBatch } from '../model/benchShape';
import type { ModelConfig } from '../model/config';
import { sizesOf } from '../model/forward';
import type { TokenBatch } from '../model/languageModel';
import { packedLength } from '../model/packing';
import { initialParameters, matrixOf, parameterCount, parameterTable } from '../model/parameters';
import { planTraining, roomOf } from '../model/plans';
import { Transformer } from '../model/transformer';
import { Random, streamKey } from '../numeric/random';
import { CompiledPolicyOptimizer } from '../popo/compiledUpdate';
import { policyOptions } from '../popo/options';
import { rolloutBatch } from '../popo/rollouts';
import { budgetOf, deviceBytes, gigabytes, refusal } from '../run/budget';
import { modelShape } from '../run/config';
import { loadDataset } from '../run/datasets';
import { PRESET_NAMES, type PresetName, presetConfig } from '../run/presets';
import { fitFormat } from '../run/shapes';
import { teacherWords } from '../sft/embedded';
import { packedRows, rehearsalOf } from '../sft/warmup';
import { corpus } from '../text/prompt';
import { trainTokenizer } from '../text/tokenizer';
import type { WHOLE_SHAPES } from './core';

/** What every adapter has, by the specification of WebGPU. */
const LEAST = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 };
const SEED = 1;
/** Prompts of an update at `large`: of all of them it takes a CPU that plays a GPU twenty minutes. */
const LARGE_PROMPTS = 2;

/** SmolLM2-135M's shape (Allal et al., 2025, "SmolLM2"). */
const WIDE: ModelConfig = {
  vocab_size: 49_152,
  hidden_size: 576,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  intermediate_size: 1536,
  max_position_embeddings: 64,
  rope_theta: 10_000,
  rms_norm_eps: 1e-5,
};
const TRAINED = 'model.layers.0.mlp.down_proj.weight';
/** The largest vocabulary in use, Qwen2.5's (2024), on a model that default limits let be bound as one. */
const WORDY: ModelConfig = {
  ...WIDE,
  vocab_size: 151_936,
  hidden_size: 128,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 384,
};

type WholeShape = (typeof WHOLE_SHAPES)[number];
type Say = (line: string) => void;

/** A preset of version 2 with what its data comes to. */
async function presetFacts(name: PresetName) {
  const config = presetConfig({ preset: name, version: 2 });
  const world = await loadDataset(config, async () => null);
  const tokenizer = trainTokenizer(corpus(world, teacherWords(world)), config.text.vocab_size);
  const format = fitFormat(world, tokenizer, config);
  const { maxPromptLength: prompt, maxCompletionLength: completion } = format.options;
  const length = prompt + completion;
  const { warmup, sft } = config;
  const text = {
    prompt,
    completion,
    vocabulary: tokenizer.vocabSize,
    packedRows: packedRows(format, {
      catalogueFacts: warmup.catalogue_facts,
      needSentences: warmup.need_sentences,
      catalogueSentences: warmup.catalogue_sentences,
    }),
  };
  const sftRows = sft.batch_size + packedRows(format, rehearsalOf(sft.catalogue_sentences));
  return { config, text, length, sftRows, shape: modelShape(config, tokenizer.vocabSize, length) };
}

/** What each preset is planned to take, as a Markdown table, and whether a device of the least limits is enough. */
export async function planTable(): Promise<string> {
  const lines = [
    '| preset | kernels | what | MiB | on the least limits |',
    '| --- | --- | --- | --: | --- |',
  ];
  for (const name of PRESET_NAMES) {
    const { config, text } = await presetFacts(name);
    for (const kernels of ['portable', 'tiled', 'tiled-f16'] as const) {
      const budget = budgetOf(config, { text, kernels, limits: LEAST });
      const free = budgetOf(config, { text, kernels });
      const said = refusal(budget, config, { device: { backend: 'webgpu', limits: LEAST }, memory: 8 });
      lines.push(
        `| ${name} | ${kernels} | ${budget.device.map(({ what, amount }) => `${what} ${mebibytes(amount)}`).join(', ')} ` +
          `| ${mebibytes(deviceBytes(free))}, there ${mebibytes(deviceBytes(budget))} | ${said ?? 'fits'} |`,
      );
    }
  }
  return lines.join('\n');
}

/**
 * How the logits of a training step are planned on the least limits, as a Markdown table; MiB are of logits and, for portable kernels,
 * of the embeddings turned round. All weights are trained, or the matrix that `--shapes` trains.
 */
export function vocabularyTable(): string {
  const lines = [
    '| vocabulary | width | tokens | kernels | trained | columns at a time | MiB | whole, MiB | largest buffer, MiB |',
    '| --: | --: | --: | --- | --- | --: | --: | --: | --: |',
  ];
  const room = roomOf(LEAST);
  for (const [config, trains] of [[WIDE, TRAINED] as const, [WORDY, null] as const])
    for (const rows of [config.max_position_embeddings, 4096])
      for (const tuning of [TUNINGS.portable, TUNINGS.tiled]) {
        const [sizes, table] = [sizesOf(config), parameterTable(config)];
        const trained = trains === null ? { from: 0, to: table.poolSize } : matrixOf(table, trains);
        const { columns, largest } = planTraining({ tuning, sizes, table, room, trained }, rows);
        const { V, D, W, F } = sizes;
        const head = (width: number) =>
          4 * (rows * width + scratchSize(tuning, D * Math.max(width, W, 2 * F)));
        const cells = [V, D, rows, tuning.name, trains ?? 'all', columns];
        const bytes = [head(columns), head(V), largest].map(mebibytes);
        lines.push(`| ${[...cells, ...bytes].join(' | ')} |`);
      }
  return lines.join('\n');
}

/** Runs each in turn, and says what it took. @throws where one fails, or takes other memory than it planned */
export async function runWholeShapes(api: GPU, names: readonly WholeShape[], say: Say): Promise<void> {
  for (const name of names) {
    const gpu = await openGpu(api, name === '135m' ? 'own' : 'least');
    if (gpu === null) throw new Error('There is no WebGPU adapter to run on.');
    const told: Say = (line) => say(`${name}: ${line}`);
    if (name === '135m') await wide(gpu, told);
    else await preset(gpu, name, told);
    gpu.destroy();
  }
}

async function preset(gpu: Gpu, name: PresetName, say: Say): Promise<void> {
  const { config, text, length, shape, sftRows } = await presetFacts(name);
  const { popo } = config;
  const generations = popo.num_generations;
  const groups = popo.prompts_per_step;
  const packed = packedLength(text.prompt, text.completion, generations);
  const tuning = tuningFor(gpu);
  const room = roomOf(gpu.device.limits);
  const table = parameterTable(shape);
  const trained = { from: 0, to: table.poolSize };
  const { keep } = planTraining({ tuning, sizes: sizesOf(shape), table, room, trained }, groups * packed);
  // Fewer prompts are taken in the very way that all of them would be.
  const model = new Transformer(gpu, shape, tuning, { room: keep === 'all' ? room : { ...room, kept: 0 } });
  gpu.device.queue.writeBuffer(model.parameters, 0, initialParameters(shape, SEED));
  say(
    `${parameterCount(shape).toLocaleString('en-US')} weights, ${model.tuning.name} kernels, SFT batch ${sftRows} × ${length}`,
  );
  const batch = benchBatch({ name, config: shape, size: sftRows, length });
  const steps = name === 'medium' ? 5 : 1;
  for (let step = 1; step <= steps; step++)
    await timed(say, `step ${step} of fine-tuning`, async () => {
      const { loss } = await model.trainStep([batch], { ...BENCH_HYPER, step });
      return `loss ${finite(loss).toFixed(4)}`;
    });
  remember(model, 0, say);
  model.tidy();
  await model.freezeReference();
  await timed(say, `lists of an update on ${groups} prompts`, async () => {
    const { bytes } = await model.training(groups, packed, length);
    return `${mebibytes(bytes)} MiB, activations ${keep === 'all' ? 'kept' : 'made anew for each layer'}`;
  });
  if (name === 'large') model.tidy();
  const random = new Random(SEED, 'shapes');
  const prompts = Array.from({ length: name === 'large' ? LARGE_PROMPTS : groups }, () =>
    Array.from({ length: text.prompt }, () => random.int(shape.vocab_size)),
  );
  const sampled = { temperature: 1, topK: 0, eosToken: shape.vocab_size, key: streamKey(SEED, 'shapes', 0) };
  let completions: Uint32Array[] = [];
  await timed(say, `rollouts of ${prompts.length} prompts`, async () => {
    const asked = { prompts, numGenerations: generations, maxNewTokens: text.completion, ...sampled };
    ({ completions } = await model.generate(asked));
    return `${completions.length} of ${text.completion} tokens`;
  });
  await timed(say, 'scores of as many rows', async () => {
    const { logps } = await model.score(rolloutBatch(prompts, completions, length));
    return `mean ${finite(logps.reduce((sum, value) => sum + value, 0) / logps.length).toFixed(4)}`;
  });
  const options = { ...policyOptions(popo, text.completion), rewardWeights: popo.reward_weights };
  const policy = new CompiledPolicyOptimizer(model, options);
  await timed(say, 'one update of alignment', async () => {
    const { loss, influence } = await policy.update(
      {
        batch: rolloutBatch(prompts, completions, length),
        groupSize: generations,
        rewards: Float32Array.from({ length: completions.length * 2 }, () => random.uniform()),
        numRewards: 2,
        // Influences are measured, and single rewards' gradients are not.
        step: 1,
        iteration: 0,
      },
      { ...BENCH_HYPER, step: 1 },
    );
    return `loss ${finite(loss).toFixed(4)}, influences ${influence?.map((each) => finite(each).toExponential(2)).join(', ')}`;
  });
  remember(model, policy.bytes, say);
  const estimated = budgetOf(config, { text, kernels: model.tuning.name, limits: { ...LEAST } });
  say(`the budget says ${mebibytes(deviceBytes(estimated))} MiB for the whole run`);
  policy.destroy();
  model.destroy();
}

async function wide(gpu: Gpu, say: Say): Promise<void> {
  const model = new Transformer(gpu, WIDE, tuningFor(gpu), { trains: TRAINED });
  await timed(say, 'weights drawn', async () => {
    gpu.device.queue.writeBuffer(model.parameters, 0, initialParameters(WIDE, SEED));
    return `${parameterCount(WIDE).toLocaleString('en-US')} of them`;
  });
  const length = WIDE.max_position_embeddings;
  const batch: TokenBatch = benchBatch({ name: '135m', config: WIDE, size: 1, length });
  await timed(say, 'one forward pass', async () => {
    const { logps } = await model.score(batch);
    return `mean −log P ${finite(-logps.reduce((sum, value) => sum + value, 0) / (length - 1)).toFixed(4)}`;
  });
  remember(model, 0, say);
  await timed(say, `one training step of ${TRAINED}`, async () => {
    const { loss, gradNorm } = await model.trainStep([batch], BENCH_HYPER);
    return `loss ${finite(loss).toFixed(4)}, gradient's norm ${finite(gradNorm).toExponential(3)}`;
  });
  remember(model, 0, say);
  model.destroy();
}

async function timed(say: Say, what: string, work: () => Promise<string>): Promise<void> {
  const start = performance.now();
  const found = await work();
  say(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s; ${found}`);
}

/** @throws an Error where what is allocated is not what is planned */
function remember(model: Transformer, more: number, say: Say): void {
  const { bytesPlanned, bytesAllocated } = model.memory();
  const planned = bytesPlanned + more;
  if (planned !== bytesAllocated)
    throw new Error(`${gigabytes(bytesAllocated)} are allocated where ${gigabytes(planned)} were planned.`);
  say(`${mebibytes(planned)} MiB planned, and as many allocated`);
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Error(`A result is ${value}, so the shape does not run.`);
  return value;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
