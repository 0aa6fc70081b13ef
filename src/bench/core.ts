/**
 * What the benchmark measures, apart from where it runs (a Chromium page or Node). Peers take the same training steps on the
 * same batch, interleaved in rounds, so that a machine that gets slower while it runs is slower for all of them.
 */
import type { Rates } from '../gpu/rates';
import { type BenchShape, STANDARD } from '../model/benchShape';
import type { EngineSpeed } from '../model/engineSpeed';
import { median } from '../numeric/median';
import { modelShape } from '../run/config';
import { loadDataset } from '../run/datasets';
import { PRESET_NAMES, type PresetName, presetConfig } from '../run/presets';
import { fitFormat } from '../run/shapes';
import { teacherWords } from '../sft/embedded';
import { corpus } from '../text/prompt';
import { trainTokenizer } from '../text/tokenizer';

/** Forward, backward and AdamW of one peer on one shape. */
export interface Peer {
  /** The next training step; resolves with its loss when the device has done it. */
  step(): Promise<number>;
  dispose(): void;
}

/** `f16` is this engine, too, by kernels that read weights in f16. */
export type PeerName = 'ours' | 'f16' | 'tfjs' | 'jax';
export const PEER_NAMES: readonly PeerName[] = ['ours', 'f16', 'tfjs', 'jax'];

export interface CaseResult {
  name: string;
  /** Median milliseconds per training step; null where a peer was left out. */
  ours_ms: number | null;
  f16_ms: number | null;
  tfjs_ms: number | null;
  jax_ms: number | null;
  /** Of a training step: see `stepOperations`, and how many tokens it learns from. */
  operations: number;
  tokens: number;
  /** What else this engine was measured at, and in f16; null where it was left out. */
  engine: EngineSpeed | null;
  f16_engine: EngineSpeed | null;
}

export interface BenchResult {
  adapter: string;
  machine: string;
  /** Those in use, and the version of their arithmetic. */
  kernels: { variant: string; version: string };
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
