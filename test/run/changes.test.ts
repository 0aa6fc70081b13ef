import { describe, expect, it } from 'vitest';
import {
  changedAt,
  checkChanges,
  configAt,
  formatChanges,
  MOST_CHANGES,
  type RunChange,
  readChanges,
  weightingEdits,
  withEdits,
} from '../../src/run/changes';
import { formatLink, parseLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import { v1 } from '../v1';

const config = presetConfig(v1('tiny'));
const halved: RunChange = { stage: 'sft', step: 120, field: 'sft.learning_rate', from: 4e-3, to: 2e-3 };
const again: RunChange = { ...halved, step: 300, from: 2e-3, to: 1e-3 };
const policy: RunChange = { stage: 'popo', step: 0, field: 'popo.learning_rate', from: 7e-4, to: 3.5e-4 };
const all = [halved, again, policy];

describe('changes of a run', () => {
  it('hold from their step on, to the end of the run', () => {
    const rates = (stage: RunChange['stage'], step: number) => {
      const { sft, popo } = configAt(config, all, { stage, step });
      return [sft.learning_rate, popo.learning_rate];
    };
    expect(rates('orft', 500)).toEqual([4e-3, 7e-4]);
    expect(rates('sft', 119)).toEqual([4e-3, 7e-4]);
    expect(rates('sft', 120)).toEqual([2e-3, 7e-4]);
    expect(rates('sft', 1499)).toEqual([1e-3, 7e-4]);
    expect(rates('popo', 0)).toEqual([1e-3, 3.5e-4]);
    expect(config.sft.learning_rate).toBe(4e-3);
    expect(configAt(config, all, { stage: 'warmup', step: 3 })).toBe(config);
  });

  it('are read back from a link, and are no part of one without them', () => {
    const link = formatLink(config, null, null, all);
    expect(link).toContain(
      'changes=sft:120:sft.learning_rate:0.004:0.002;sft:300:sft.learning_rate:0.002:0.001;popo:0:popo.learning_rate:0.0007:0.00035',
    );
    expect(parseLink(link)).toMatchObject({ config, changes: all, problem: null });
    expect(formatLink(config, null, null, [])).toBe(formatLink(config, null, null));
    expect(readChanges(formatChanges(all), config)).toEqual(all);
  });

  it.each<[string, RegExp]>([
    ['sft:120:sft.learning_rate:0.004', /are not of the form stage:step:field:from:to/],
    ['sft:120:sft.learning_rate:0.004:0.002:9', /are not of the form/],
    ['sft:x:sft.learning_rate:0.004:0.002', /are not of the form/],
    ['', /are not of the form/],
    ['sft:120:sft.rate:0.004:0.002', /sft\.rate is not a field/],
    ['sft:120:sft.learning_rate:0.004:fast', /must be a number/],
    ['sft:120:sft.learning_rate:0.004:2', /sft\.learning_rate must be a number from 0 to 1/],
    ['sft:120:sft.learning_rate:0.005:0.002', /does not begin at the value/],
    ['sft:1500:sft.learning_rate:0.004:0.002', /step 1501, is beyond the stage's steps/],
    ['sft:120:popo.learning_rate:0.0007:0.0001', /is none that this stage can make/],
    ['lunch:0:sft.learning_rate:0.004:0.002', /is none that this stage can make/],
    ['sft:9:sft.learning_rate:0.004:0.002;sft:3:sft.learning_rate:0.002:0.001', /step 4, is out of order/],
  ])('that cannot be are refused: %s', (text, problem) => {
    expect(() => readChanges(text, config)).toThrow(problem);
    const opened = parseLink(`#run=1&preset=tiny&changes=${text}`);
    expect(opened.changes).toEqual([]);
    expect(opened.problem).toMatch(problem);
  });

  it('are made from a step on: what was said of the field for then or later is void', () => {
    const at = { stage: 'popo', step: 12 } as const;
    const run = { config, changes: all };
    const beta = withEdits(run, at, [{ field: 'popo.beta', to: 0.3 }]);
    expect(beta).toEqual([...all, { ...at, field: 'popo.beta', from: 0.1, to: 0.3 }]);
    // Said again for the same step, it begins where the field was before.
    const twice = withEdits({ config, changes: beta }, at, [{ field: 'popo.beta', to: 0.2 }]);
    expect(twice).toEqual([...all, { ...at, field: 'popo.beta', from: 0.1, to: 0.2 }]);
    expect(withEdits({ config, changes: twice }, at, [{ field: 'popo.beta', to: 0.1 }])).toEqual(all);
    // Earlier in the run: what was to come of this field goes, of another it stays.
    const later = { stage: 'popo', step: 30 } as const;
    const mixed = withEdits({ config, changes: beta }, later, [
      { field: 'popo.beta', to: 0 },
      { field: 'popo.temperature', to: 0.7 },
    ]);
    const earlier = { stage: 'popo', step: 5 } as const;
    expect(withEdits({ config, changes: mixed }, earlier, [{ field: 'popo.beta', to: 0.5 }])).toEqual([
      ...all,
      { ...earlier, field: 'popo.beta', from: 0.1, to: 0.5 },
      { ...later, field: 'popo.temperature', from: 1, to: 0.7 },
    ]);
  });

  it('set weights that a rule has moved, also to what the config says of them', () => {
    const at = { stage: 'popo', step: 3 } as const;
    const changes = withEdits({ config, changes: [] }, at, [
      { field: 'popo.reward_weights', to: [0.5, 0.5] },
    ]);
    expect(changes).toEqual([{ ...at, field: 'popo.reward_weights', from: [0.5, 0.5], to: [0.5, 0.5] }]);
    expect(changedAt(changes, at, 'popo.reward_weights')).toEqual([0.5, 0.5]);
    expect(changedAt(changes, { stage: 'popo', step: 4 }, 'popo.reward_weights')).toBeNull();
    expect(changedAt(changes, at, 'popo.beta')).toBeNull();
  });

  it('that cannot be made are refused whole, and nothing is changed', () => {
    const run = { config, changes: all };
    const edits = (field: 'popo.beta' | 'popo.min_weight' | 'popo.steps', to: number, step = 12) =>
      withEdits(run, { stage: 'popo', step }, [
        { field: 'popo.temperature', to: 0.7 },
        { field, to },
      ]);
    expect(() => edits('popo.min_weight', 0.6)).toThrow(/popo\.min_weight/);
    expect(() => edits('popo.steps', 5)).toThrow(/is none that this stage can make/);
    expect(() => edits('popo.beta', 0.5, config.popo.steps)).toThrow(/beyond the stage's steps/);
    expect(run.changes).toBe(all);
    expect(all).toHaveLength(3);
  });

  it('are at most so many', () => {
    const many = Array.from({ length: MOST_CHANGES + 1 }, (_, step) => ({
      ...halved,
      step,
      from: 4e-3,
      to: 4e-3,
    }));
    expect(() => checkChanges(config, many)).toThrow(/changes more than 48 times/);
    checkChanges(config, many.slice(1));
  });
});

it('to hold a reward names one that the run has, before the rule that holds it', () => {
  expect(weightingEdits('constraint', config)).toEqual([{ field: 'popo.weighting', to: 'constraint' }]);
  const without = structuredClone(config);
  Object.assign(without.popo, { rewards: ['id', 'format'], reward_weights: [0.5, 0.5] });
  expect(weightingEdits('fixed', without)).toEqual([{ field: 'popo.weighting', to: 'fixed' }]);
  const edits = weightingEdits('constraint', without);
  const changed = withEdits({ config: without, changes: [] }, { stage: 'popo', step: 3 }, edits);
  expect(changed.map(({ field, to }) => [field, to])).toEqual([
    ['popo.constrained', 'id'],
    ['popo.weighting', 'constraint'],
  ]);
});
