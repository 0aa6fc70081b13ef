/**
 * What the benchmark measures, apart from where it runs (a Chromium page or Node). Peers take the same training steps on the
 * same batch, interleaved in rounds, so that a machine that gets slower while it runs is slower for all of them.
 */
import type { AdamWStep, ModelConfig } from '../model/config';
import type { TokenBatch } from '../model/languageModel';
import { Random } from '../numeric/random';
import { modelShape } from '../run/config';
import { loadDataset } from '../run/datasets';
import { PRESET_NAMES, type PresetName, presetConfig } from '../run/presets';
import { fitFormat } from '../run/shapes';
import { teacherWords } from '../sft/embedded';
import { corpus } from '../text/prompt';
import { trainTokenizer } from '../text/tokenizer';
import type { Rates } from './rates';

/** A model and the batch it takes a training step on: `size` sequences of `length` tokens. */
export interface BenchShape {
  name: string;
  config: ModelConfig;
  size: number;
  length: number;
}

/** Forward, backward and AdamW of one peer on one shape. */
export interface Peer {
  /** The next training step; resolves with its loss when the device has done it. */
  step(): Promise<number>;
  dispose(): void;
}

export type PeerName = 'ours' | 'tfjs' | 'jax';
export const PEER_NAMES: readonly PeerName[] = ['ours', 'tfjs', 'jax'];

export interface CaseResult {
  name: string;
  /** Median milliseconds per training step; null where a peer was left out. */
  ours_ms: number | null;
  tfjs_ms: number | null;
  jax_ms: number | null;
}

export interface BenchResult {
  adapter: string;
  machine: string;
  rates: Rates;
  cases: CaseResult[];
  /** Of one training step of a model of `layers` layers. */
  dispatches_per_step: number;
  layers: number;
  /** JavaScript alone, on an adapter that does nothing; null where it was not measured. */
  js_ms_per_step: number | null;
  rollout_tokens_per_s: number;
  /** Time of an RL step, rollouts and update, over one with fixed weights, by weighting. */
  over_fixed: Record<string, number>;
  bytesPlanned: number;
  bytesAllocated: number;
}

/** Constant, and small: the benchmark trains on one batch, and must not run off to NaN. */
export const BENCH_HYPER: AdamWStep = {
  step: 1,
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};

/** 3 layers × 96 × 4 heads × MLP 384, vocabulary 256: `standard` in docs/RESULTS.md. */
export const STANDARD: BenchShape = {
  name: 'standard',
  config: {
    vocab_size: 256,
    hidden_size: 96,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    intermediate_size: 384,
    max_position_embeddings: 128,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
  },
  size: 8,
  length: 128,
};

/** A preset's model on a batch of its fine-tuning, with the vocabulary and T that its generated world comes to. */
async function presetShape(name: PresetName): Promise<BenchShape> {
  // Of version 1, so that rates can be held against those of earlier versions of the app.
  const preset = presetConfig({ preset: name, version: 1 });
  const world = await loadDataset(preset, async () => null);
  const tokenizer = trainTokenizer(corpus(world, teacherWords(world)), preset.text.vocab_size);
  const { maxPromptLength, maxCompletionLength } = fitFormat(world, tokenizer, preset).options;
  const length = maxPromptLength + maxCompletionLength;
  const config = modelShape(preset, tokenizer.vocabSize, length);
  return { name, config, size: preset.sft.batch_size, length };
}

export const SHAPE_NAMES: readonly string[] = ['standard', ...PRESET_NAMES];

/** Those of `shapes.ts`. */
export const WHOLE_SHAPES = ['medium', 'large', '135m'] as const;

/** @throws an Error for a name that is not one of `SHAPE_NAMES`. */
export async function benchShape(name: string): Promise<BenchShape> {
  if (name === 'standard') return STANDARD;
  const preset = PRESET_NAMES.find((known) => known === name);
  if (preset === undefined) throw new Error(`There is no shape ${name}: choose ${SHAPE_NAMES.join(', ')}.`);
  return presetShape(preset);
}

/** Random tokens, full rows, every position weighted alike. */
export function benchBatch({ config, size, length }: BenchShape): TokenBatch {
  const random = new Random(1, 'bench');
  const count = size * (length - 1);
  return {
    size,
    length,
    tokens: Uint32Array.from({ length: size * length }, () => random.int(config.vocab_size)),
    lengths: new Uint32Array(size).fill(length),
    lossWeights: new Float32Array(size * length).fill(1 / count),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export interface Measured {
  /** Median milliseconds per step. */
  ms: number;
  /** Of every step, those that were not timed included. */
  losses: number[];
}

/**
 * Times each peer over `rounds` rounds in which each takes its turn. The first two steps of each (compilation) are not
 * timed; a peer that is fast takes several steps per turn, at least `turn` milliseconds' worth.
 * @throws an Error when a peer's loss is not a number: a benchmark of garbage proves nothing.
 */
export async function measure(
  peers: ReadonlyMap<PeerName, Peer>,
  o: { rounds: number; turn: number; clock?: () => number; onRound?: (round: number) => void },
): Promise<Map<PeerName, Measured>> {
  const clock = o.clock ?? (() => performance.now());
  const records = [...peers].map(([name, peer]) => ({
    name,
    peer,
    times: [] as number[],
    losses: [] as number[],
  }));
  const run = async ({ name, peer, losses }: (typeof records)[number]): Promise<number> => {
    const start = clock();
    const loss = await peer.step();
    if (!Number.isFinite(loss)) throw new Error(`The loss of ${name} is ${loss}, so its time means nothing.`);
    losses.push(loss);
    return clock() - start;
  };
  for (const record of records) {
    await run(record);
    await run(record);
  }
  for (let round = 0; round < o.rounds; round++) {
    for (const record of records) {
      let spent = 0;
      do {
        const time = await run(record);
        record.times.push(time);
        spent += time;
      } while (spent < o.turn);
    }
    o.onRound?.(round);
  }
  return new Map(records.map(({ name, times, losses }) => [name, { ms: median(times), losses }]));
}
