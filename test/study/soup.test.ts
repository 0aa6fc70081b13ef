/** Models that are made of finished runs, at minuscule sizes. */
import { describe, expect, it } from 'vitest';
import { mixed } from '../../src/model/mixture';
import type { RunConfig } from '../../src/run/config';
import { type ConfigDiff, diffFromPreset } from '../../src/run/diff';
import { type RunOutcome, runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import type { Cell } from '../../src/study/cell';
import { atWeights, soup } from '../../src/study/derived';
import { packEnd, unpackEnd } from '../../src/study/endFile';
import { fitting, type Method, methodConfig, methodNamed, withSources } from '../../src/study/methods';
import { fork } from '../../src/study/prefix';
import { isOf, runStudy } from '../../src/study/queue';
import { answerWell, minusculeConfig, recordedRun } from '../run/tinyRun';
import { v1 } from '../v1';

const common = diffFromPreset(
  minusculeConfig((config) => {
    answerWell(config);
    Object.assign(config.popo, { steps: 4, probe_every: 0, learning_rate: 0.02 });
    Object.assign(config.evaluate, { users: 8, curve_every: 100 });
  }),
);

const ENDS = ['fixed-0', 'fixed-1'] as const;
const soupOf = (share: number): Method => ({
  ...methodNamed('soup-0.5'),
  name: `soup-${share}`,
  derived: soup(ENDS, share),
});

/** At the beginning of alignment, where the first study of this file came to it: others go on from there. */
let sft: RunCheckpoint | null = null;

/** What each method of that study came to. */
const first = new Map<string, number[]>();

/** A study whose cells and ends outlast it. */
function studyOf(methods: readonly Method[], seeds = [5]) {
  const cells = new Map<string, Cell>();
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const told: string[] = [];
  const trained: string[] = [];
  const outcomes: RunOutcome[] = [];
  let stopAt = '';
  const run = () => {
    told.length = 0;
    trained.length = 0;
    return runStudy({
      preset: v1('tiny'),
      common,
      methods,
      seeds,
      async read(method, config) {
        const cell = cells.get(`${method} ${config.seed}`) ?? null;
        return cell !== null && isOf(cell, config) ? cell : null;
      },
      keep: async (cell) => void cells.set(`${cell.method} ${cell.seed}`, cell),
      ends: {
        async read(method, config) {
          const bytes = files.get(`${method} ${config.seed}`);
          return bytes === undefined ? null : unpackEnd(bytes, config);
        },
        keep: async (method, end, { seed }) => void files.set(`${method} ${seed}`, await packEnd(end)),
        drop: async (method, { seed }) => void files.delete(`${method} ${seed}`),
      },
      tell: (event) => void told.push(`${event.method} ${event.status}`),
      async run(config: RunConfig, resume: RunCheckpoint | null) {
        const from = resume ?? (sft && fork(sft, config));
        const recorded = recordedRun(config, from, (event) => {
          // Told of no run that has come so far before, unlike its steps.
          if (event.type === 'group' && event.group.step === 0) trained.push(told[told.length - 1]);
        });
        if (told[told.length - 1] === `${stopAt} started`) recorded.context.controls.stop();
        const outcome = await runPipeline(recorded.context);
        outcomes.push(outcome);
        sft ??= recorded.saved.find(({ state }) => state.stage === 'popo' && state.step === 0) ?? null;
        return outcome;
      },
    });
  };
  const stop = (name: string) => {
    stopAt = name;
  };
  return { cells, files, told, trained, outcomes, run, stop };
}

describe('a soup', { timeout: 120_000 }, () => {
  it('has of a share of 0 or 1 the very outcomes of that end, and of others its own', async () => {
    const study = studyOf([...ENDS.map(methodNamed), ...[0, 0.5, 1].map(soupOf)]);
    const { cells, failed } = await study.run();
    expect(failed).toBe(0);
    const of = (method: string) => cells.find((cell) => cell.method === method)!;
    // Else the next would say nothing.
    expect(of('fixed-0').outcomes).not.toEqual(of('fixed-1').outcomes);
    expect(of('fixed-1').outcomes.some((value) => value !== 0)).toBe(true);
    for (const [share, end] of [
      ['soup-0', 'fixed-0'],
      ['soup-1', 'fixed-1'],
    ] as const) {
      expect(of(share).outcomes).toEqual(of(end).outcomes);
      expect(of(share).row).toEqual(of(end).row);
    }
    expect(of('soup-0.5').outcomes).not.toEqual(of('fixed-0').outcomes);
    expect(of('soup-0.5').outcomes).not.toEqual(of('fixed-1').outcomes);
    // Nothing is trained for it, and no link repeats it.
    expect(study.trained).toEqual(['fixed-0 started', 'fixed-1 started']);
    expect(of('soup-0.5')).toMatchObject({
      from: ENDS,
      link: '',
      spent: { seconds: 0, updates: 0, rollouts: 0, adapter: 'TensorFlow.js on the CPU' },
      gauges: { reward: [], curve: [] },
    });
    expect(of('fixed-1').spent).toMatchObject({ updates: 4, rollouts: 4 * 3 * 4 });
    expect(of('fixed-1').spent!.seconds).toBeGreaterThan(0);
    for (const { method, outcomes } of cells) first.set(method, outcomes);
    // Its runs are let go of.
    expect([...study.files.keys()]).toEqual([]);
  });

  it('is made where a study that was stopped goes on, without training again what it is made from', async () => {
    const study = studyOf([methodNamed('fixed-0'), methodNamed('fixed-1'), soupOf(0.5)]);
    study.stop('fixed-1');
    await study.run();
    expect(study.told).toEqual(['fixed-0 started', 'fixed-0 finished', 'fixed-1 started']);
    expect([...study.files.keys()]).toEqual(['fixed-0 5']);
    const [bytes] = study.files.values();
    const { config } = study.cells.get('fixed-0 5')!;
    expect(await unpackEnd(bytes, config)).not.toBeNull();
    // Weights that were rounded are another run's.
    expect(await unpackEnd(bytes, { ...config, kernels: 'tiled-f16' })).toBeNull();
    study.stop('');
    const { cells } = await study.run();
    expect(study.told).toEqual([
      'fixed-0 kept',
      'fixed-1 started',
      'fixed-1 finished',
      'soup-0.5 started',
      'soup-0.5 finished',
    ]);
    const names = ['fixed-0', 'fixed-1', 'soup-0.5'];
    expect(cells.map(({ outcomes }) => outcomes)).toEqual(names.map((name) => first.get(name)));
    // Asked for later, when the runs are gone: only these are trained again.
    study.cells.delete('soup-0.5 5');
    study.files.set('fixed-1 5', new Uint8Array(20));
    await study.run();
    expect(study.told).toEqual([
      'fixed-0 started',
      'fixed-0 finished',
      'fixed-1 started',
      'fixed-1 finished',
      'soup-0.5 started',
      'soup-0.5 finished',
    ]);
    await study.run();
    expect(study.told).toEqual(['fixed-0 kept', 'fixed-1 kept', 'soup-0.5 kept']);
  });

  it('is of a conditioned run at the weights it was handed over at that very run, and at others another', async () => {
    const half = {
      ...methodNamed('conditioned-0.25'),
      name: 'conditioned-half',
      derived: atWeights('conditioned', 0.5),
    };
    const study = studyOf([methodNamed('conditioned'), half, methodNamed('conditioned-1')]);
    const { cells, failed } = await study.run();
    expect(failed).toBe(0);
    const [run, same, other] = cells;
    expect(same.outcomes).toEqual(run.outcomes);
    expect(same.row).toEqual(run.row);
    expect(other.row).not.toEqual(run.row);
    expect(study.trained).toEqual(['conditioned started']);
    expect(same).toMatchObject({ from: ['conditioned'], spent: { rollouts: 0 } });
    expect([...study.files.keys()]).toEqual([]);
  });

  it('fails in one sentence without the runs that it is made from', async () => {
    const study = studyOf([soupOf(0.5)]);
    expect(await study.run()).toMatchObject({ cells: [], failed: 1 });
    expect(study.trained).toEqual([]);
  });

  it('asks for its runs, each before it', () => {
    const names = (methods: readonly Method[]) => methods.map(({ name }) => name);
    const asked = ['soup-0.25', 'fixed-1', 'soup-mixed-0.5'].map(methodNamed);
    const order = ['fixed-0', 'fixed-1', 'soup-0.25', 'fixed-0.25', 'fixed-0.75', 'soup-mixed-0.5'];
    expect(names(withSources(asked))).toEqual(order);
    const { methods, leftOut } = fitting(asked, v1('tiny'), {});
    expect(names(methods)).toEqual(order);
    expect(leftOut).toBe('Run too, because others are made from them: fixed-0, fixed-0.25, fixed-0.75.');
    // λ is the share of the semantic end.
    expect(methodConfig(methodNamed('soup-0.25'), v1('tiny'), {}, 1).popo.reward_weights).toEqual([0, 1]);
    const [zero, one] = [0, 1].map((value) => new Float32Array(2).fill(value));
    const ends = [zero, one].map(
      (parameters) => ({ state: { made: { popo: { reference: zero } } }, model: { parameters } }) as never,
    );
    expect([...methodNamed('soup-0.25').derived!.parameters(ends)]).toEqual([0.25, 0.25]);
    // So is w, of the first reward.
    const conditioned = { state: {}, model: { ends: [{ parameters: one }, { parameters: zero }] } } as never;
    expect([...methodNamed('conditioned-0.25').derived!.parameters([conditioned])]).toEqual([0.25, 0.25]);
    expect(() => methodNamed('conditioned-0.25').derived!.parameters([ends[0]])).toThrow('has 0 ends');
    const foreign = { state: { made: { popo: { reference: one } } }, model: { parameters: one } } as never;
    expect(() => methodNamed('soup-0.25').derived!.parameters([ends[0], foreign])).toThrow(
      'were not aligned from one and the same fine-tuned model',
    );
    expect(
      mixed([
        { share: 1, weights: one },
        { share: 0, weights: zero },
      ]),
    ).toBe(one);
  });
});

describe('a constraint', { timeout: 120_000 }, () => {
  it('leaves in its cell what its reward was held at and what it earned in the end; other rules leave nothing', async () => {
    const [, reward] = common['popo.rewards'] as string[];
    const constraint = methodNamed('constraint');
    const study = studyOf([
      methodNamed('fixed-1'),
      { ...constraint, diff: { ...(constraint.diff as ConfigDiff), 'popo.constrained': reward } },
    ]);
    const { cells, failed } = await study.run();
    expect(failed).toBe(0);
    const [{ held: none }, { held }] = cells;
    expect(none).toBeUndefined();
    const { report, checkpoint } = study.outcomes[1];
    // It is held at all of what fine-tuning earned.
    const [{ rewards }] = checkpoint.state.made.popo!.levels!;
    expect(held!.reward).toBe(reward);
    expect(held!.level).toBe(rewards[1]);
    const means = report!.popo.steps.map((step) => {
      const paid = step.rewards.flat().map(([, second]) => second);
      return paid.reduce((sum, value) => sum + value, 0) / paid.length;
    });
    expect(means.some((mean) => mean > 0)).toBe(true);
    expect(held!.rewards).toHaveLength(4);
    for (const [step, reward] of held!.rewards.entries()) expect(reward).toBeCloseTo(means[step], 12);
  });
});
