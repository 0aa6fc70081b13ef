/** Settings that change while alignment goes on, at minuscule sizes: what each step gets, and that a link tells it to the bit. */
import { beforeAll, describe, expect, it } from 'vitest';
import { budgetOf } from '../../src/run/budget';
import type { FieldEdit, RunChange } from '../../src/run/changes';
import type { RunConfig } from '../../src/run/config';
import type { Controls } from '../../src/run/controls';
import { compareFingerprints } from '../../src/run/fingerprint';
import { parseLink } from '../../src/run/link';
import type { Report, RunEvent } from '../../src/run/report';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { answerWell, minusculeConfig, openCpu, recordedRun } from './tinyRun';

const TIMEOUT = 120_000;

function config(change: (config: RunConfig) => void = () => {}): RunConfig {
  return minusculeConfig((config) => {
    config.ranking.users = 0;
    answerWell(config);
    Object.assign(config.popo, { steps: 5, weighting: 'popo', probe_every: 0 });
    config.evaluate.curve_every = 100;
    change(config);
  });
}

const whenStep = (step: number, then: (controls: Controls) => void) => {
  let isDone = false;
  return (event: RunEvent, controls: Controls) => {
    if (isDone || event.type !== 'popo' || event.step.step !== step) return;
    isDone = true;
    then(controls);
  };
};

const KNOBS: FieldEdit[] = [
  { field: 'popo.reward_weights', to: [0.9, 0.1] },
  { field: 'popo.weighting', to: 'fixed' },
  { field: 'popo.num_generations', to: 3 },
  { field: 'popo.temperature', to: 0.8 },
];

describe('settings that change in alignment', { timeout: TIMEOUT }, () => {
  let untouched: Report;
  /** Where alignment begins. */
  let begun: RunCheckpoint;
  /** The same with the knobs turned after its second step. */
  let turned: { report: Report; events: RunEvent[] };

  /** From where alignment begins. */
  const align = (
    onEvent: Parameters<typeof recordedRun>[2],
    openDevice?: Parameters<typeof recordedRun>[3],
  ) => recordedRun(config(), begun, onEvent, openDevice);

  beforeAll(async () => {
    const run = recordedRun(config());
    untouched = (await runPipeline(run.context)).report!;
    begun = run.saved.find(({ state }) => state.stage === 'popo' && state.step === 0)!;
    const other = align(whenStep(1, (controls) => controls.change(KNOBS)));
    // Somebody looks on, which is to change no bit: those who open its link do not.
    const watched = { ...other.context, onlooker: { prompt: () => null, keep() {} } };
    turned = { report: (await runPipeline(watched)).report!, events: other.events };
  }, TIMEOUT);

  it('hold from the next step on, in every part of it, and a link tells them to the bit', async () => {
    const { report, events } = turned;
    const at = { stage: 'popo', step: 2 } as const;
    const expected: RunChange[] = [
      { ...at, field: 'popo.reward_weights', from: [0.5, 0.5], to: [0.9, 0.1] },
      { ...at, field: 'popo.weighting', from: 'popo', to: 'fixed' },
      { ...at, field: 'popo.num_generations', from: 4, to: 3 },
      { ...at, field: 'popo.temperature', from: 1, to: 0.8 },
    ];
    expect(report.changes).toEqual(expected);
    expect(events.filter(({ type }) => type === 'changes')).toEqual([{ type: 'changes', changes: expected }]);
    const { steps } = report.popo;
    expect(steps.map(({ rewards }) => rewards[0].length)).toEqual([4, 4, 3, 3, 3]);
    for (const { weightsBefore, weightsAfter } of steps.slice(2)) {
      expect(weightsBefore[0]).toBeCloseTo(0.9, 6);
      expect(weightsAfter).toEqual(weightsBefore);
    }
    const groups = events.flatMap((event) => (event.type === 'group' ? [event.group] : []));
    expect(groups.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    for (const { answers } of groups)
      for (const { pieces, after } of answers) expect(after).toHaveLength(pieces.length);
    expect(steps.map(({ influence }) => influence !== null)).toEqual([true, true, false, false, false]);

    const opened = parseLink(report.link);
    expect(opened.changes).toEqual(expected);
    const replay = recordedRun(opened.config);
    const same = (await runPipeline({ ...replay.context, changes: opened.changes })).report!;
    expect(compareFingerprints(opened.expected!, same.fingerprint).verdict).toBe('identical');
    expect(same.link).toBe(report.link);
    // The knobs did something.
    expect(untouched.popo.steps.slice(0, 2)).toEqual(steps.slice(0, 2));
    expect(untouched.fingerprint.exact).not.toBe(report.fingerprint.exact);
  });

  it('are kept at once where the run rests, so that they outlive the tab', async () => {
    const whole = turned.report;
    let saved: RunCheckpoint[] = [];
    const first = align(
      whenStep(1, (controls) => {
        controls.pause();
        void controls.rested().then(() => {
          controls.change(KNOBS.slice(0, 2));
          controls.change(KNOBS.slice(2));
          saved = first.saved;
          // Long after the write: then the tab goes, and nothing more is kept.
          setTimeout(() => {
            saved = [...first.saved];
            controls.stop();
          }, 50);
        });
      }),
    );
    await runPipeline(first.context);
    const last = saved.at(-1)!;
    expect(last.state).toMatchObject({ stage: 'popo', step: 2, changes: { length: 4 } });
    const second = recordedRun(config(), last);
    const report = (await runPipeline(second.context)).report!;
    expect(report.fingerprint).toEqual(whole.fingerprint);
    // Whoever watches is told what was changed before.
    expect(second.events.find(({ type }) => type === 'changes')).toMatchObject({
      changes: last.state.changes,
    });
  });

  it('hold a reward from the midst on at what it was before alignment, and resumed runs hold the same', async () => {
    const heldFrom = (step: number): RunCheckpoint => {
      const at = { stage: 'popo', step } as const;
      const changes: RunChange[] = [
        { ...at, field: 'popo.constrained', from: 'semantic', to: 'id' },
        { ...at, field: 'popo.weighting', from: 'popo', to: 'constraint' },
      ];
      return { ...begun, state: { ...begun.state, changes } };
    };
    const midst = recordedRun(config(), heldFrom(2));
    const whole = (await runPipeline(midst.context)).report!;
    const levels = whole.popo.steps.map(({ level }) => level);
    const [, , level] = levels;
    expect(level).toBeGreaterThan(0);
    expect(levels).toEqual([undefined, undefined, level, level, level]);
    expect(whole.popo.steps[2].weightsAfter).not.toEqual(whole.popo.steps[2].weightsBefore);
    // Nothing of the steps before knows of it, and the policy that measures it was put back.
    expect(whole.popo.steps.slice(0, 2)).toEqual(untouched.popo.steps.slice(0, 2));
    expect(whole.popo.steps[2].rewards).toEqual(untouched.popo.steps[2].rewards);
    // The same model is asked wherever it is first wanted.
    const early = (await runPipeline(recordedRun(config(), heldFrom(0)).context)).report!;
    expect(early.popo.steps.map((step) => step.level)).toEqual(levels.map(() => level));
    // Stopped before it was measured, and after.
    for (const step of [1, 2]) {
      const first = recordedRun(
        config(),
        heldFrom(2),
        whenStep(step, (controls) => controls.stop()),
      );
      await runPipeline(first.context);
      const kept = first.saved.at(-1)!;
      expect([kept.state.step, kept.state.made.popo?.levels?.length]).toEqual([
        step + 1,
        step === 1 ? undefined : 1,
      ]);
      const again = (await runPipeline(recordedRun(config(), kept).context)).report!;
      expect(again.fingerprint).toEqual(whole.fingerprint);
    }
  });

  it('outlive a lost device: the steps since the last checkpoint are taken again under them', async () => {
    const whole = turned.report;
    let device: Awaited<ReturnType<typeof openCpu>> | null = null;
    let losses = 0;
    const run = align(
      (event, controls) => {
        if (event.type !== 'popo') return;
        if (event.step.step === 1 && losses === 0) controls.change(KNOBS);
        if (event.step.step !== 3 || losses++ > 0) return;
        device!.lose();
        // The slow path goes on without its device; a GPU's step would fail so.
        throw new Error('The device is gone.');
      },
      async () => {
        device = await openCpu();
        return device;
      },
    );
    const report = (await runPipeline(run.context)).report!;
    // Steps that are taken again are not told again.
    expect(losses).toBe(1);
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'notice', message: expect.stringContaining('The GPU was lost') }),
    );
    expect(report.changes).toHaveLength(4);
    expect(report.fingerprint).toEqual(whole.fingerprint);
  });

  it('are refused where the device cannot do it: while the run goes on, and in a link before it begins', async () => {
    const rowsOf = (generations: number) => {
      const asked = config(({ popo }) => void Object.assign(popo, { num_generations: generations }));
      return Math.max(...budgetOf(asked).largest.map(({ amount }) => amount));
    };
    const most = (rowsOf(4) + rowsOf(64)) / 2;
    const limits = { maxBufferSize: most, maxStorageBufferBindingSize: most };
    const openSmall = async () => {
      const device = await openCpu();
      return { ...device, info: { ...device.info, backend: 'webgpu' as const, limits } };
    };
    const said: string[] = [];
    // Either of the two fields that a POPO batch grows with.
    const refused = /^popo\.(num_generations \(now 64\)|prompts_per_step \(now 3\)) asks for .* lower it\.$/;
    const run = align(
      whenStep(1, (controls) => {
        try {
          controls.change([{ field: 'popo.num_generations', to: 64 }]);
        } catch (error) {
          said.push((error as Error).message);
        }
        controls.stop();
      }),
      openSmall,
    );
    await runPipeline(run.context);
    expect(said).toEqual([expect.stringMatching(refused)]);
    expect(run.saved.at(-1)!.state.changes).toEqual([]);

    const told: RunChange[] = [{ stage: 'popo', step: 1, field: 'popo.num_generations', from: 4, to: 64 }];
    const linked = recordedRun(config(), null, () => {}, openSmall);
    await expect(runPipeline({ ...linked.context, changes: told })).rejects.toThrow(refused);
    expect(linked.events).toEqual([]);
  });

  it('are refused where they cannot be, in words, and the run goes on as it was', async () => {
    const said: string[] = [];
    const attempt = (controls: Controls, edits: FieldEdit[]) => {
      try {
        controls.change(edits);
        said.push('taken');
      } catch (error) {
        said.push((error as Error).message);
      }
    };
    const run = align((event, controls) => {
      if (event.type === 'stage' && event.name === 'evaluate' && event.status === 'started')
        attempt(controls, [{ field: 'popo.beta', to: 1 }]);
      if (event.type !== 'popo') return;
      if (event.step.step === 1) {
        attempt(controls, [{ field: 'popo.steps', to: 50 }]);
        attempt(controls, [{ field: 'popo.min_weight', to: 0.7 }]);
        attempt(controls, [{ field: 'popo.num_generations', to: 65 }]);
      }
      if (event.step.step === 4) attempt(controls, [{ field: 'popo.beta', to: 1 }]);
    });
    const report = (await runPipeline(run.context)).report!;
    expect(said).toEqual([
      expect.stringMatching(/popo\.steps.*none that this stage can make/),
      expect.stringMatching(/popo\.min_weight/),
      expect.stringMatching(/popo\.num_generations must be/),
      expect.stringMatching(/beyond the stage's steps/),
      expect.stringMatching(/no stage is under way whose settings can change/),
    ]);
    expect(report.changes).toEqual([]);
    expect(report.fingerprint).toEqual(untouched.fingerprint);
  });
});
