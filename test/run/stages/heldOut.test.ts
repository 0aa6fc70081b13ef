import { describe, expect, it } from 'vitest';
import { rowLabel } from '../../../src/app/words/runWords';
import { tableText } from '../../../src/commands/reportText';
import { targetItem } from '../../../src/data/dataset';
import { HeldOut } from '../../../src/run/heldOut';
import { evaluate } from '../../../src/run/stages/evaluate';
import { popo } from '../../../src/run/stages/popo';
import { AttributesTeacher } from '../../../src/sft/teacher';
import { answerOf, ctcvrOf, type Given, given, rewardOf, toolsOf } from './recorded';

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

  it('cannot be judged where neither the world nor a table knows', async () => {
    const here = await given(() => {}, false);
    always(here, 3);
    here.inputs.ranker.ctcvr = null;
    const heldOut = new HeldOut(here.inputs, (await toolsOf('popo', here.config)).tools);
    await expect(heldOut.testUsers('popo')).rejects.toThrow(/no table of CTCVR: train again/);
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

describe('what is told of held-out users', () => {
  it('is the row of the table, with samples of validation users, after a stage that trains', async () => {
    const here = await given();
    always(here, 0);
    const { tools, events } = await toolsOf('sft', here.config, { steps: 5 });
    const { judged, samples } = await new HeldOut(here.inputs, tools).afterStage('sft');
    expect(events.at(-1)).toEqual({ type: 'metrics', row: judged.row, step: 5 });
    expect(samples[0].resolvedItem).toBe(here.dataset.items[0].title);
    here.model.says = () => [here.inputs.tokenizer.tokenizer.special.endAnswer];
    const lost = await new HeldOut(here.inputs, tools).validationUsers('sft');
    expect(lost.samples.map(({ resolvedItem }) => resolvedItem)).toEqual(lost.samples.map(() => null));
  });

  it('shows the same six users, where there are as many', async () => {
    const here = await given(({ evaluate }) => Object.assign(evaluate, { curve_users: 8 }));
    const heldOut = new HeldOut(here.inputs, (await toolsOf('popo', here.config)).tools);
    expect((await heldOut.validationUsers('popo')).samples).toHaveLength(6);
  });

  it('is a mean of losses per token', async () => {
    const here = await given();
    const { draw } = here.inputs.data;
    const [first, second] = draw.curve;
    const known = here.format.example(first, null).tokens.join(' ');
    here.model.logp = (row) => (row.join(' ') === known ? -1 : -4);
    const heldOut = new HeldOut(here.inputs, (await toolsOf('warmup', here.config)).tools);
    const rows = [first, second].map((example) => ({ example, cot: null }));
    expect(await heldOut.answerLoss(rows, 'before')).toBeCloseTo(2.5, 6);
  });

  it('counts towards progress after the steps that train, not in the midst of them', async () => {
    const here = await given();
    const progress = async (name: 'sft' | 'popo' | 'evaluate', at: number) => {
      const { tools } = await toolsOf(name, here.config, { from: at, steps: 5 });
      const told: [number, number][] = [];
      const onProgress = (done: number, total: number) => void told.push([done, total]);
      const hooks = { ...tools.hooks, onProgress };
      await new HeldOut(here.inputs, { ...tools, hooks }).testUsers(name);
      return told.at(-1) ?? null;
    };
    const twice = 2 * here.inputs.data.draw.test.length;
    expect(await progress('sft', 5)).toEqual([5 + twice, 5 + twice]);
    expect(await progress('popo', 2)).toBeNull();
    expect(await progress('evaluate', 0)).toEqual([twice, twice]);
  });
});

/** What evaluate gets where the last model is handed over. */
const aligned = ({ inputs, config }: Given) => ({ ...inputs, popo: popo.begin(config) });

describe('the stage evaluate', () => {
  it('judges the aligned model and counting on test users', async () => {
    const here = await given();
    always(here, 2);
    const { draw } = here.inputs.data;
    const { tools, events } = await toolsOf('evaluate', here.config, { steps: draw.test.length });
    const made = await evaluate.run(aligned(here), tools);
    expect(here.model.asked).toHaveLength(1);
    expect(here.model.asked[0].prompts).toEqual(draw.test.map((example) => here.format.prompt(example)));
    expect(made.judged?.row).toMatchObject({ stage: 'popo', distinct_top1: 1, users: draw.test.length });
    expect(made.counting.row).toMatchObject({ stage: 'counting', valid_rate: 1, users: draw.test.length });
    expect(made.counting.row.distinct_top1).toBeGreaterThan(1);
    // Counting is the embedded teacher, not told and at its best, and what training users buy most of the need.
    const options = { told: false, historyLength: here.config.text.history_length, temperature: 0 };
    const teacher = new AttributesTeacher(here.dataset, options, here.config.seed);
    const bought = new Uint32Array(here.dataset.items.length);
    for (const example of here.dataset.splits.train) bought[targetItem(here.dataset, example)]++;
    const right = draw.test.filter((example) => {
      const [item, target] = [teacher.recommend(example, bought), targetItem(here.dataset, example)];
      return here.dataset.items[item].categories[2] === here.dataset.items[target].categories[2];
    });
    expect(made.counting.row.Category_L3_ACC).toBeCloseTo(right.length / draw.test.length, 9);
    expect(events.map(({ type }) => type)).toEqual(['metrics', 'counting']);
  });

  it('has a row of the best and one of the last, and leaves the model that is handed over', async () => {
    const here = await given(({ popo }) => Object.assign(popo, { keep: 'best' }));
    // The last model answers nothing that can be read.
    here.model.version = 4;
    here.model.says = () => (here.model.version === 4 ? answerOf(here, here.inputs.data.draw.test[0]) : [1]);
    const { tools, events } = await toolsOf('evaluate', here.config);
    const inputs = aligned(here);
    Object.assign(inputs.popo, {
      best: { step: 1, score: 0.5, parameters: null },
      last: Float32Array.of(9),
    });
    const made = await evaluate.run(inputs, tools);
    expect(made.judged?.row).toMatchObject({ stage: 'popo', step: 1, valid_rate: 1 });
    expect(made.last?.row).toMatchObject({ stage: 'popo-last', step: 3, valid_rate: 0 });
    expect(here.model.version).toBe(4);
    expect(evaluate.report?.(made).table?.map(({ stage }) => stage)).toEqual(['popo', 'popo-last']);
    const rows = events.flatMap((event) => (event.type === 'metrics' ? [event.row.stage] : []));
    expect(rows).toEqual(['popo', 'popo-last']);
    expect(rowLabel(made.last!.row, here.config)).toBe('Alignment, last (step 3)');
    expect(tableText([made.judged!.row]).split('\n')[1]).toMatch(/^popo \(step 1\)/);
  });

  it('has no row of alignment where there was none', async () => {
    const here = await given(({ popo }) => Object.assign(popo, { steps: 0 }));
    const made = await evaluate.run(aligned(here), (await toolsOf('evaluate', here.config)).tools);
    expect(made.judged).toBeNull();
    expect(here.model.calls).toEqual([]);
    expect(evaluate.report?.(made).table).toEqual([]);
  });
});
