/** What tables and lists say of results, apart from how they look. */
import { expect, it } from 'vitest';
import { changeText, controlVerdict, toneOf } from '../../src/app/results/change';
import { type ComparedRun, differingSettings, finalRow } from '../../src/app/results/comparison';
import { metricsFor } from '../../src/app/results/table';
import { shownExamples } from '../../src/app/run/orftExamples';
import { changedWords, sampleOrder } from '../../src/app/run/sampleOrder';
import { nameInWords, runName } from '../../src/app/words/runNames';
import { catalogueSize } from '../../src/run/catalogueSize';
import { presetConfig } from '../../src/run/presets';
import type { Sample } from '../../src/run/report';
import type { CotExample } from '../../src/sft/orft';

const tiny = () => presetConfig({ preset: 'tiny', version: 1 });

it('colours a change by its interval, never by its sign, and writes what rounds to nothing without one', () => {
  expect(toneOf({ low: 0.001, high: 0.2 })).toBe('up');
  expect(toneOf({ low: -0.001, high: 0.2 })).toBe('faint');
  expect(toneOf({ low: 0, high: 0.2 })).toBe('faint');
  expect(toneOf({ low: -0.2, high: -0.001 })).toBe('down');
  expect([changeText(0.0242), changeText(-0.3), changeText(-0.0004), changeText(0.00044, 4)]).toEqual([
    '+.024',
    '−.300',
    '±.000',
    '+.0004',
  ]);
});

it('says of a control that gains that it does', () => {
  expect(controlVerdict({ low: 0.001, high: 0.003 })).toBe('gains');
  expect(controlVerdict({ low: -0.003, high: -0.001 })).toBe('loses');
  expect(controlVerdict({ low: -0.001, high: 0.003 })).toBe('nothing');
});

it('leaves out the nearest K titles of a catalogue of no more than K', () => {
  const nearest = (items: number) =>
    metricsFor(items).flatMap(({ key }) => (key.startsWith('Title') ? [key.slice(-3)] : []));
  expect(nearest(101)).toEqual(['@25', '@50', '100']);
  expect(nearest(100)).toEqual(['@25', '@50']);
  expect(nearest(40)).toEqual(['@25']);
  // Not known: nothing is left out.
  expect(nearest(0)).toEqual(['@25', '@50', '100']);
  const config = tiny();
  const { num_l1, items_per_l3 } = config.data;
  expect(catalogueSize(config, 7)).toBe(16 * num_l1 * items_per_l3);
  config.data.source = 'import';
  expect(catalogueSize(config, 7)).toBe(7);
});

const sample = (sampleId: string, stage: Sample['stage'], completion: string, resolvedItem = completion) =>
  ({ sampleId, stage, completion, resolvedItem }) as Sample;

it('shows those first whose item alignment changed, then those whose words it changed', () => {
  const samples = [
    ...['same', 'words', 'item', 'waits'].map((id) => sample(id, 'sft', 'a', 'a')),
    sample('same', 'popo', 'a', 'a'),
    sample('words', 'popo', 'b', 'a'),
    sample('item', 'popo', 'b', 'b'),
  ];
  const order = sampleOrder(samples);
  expect(order.map(({ id }) => id)).toEqual(['item', 'words', 'waits', 'same']);
  expect(changedWords(order)).toBe(
    'Alignment changed the item for 1 of the 3 shown, and only the words for 1; those come first.',
  );
  expect(changedWords(order.slice(2))).toBe('Alignment changed none of the 1 shown.');
  expect(changedWords(sampleOrder(samples.slice(0, 4)))).toBeNull();
});

it('shows arguments of one prompt beside each other under a margin, and says where perplexities cross', () => {
  const cot = (sampleId: string, text: string, ppl: number, kept: boolean): CotExample => {
    return { sampleId, cot: text, ppl, kept };
  };
  const examples = [
    cot('easy', 'a', 1.1, true),
    cot('hard', 'b', 9, true),
    cot('hard', 'c', 40, false),
    cot('other', 'd', 3, false),
  ];
  const shown = shownExamples(examples, 'margin');
  expect(shown.kept.map((each) => each.cot)).toEqual(['b', 'a']);
  expect(shown.rejected.map((each) => each.cot)).toEqual(['c', 'd']);
  expect(shown.note).toContain('some prompts are harder');
  const cut = shownExamples([examples[0], examples[2]], 'median');
  expect(cut.note).toBeNull();
});

it('names a run by what differs from its preset, by its fork, and as a person calls it', () => {
  const config = tiny();
  expect(nameInWords({ config })).toBe('tiny as it is');
  config.seed = 9;
  Object.assign(config.popo, { steps: 200, rewards: ['id'], reward_weights: [1] });
  expect(
    nameInWords({
      config: { ...tiny(), kernels: 'tiled' },
      fork: { of: 'y', stage: 'popo', step: 0 },
    }),
  ).toBe('tiny as it is; begun at alignment');
  expect(nameInWords({ config: { ...tiny(), kernels: 'tiled-f16' } })).toBe(
    'tiny: kernels of the GPU tiled-f16, not auto',
  );
  const fork = { of: 'x', stage: 'popo', step: 12 } as const;
  expect(nameInWords({ config, fork })).toBe(
    'tiny: seed 9, not 1, steps of alignment 200, not 60, rewards id, not semantic and id and 1 more difference; forked at step 12 of alignment',
  );
  const leash = { stage: 'popo', step: 4, field: 'popo.beta', from: 0.1, to: 0.3 } as const;
  const drawn = { ...leash, step: 9, field: 'popo.temperature', from: 1, to: 0.7 } as const;
  expect(nameInWords({ config: tiny(), fork, changes: [leash] })).toBe(
    'tiny as it is; forked at step 12 of alignment; leash to the fine-tuned model 0.3 from step 5 on',
  );
  expect(nameInWords({ config: tiny(), changes: [leash, drawn] })).toBe(
    'tiny as it is; changed 2 times on the way, last: temperature of sampled answers 0.7 from step 10 on',
  );
  expect(runName({ config, note: { name: 'taste only', text: '' } })).toBe('taste only');
  expect(runName({ config: tiny(), note: { name: '', text: 'a thought' } })).toBe('tiny as it is');
});

it('tells of runs only what differs, and the last row of each with its interval', () => {
  const run = (id: string, seed: number, changes: ComparedRun['report']['changes'] = []): ComparedRun => {
    const row = { Category_L3_ACC: 0.5, 'Title_Hit-Rate@50': 0.6, exact_title_rate: 0, valid_rate: 1 };
    const table = [{ stage: 'sft' }, { stage: 'popo', users: 100, CTCVR: 0.25, ...row }];
    const spreads = [{ stage: 'popo', ctcvr: { low: 0.2, high: 0.3 }, from: 'sft', changes: {} }];
    const report = { table, spreads, changes, stages: [], device: {} } as unknown as ComparedRun['report'];
    return { id, label: id, config: { ...tiny(), seed }, report };
  };
  const change = { stage: 'popo', step: 4, field: 'popo.beta', from: 0, to: 0.1 } as const;
  expect(differingSettings([run('a', 1), run('b', 1)])).toEqual([]);
  expect(differingSettings([run('a', 1), run('b', 2, [change])])).toEqual([
    { path: 'seed', label: 'Seed', values: ['1', '2'] },
    {
      path: 'changes on the way',
      label: null,
      values: ['none', 'leash to the fine-tuned model 0.1 from step 5 on'],
    },
  ]);
  const last = finalRow(run('a', 1))!;
  expect([last.stage, last.users]).toEqual(['popo', 100]);
  const [l3, , exact, ctcvr, valid] = last.values;
  // Wilson's interval of 50 of 100.
  expect([l3.low.toFixed(3), l3.high.toFixed(3)]).toEqual(['0.404', '0.596']);
  expect(exact.high).toBeGreaterThan(0.03);
  expect(ctcvr).toEqual({ mean: 0.25, low: 0.2, high: 0.3 });
  expect(valid.low).toBeLessThan(0.97);
});
