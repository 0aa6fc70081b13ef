/** How long a run will take, held against runs that were timed. */
import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../../src/run/config';
import { applyDiff } from '../../src/run/diff';
import { presetConfig } from '../../src/run/presets';
import { STAGE_NAMES } from '../../src/run/stageNames';
import { likest, measuredShape, runTimes, type StageSeconds, type TimedDevice } from '../../src/run/times';

/** Two cores under lavapipe with little else to do: 2,240 rows of 48 by 192 at 4.2 GFLOP/s. */
const LAVAPIPE: TimedDevice = {
  backend: 'webgpu',
  isSoftware: true,
  speed: { operations: 4.2e9, dispatch: 4e-5, wait: 5e-4, processor: 9.1e8 },
};
/** Seconds of whole runs there, both of seed 7. */
const TIMED: { version: 1 | 2; seconds: StageSeconds }[] = [
  {
    version: 2,
    seconds: { ranker: 12.4, warmup: 90.5, orft: 29.1, sft: 131, popo: 109.1, evaluate: 3.8, ranking: 32.5 },
  },
  { version: 1, seconds: { ranker: 4.8, warmup: 24.9, orft: 16.5, sft: 43, popo: 17.3, ranking: 22.6 } },
];
const tiny = presetConfig({ preset: 'tiny', version: 2 });
const stageOf = (config: RunConfig, name: string, device = LAVAPIPE) =>
  runTimes(config, device).stages.find((stage) => stage.name === name)!;

describe('the time of a run', () => {
  it.each(TIMED)('has every stage of tiny, version $version, within its range', ({ version, seconds }) => {
    const { stages, low, high } = runTimes(presetConfig({ preset: 'tiny', version }), LAVAPIPE);
    expect(stages.map(({ name }) => name)).toEqual([...STAGE_NAMES]);
    for (const { name, low, high } of stages) {
      const took = seconds[name];
      if (took === undefined) continue;
      expect(low, name).toBeLessThanOrEqual(took);
      expect(high, name).toBeGreaterThanOrEqual(took);
    }
    const whole = Object.values(seconds).reduce((sum, took) => sum + took, 0);
    expect(low).toBeLessThan(whole);
    expect(high).toBeGreaterThan(whole);
    expect(high / low).toBeLessThan(3);
  });

  it('follows what is asked for: steps, users, a rule that measures gradients, what is left out', () => {
    const longer = applyDiff({ preset: 'tiny', version: 2 }, { 'sft.steps': 3000 });
    expect(stageOf(longer, 'sft').likely / stageOf(tiny, 'sft').likely).toBeGreaterThan(1.7);
    const fixed = applyDiff({ preset: 'tiny', version: 2 }, { 'popo.weighting': 'fixed' });
    expect(stageOf(fixed, 'popo').likely).toBeLessThan(0.8 * stageOf(tiny, 'popo').likely);
    const unranked = applyDiff({ preset: 'tiny', version: 2 }, { 'ranking.users': 0 });
    expect([stageOf(unranked, 'ranking').likely, stageOf(unranked, 'features').likely]).toEqual([0, 0]);
    const slower = { ...LAVAPIPE, speed: { ...LAVAPIPE.speed, operations: 2.1e9 } };
    expect(stageOf(tiny, 'sft', slower).likely / stageOf(tiny, 'sft').likely).toBeCloseTo(2, 0);
  });

  it('is that of a kept run with the same work, a quarter more or less', () => {
    const kept = { config: { ...tiny, seed: 9 }, seconds: { warmup: 400, sft: 20 } };
    const told = runTimes(tiny, LAVAPIPE, { kept });
    expect(told.basis).toBe('same');
    const warmup = told.stages.find(({ name }) => name === 'warmup')!;
    expect([warmup.likely, warmup.low, warmup.high]).toEqual([
      expect.closeTo(400, 6),
      expect.closeTo(320, 6),
      expect.closeTo(500, 6),
    ]);
  });

  it('is corrected, stage by stage, by a kept run of other settings', () => {
    const kept = {
      config: applyDiff({ preset: 'tiny', version: 2 }, { 'sft.steps': 750 }),
      seconds: {
        sft: 4 * stageOf(applyDiff({ preset: 'tiny', version: 2 }, { 'sft.steps': 750 }), 'sft').likely,
      },
    };
    const told = runTimes(tiny, LAVAPIPE, { kept });
    expect(told.basis).toBe('kept');
    const [sft, warmup] = ['sft', 'warmup'].map((name) => told.stages.find((stage) => stage.name === name)!);
    expect(sft.likely / stageOf(tiny, 'sft').likely).toBeCloseTo(4, 6);
    expect(warmup.likely).toBeCloseTo(stageOf(tiny, 'warmup').likely, 6);
  });

  it('takes of several kept runs the one with the same work, then one of the same preset', () => {
    const small = { config: presetConfig({ preset: 'small', version: 2 }), seconds: { data: 1 } };
    const other = {
      config: applyDiff({ preset: 'tiny', version: 2 }, { 'sft.steps': 7 }),
      seconds: { data: 2 },
    };
    const same = { config: { ...tiny, seed: 3 }, seconds: { data: 3 } };
    expect(likest([small, other, same], tiny)).toBe(same);
    expect(likest([small, other], tiny)).toBe(other);
    expect(likest([small], tiny)).toBe(small);
    expect(likest([], tiny)).toBeNull();
  });

  it('is measured with a product as the model’s layers make them', () => {
    expect(measuredShape(tiny)).toMatchObject({ width: 48, columns: 192 });
  });
});
