/** The benchmark on one adapter: `api` is `navigator.gpu` in a browser, Dawn's in Node. */
import { type Gpu, openGpu } from '../gpu/device';
import { TUNINGS, type Tuning, tuningFor } from '../gpu/kernels';
import { KERNELS_VERSION } from '../gpu/kernels/tuning';
import { measureRates } from '../gpu/rates';
import { BENCH_HYPER, type BenchShape, benchBatch } from '../model/benchShape';
import { type EngineSpeed, measureEngine, stepOperations } from '../model/engineSpeed';
import { initialParameters } from '../model/parameters';
import { createTransformer } from '../model/transformer';
import { type BenchResult, benchShape, type CaseResult, measure, type Peer, type PeerName } from './core';
import { jaxPeer, type PeerCase, tensorFlowPeer } from './peers';
import { policyFacts } from './policy';

export interface BenchOptions {
  /** Names of shapes; the first also gives dispatches, bytes and the rollout's speed. */
  shapes: string[];
  peers: PeerName[];
  rounds: number;
  /** Milliseconds that a peer's turn lasts at least. */
  turn: number;
}

/** Of the initial weights. */
const SEED = 1;
/** Relative difference between the peers' first losses, beyond which they did not compute the same thing. */
const SAME_LOSS = 1e-3;
/** And where one of them rounds its weights. */
const NEAR_LOSS = 1e-2;

/** @throws an Error when there is no adapter, when a peer fails, or when the peers' losses differ. */
export async function runBench(
  api: GPU,
  { shapes, peers, rounds, turn }: BenchOptions,
  say: (line: string) => void,
): Promise<Omit<BenchResult, 'machine' | 'js_ms_per_step'>> {
  const gpu = await openGpu(api);
  if (gpu === null) throw new Error('There is no WebGPU adapter to measure on.');
  const { vendor, architecture, description } = gpu.adapter;
  const adapter = [vendor, architecture, description].filter(Boolean).join(' ');
  say(`Adapter: ${adapter}`);
  const rates = await measureRates(gpu);
  const cases: CaseResult[] = [];
  let facts: ModelFacts | null = null;
  for (const name of shapes) {
    const shape = await benchShape(name);
    facts ??= await modelFacts(gpu, shape);
    cases.push(await compare(gpu, shape, { api, peers, rounds, turn, say }));
  }
  if (facts === null) throw new Error('No shape was named.');
  gpu.assertHealthy();
  gpu.destroy();
  const kernels = { variant: tuningFor(gpu).name, version: KERNELS_VERSION };
  return { adapter, kernels, rates, cases, ...facts };
}

async function compare(
  gpu: Gpu,
  shape: BenchShape,
  { api, say, ...o }: Omit<BenchOptions, 'shapes'> & { api: GPU; say: (line: string) => void },
): Promise<CaseResult> {
  const batch = benchBatch(shape);
  const task = {
    config: shape.config,
    pool: initialParameters(shape.config, SEED),
    batch,
    hyper: BENCH_HYPER,
  };
  const { config, size, length } = shape;
  say(
    `${shape.name}: ${config.num_hidden_layers} × ${config.hidden_size} × ${config.num_attention_heads} heads × MLP ` +
      `${config.intermediate_size}, vocabulary ${config.vocab_size}, batch ${size} × ${length}`,
  );
  const tunings = { ours: tuningFor(gpu), f16: TUNINGS['tiled-f16'] };
  const speedOf = async (name: keyof typeof tunings) =>
    o.peers.includes(name) ? engineSpeed(gpu, shape, tunings[name]) : null;
  const [engine, f16_engine] = [await speedOf('ours'), await speedOf('f16')];
  const made = new Map<PeerName, Peer>();
  for (const name of o.peers) {
    if (name === 'ours' || name === 'f16') made.set(name, await enginePeer(gpu, task, tunings[name]));
    if (name === 'tfjs') made.set(name, await tensorFlowPeer(gpu.device, gpu.device.adapterInfo, task));
    if (name === 'jax') made.set(name, await jaxPeer(task, api));
  }
  const measured = await measure(made, {
    ...o,
    onRound: (round) => say(`  round ${round + 1} of ${o.rounds}`),
  });
  for (const peer of made.values()) peer.dispose();
  assertSameLoss(measured);
  const ms = (name: PeerName) => measured.get(name)?.ms ?? null;
  return {
    name: shape.name,
    ...{ ours_ms: ms('ours'), f16_ms: ms('f16'), tfjs_ms: ms('tfjs'), jax_ms: ms('jax') },
    operations: stepOperations(shape),
    tokens: size * length,
    engine,
    f16_engine,
  };
}

/** Of a model that is gone again before peers have theirs. */
async function engineSpeed(gpu: Gpu, shape: BenchShape, tuning: Tuning): Promise<EngineSpeed> {
  const model = await createTransformer(gpu, shape.config, SEED, tuning);
  try {
    return await measureEngine(model, shape);
  } finally {
    model.destroy();
  }
}

async function enginePeer(gpu: Gpu, { config, batch, hyper }: PeerCase, tuning: Tuning): Promise<Peer> {
  const model = await createTransformer(gpu, config, SEED, tuning);
  let step = 0;
  return {
    async step() {
      step++;
      return (await model.trainStep([batch], { ...hyper, step })).loss;
    },
    dispose: () => model.destroy(),
  };
}

/** Peers start from the same weights and see the same batch, so their first losses agree but for rounding. */
function assertSameLoss(measured: ReadonlyMap<PeerName, { losses: number[] }>): void {
  const all = [...measured].map(([name, { losses }]) => ({ name, losses: losses.slice(0, 3) }));
  for (const { name, losses } of all) {
    const most = [name, all[0].name].includes('f16') ? NEAR_LOSS : SAME_LOSS;
    losses.forEach((loss, i) => {
      const first = all[0].losses[i];
      if (Math.abs(loss - first) > most * Math.abs(first)) {
        throw new Error(
          `${name} and ${all[0].name} do not compute the same: losses ${losses.join(', ')} and ${all[0].losses.join(', ')}.`,
        );
      }
    });
  }
}

type ModelFacts = Pick<
  BenchResult,
  'dispatches_per_step' | 'layers' | 'rollout_tokens_per_s' | 'over_fixed' | 'bytesPlanned' | 'bytesAllocated'
>;

async function modelFacts(gpu: Gpu, { config, size, length }: BenchShape): Promise<ModelFacts> {
  const model = await createTransformer(gpu, config, SEED);
  const { forward, supervised } = await model.training(size, length);
  const memory = model.memory();
  const facts = {
    dispatches_per_step: forward.dispatches + supervised.dispatches + model.optimizer.dispatches,
    layers: config.num_hidden_layers,
    ...(await policyFacts(model)),
    bytesPlanned: memory.bytesPlanned,
    bytesAllocated: memory.bytesAllocated,
  };
  model.destroy();
  return facts;
}
