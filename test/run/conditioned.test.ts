/** A run of conditioned parameters at minuscule sizes: what it keeps, and that it comes to the same bits however it was cut. */
import { beforeAll, describe, expect, it } from 'vitest';
import { drawWeights } from '../../src/popo/rules/conditioned';
import { withEdits } from '../../src/run/changes';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/run/checkpoint';
import { parseConfig } from '../../src/run/config';
import { forked } from '../../src/run/fork';
import { readReport } from '../../src/run/readReport';
import type { Report } from '../../src/run/report';
import { packRun, unpackRun } from '../../src/run/runFile';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { APP_VERSION } from '../../src/run/version';
import { answerWell, minusculeConfig, recordedRun } from './tinyRun';

const TIMEOUT = 120_000;
const AT = [0.3, 0.7];

const config = () =>
  minusculeConfig((config) => {
    config.ranking.users = 0;
    answerWell(config);
    Object.assign(config.popo, { steps: 4, probe_every: 0, weighting: 'conditioned', reward_weights: AT });
    config.evaluate.curve_every = 2;
  });

describe('a run of conditioned parameters', { timeout: TIMEOUT }, () => {
  let whole: { report: Report; checkpoint: RunCheckpoint };
  /** After steps 0 (where alignment is next) to 4. */
  const saved: RunCheckpoint[] = [];

  beforeAll(async () => {
    const run = recordedRun(config(), null, (event, controls) => {
      if (event.type !== 'popo') return;
      controls.pause();
      void controls.rested().then(() => controls.resume());
    });
    const { report, checkpoint } = await runPipeline(run.context);
    whole = { report: report!, checkpoint };
    for (const made of run.saved) if (made.state.stage === 'popo') saved[made.state.step] ??= made;
    expect(Object.keys(saved)).toEqual(['0', '1', '2', '3', '4']);
  }, TIMEOUT);

  const finish = async (from: RunCheckpoint) =>
    (await runPipeline(recordedRun(config(), from).context)).report!;

  it('draws its weights at each step, and keeps an end for each reward with moments of its own', () => {
    const { steps } = whole.report.popo;
    expect(steps.map(({ weightsAfter }) => weightsAfter)).toEqual(
      [0, 1, 2, 3].map((step) => drawWeights({ seed: 5, step, numRewards: 2 })),
    );
    const { model, state } = whole.checkpoint;
    const [first, second] = model!.ends!;
    expect(first.parameters).not.toEqual(second.parameters);
    expect(first.parameters).not.toEqual(state.made.popo!.reference);
    expect(first.moment2).not.toEqual(second.moment2);
    expect(state.made.popo!.mixture).toEqual(AT);
    // What is handed over is the mixture that the config names.
    model!.parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(AT[0] * first.parameters[i] + AT[1] * second.parameters[i], 5);
    });
  });

  it('judges its front on test users at five weights, and its ends are ends of it', () => {
    const { front, table, config: told } = whole.report;
    expect(front!.map(({ weights }) => weights)).toEqual([
      [0, 1],
      [0.25, 0.75],
      [0.5, 0.5],
      [0.75, 0.25],
      [1, 0],
    ]);
    expect(front!.map(({ row }) => row.stage)).toEqual([
      'popo at 0/1',
      'popo at 0.25/0.75',
      'popo at 0.5/0.5',
      'popo at 0.75/0.25',
      'popo at 1/0',
    ]);
    const rows = front!.map(({ row: { stage, ...numbers } }) => JSON.stringify(numbers));
    expect(new Set(rows).size).toBeGreaterThan(1);
    expect(table.map(({ stage }) => stage)).toEqual(['warmup', 'sft', 'popo']);
    expect(readReport(JSON.parse(JSON.stringify(whole.report))).front).toEqual(front);
    expect(told.popo.reward_weights).toEqual(AT);
  });

  it.each([0, 1, 2, 3, 4])('goes on from its checkpoint after step %i to the same bits', async (step) => {
    const report = await finish(saved[step]);
    expect(report.fingerprint).toEqual(whole.report.fingerprint);
    expect(report.front).toEqual(whole.report.front);
  });

  it('is forked at the beginning of its alignment to the same bits, without its ends', async () => {
    const fork = forked(whole.checkpoint, 'first', 'popo');
    expect(fork.model!.ends).toBeUndefined();
    expect((await finish(fork)).fingerprint).toEqual(whole.report.fingerprint);
  });

  it('comes to the same bits where its device is lost in the midst of a step', async () => {
    let losses = 0;
    const run = recordedRun(config(), saved[0]);
    const { openDevice, ...rest } = run.context;
    const context = {
      ...rest,
      openDevice: async (...asked: Parameters<typeof openDevice>) => {
        const device = await openDevice(...asked);
        return {
          ...device,
          createPolicyOptimizer(...made: Parameters<typeof device.createPolicyOptimizer>) {
            const optimizer = device.createPolicyOptimizer(...made);
            const update = optimizer.update.bind(optimizer);
            optimizer.update = async (batch, hyper) => {
              if (batch.step === 2 && losses++ === 0) {
                device.lose();
                throw new Error('The device is gone.');
              }
              return update(batch, hyper);
            };
            return optimizer;
          },
        };
      },
    };
    expect((await runPipeline(context)).report!.fingerprint).toEqual(whole.report.fingerprint);
    expect(losses).toBeGreaterThan(1);
  });

  it('travels as run.zip with its ends, and without their moments once it is finished', async () => {
    const about = { id: crypto.randomUUID(), trained: null };
    const middle = (await unpackRun((await packRun(saved[2], about)).bytes)).checkpoint;
    expect(middle).toEqual(saved[2]);
    const { model } = (await unpackRun((await packRun(whole.checkpoint, about)).bytes)).checkpoint;
    expect(model!.ends!.map(({ parameters }) => parameters)).toEqual(
      whole.checkpoint.model!.ends!.map(({ parameters }) => parameters),
    );
    expect(model!.ends!.every(({ moment1, moment2 }) => [...moment1, ...moment2].every((m) => m === 0))).toBe(
      true,
    );
  });

  it('is damaged without an end, with one of another length, and with ends that nobody asked for', () => {
    const read = (change: (pools: Record<string, ArrayBuffer>) => void, of = saved[2]) => {
      const { pools } = structuredClone(encodeCheckpoint('test', of, false));
      change(pools);
      return () => decodeCheckpoint({ pools }, APP_VERSION);
    };
    expect(read(() => {})).not.toThrow();
    expect(read((pools) => void delete pools['end 1 moment2'])).toThrow(
      'its part “end 1 moment2” is missing',
    );
    const lack = (pools: Record<string, ArrayBuffer>) => {
      for (const name of Object.keys(pools)) if (name.startsWith('end 1')) delete pools[name];
    };
    expect(read(lack)).toThrow('its model has 1 ends instead of 2');
    const cut = (pools: Record<string, ArrayBuffer>) => {
      pools['end 0 parameters'] = pools['end 0 parameters'].slice(4);
    };
    expect(read(cut)).toThrow(/end 0 parameters has \d+ numbers instead of \d+/);
    const { state, model } = saved[2];
    const other = { ...state, config: structuredClone(state.config) };
    other.config.popo.weighting = 'fixed';
    expect(read(() => {}, { state: other, model })).toThrow('its model has 2 ends instead of 0');
  });

  it('cannot be chosen or left on the way, nor hand over an earlier model', () => {
    const at = { stage: 'popo', step: 1 } as const;
    const edit = (weighting: 'fixed' | 'conditioned', to: string) => {
      const run = { config: structuredClone(config()), changes: [] };
      run.config.popo.weighting = weighting;
      return () => withEdits(run, at, [{ field: 'popo.weighting', to }]);
    };
    const why =
      /popo.weighting at popo, step 2, cannot be made: conditioned trains a model for each reward from the first step/;
    expect(edit('conditioned', 'fixed')).toThrow(why);
    expect(edit('fixed', 'conditioned')).toThrow(why);
    expect(edit('fixed', 'gdpo')).not.toThrow();
    const { popo, ...rest } = config();
    expect(() => parseConfig({ ...rest, popo: { ...popo, keep: 'best' } })).toThrow(
      'popo.keep must be last where popo.weighting is conditioned',
    );
  });
});
