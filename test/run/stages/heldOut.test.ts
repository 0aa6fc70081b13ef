import { describe, expect, it } from 'vitest';
import { targetItem } from '../../../src/data/dataset';
import { HeldOut } from '../../../src/run/heldOut';
import { evaluate } from '../../../src/run/stages/evaluate';
import { ctcvrOf, type Given, given, rewardOf, toolsOf } from './recorded';

/** A model that answers every prompt with one item. */
function always({ model, format }: Given, item: number): void {
  model.says = () => format.answer(item);
}

describe('held-out users', () => {
  it('are judged by their own rows of the ranker’s table: test users first, then validation users', async () => {
    const here = await given(() => {}, false);
    const { draw } = here.inputs.data;
    always(here, 3);
    const heldOut = new HeldOut(here.inputs, (await toolsOf('popo', here.config)).tools);
    const mean = (rows: number[]) => rows.reduce((sum, row) => sum + ctcvrOf(row, 3), 0) / rows.length;
    const { row: test } = await heldOut.testUsers('popo');
    expect(test.CTCVR).toBeCloseTo(mean(draw.test.map((_, row) => row)), 5);
    const { row: curve } = await heldOut.validationUsers('popo');
    expect(curve.CTCVR).toBeCloseTo(mean(draw.curve.map((_, row) => draw.test.length + row)), 5);
    expect(curve.CTCVR).not.toBeCloseTo(test.CTCVR, 5);
  });

  it('are judged by the world itself where it knows', async () => {
    const here = await given();
    const { draw, dataset } = here.inputs.data;
    always(here, 3);
    const heldOut = new HeldOut(here.inputs, (await toolsOf('popo', here.config)).tools);
    const truth = draw.test.map(({ user, position }) => dataset.oracle?.ctcvr(user, position, 3) ?? 0);
    const { row, outcomes } = await heldOut.testUsers('popo');
    expect(row.CTCVR).toBeCloseTo(truth.reduce((a, b) => a + b, 0) / truth.length, 6);
    expect(outcomes).toHaveLength(6 * draw.test.length);
  });

  it('are shown with the rewards of their own row, as the config pays them', async () => {
    const here = await given((config) => {
      config.popo.semantic_exponent = 3;
      config.popo.rewards = ['id', 'semantic'];
    });
    always(here, 5);
    const { tools, events } = await toolsOf('popo', here.config, { from: 2 });
    const { samples } = await new HeldOut(here.inputs, tools).validationUsers('popo');
    const { draw, dataset } = here.inputs.data;
    samples.forEach((sample, index) => {
      expect(sample).toMatchObject({
        sampleId: draw.curve[index].sampleId,
        stage: 'popo',
        step: 2,
        prompt: here.format.promptText(draw.curve[index]),
        resolvedItem: dataset.items[5].title,
        target: dataset.items[targetItem(dataset, draw.curve[index])].title,
      });
      expect(sample.rewards[0]).toBeCloseTo(rewardOf(draw.policy.length + index, 5), 7);
      expect(sample.rewards[1]).toBeCloseTo(0.5 ** 3, 7);
    });
    expect(events).toEqual(samples.map((sample) => ({ type: 'sample', sample })));
  });
});

describe('the stage evaluate', () => {
  it('judges the aligned model and counting on test users', async () => {
    const here = await given();
    always(here, 2);
    const { draw } = here.inputs.data;
    const { tools, events } = await toolsOf('evaluate', here.config, { steps: draw.test.length });
    const made = await evaluate.run(here.inputs, tools);
    expect(here.model.asked).toHaveLength(1);
    expect(here.model.asked[0].prompts).toEqual(draw.test.map((example) => here.format.prompt(example)));
    expect(made.judged?.row).toMatchObject({ stage: 'popo', distinct_top1: 1, users: draw.test.length });
    expect(made.counting.row).toMatchObject({ stage: 'counting', valid_rate: 1, users: draw.test.length });
    expect(made.counting.row.distinct_top1).toBeGreaterThan(1);
    expect(events.map(({ type }) => type)).toEqual(['metrics', 'counting']);
  });

  it('has no row of alignment where there was none', async () => {
    const here = await given(({ popo }) => Object.assign(popo, { steps: 0 }));
    const made = await evaluate.run(here.inputs, (await toolsOf('evaluate', here.config)).tools);
    expect(made.judged).toBeNull();
    expect(here.model.calls).toEqual([]);
    expect(evaluate.report?.(made).table).toEqual([]);
  });
});
