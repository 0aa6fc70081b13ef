import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { StoppedError } from '../../../src/control/hooks';
import { targetItem } from '../../../src/data/dataset';
import { needsOf } from '../../../src/data/needs';
import { Random } from '../../../src/numeric/random';
import { camelCased } from '../../../src/run/camelCase';
import type { StageTools } from '../../../src/run/stage';
import type { Kept } from '../../../src/run/stages/orft';
import { orft } from '../../../src/run/stages/orft';
import { rupr, type Taught } from '../../../src/run/stages/rupr';
import { bestArguments, sft } from '../../../src/run/stages/sft';
import { warmup } from '../../../src/run/stages/warmup';
import { formatCots } from '../../../src/sft/cotFile';
import { learningRateAt } from '../../../src/sft/schedule';
import { AttributesTeacher, needSentence } from '../../../src/sft/teacher';
import { packedRows } from '../../../src/sft/warmup';
import { cutAt } from './cut';
import { answerOf, type Given, given, toolsOf } from './recorded';

async function taught({ config, inputs }: Given): Promise<Taught> {
  return rupr.run(inputs, (await toolsOf('rupr', config)).tools);
}

/** Rows that the model was trained on, as text, each once. */
function learnt({ model, format }: Given): Set<string> {
  return new Set(model.trained.flatMap(({ rows }) => rows.map((row) => format.tokenizer.decode(row))));
}

function sequenceOf({ inputs, format }: Given, { cots }: Taught, index: number, withCot = true): string {
  const example = inputs.data.draw.prompts[cots[index].example];
  return format.tokenizer.decode(format.example(example, withCot ? cots[index].text : null).tokens);
}

const OPTIMIZER = { beta1: 0.8, beta2: 0.95, eps: 1e-7, weight_decay: 0.03, max_grad_norm: 0.7 };

describe('every supervised stage', () => {
  it('trains with the optimizer that the config names, at its own rate, length and batch size', async () => {
    const here = await given((changed) => {
      Object.assign(changed.optimizer, OPTIMIZER);
      changed.warmup.learning_rate = 0.007;
      Object.assign(changed.sft, { learning_rate: 0.002, batch_size: 3 });
    });
    const { config, model, inputs } = here;
    const cots = await taught(here);
    const expected = (steps: number, learningRate: number) =>
      Array.from({ length: steps }, (_, step) => ({
        step: step + 1,
        learningRate: learningRateAt({ learningRate, steps }, step),
        beta1: 0.8,
        beta2: 0.95,
        eps: 1e-7,
        weightDecay: 0.03,
        maxGradNorm: 0.7,
      }));
    const rows: number[] = [];
    const hyper = () => {
      rows.push(...new Set(model.trained.map((step) => step.rows.length)));
      return model.trained.splice(0).map((step) => step.hyper);
    };
    const { steps } = config.warmup;
    await warmup.run(inputs, (await toolsOf('warmup', config, { steps })).tools, warmup.begin(config));
    expect(hyper()).toEqual(expected(6, 0.007));
    const kept = await filtered({ ...inputs, rupr: cots }, (await toolsOf('orft', config)).tools);
    expect(hyper()).toEqual(expected(2, 0.002));
    const tools = (await toolsOf('sft', config, { steps: 5 })).tools;
    await sft.run({ ...inputs, rupr: cots, orft: kept }, tools, sft.begin(config));
    expect(hyper()).toEqual(expected(5, 0.002));
    // Of CoTs as many as SFT's batches have, in both stages that learn them.
    expect(rows).toEqual([inputs.tokenizer.warmupRows, 3, 3]);
  });
});

/** ORFT from its beginning to what it opens. */
async function filtered(inputs: Parameters<typeof orft.run>[0], tools: StageTools): Promise<Kept> {
  const made = orft.begin(tools.config);
  await orft.run(inputs, tools, made);
  // What it no longer needs is not in later checkpoints.
  expect(made.backbone).toBeNull();
  return orft.open(made, inputs, tools);
}

describe('a supervised stage', () => {
  it('draws its batches by the seed, and nothing else does', async () => {
    /** What each stage learns, of the same data, by the seeds of its config. */
    const learntBy = async (seed: number) => {
      const here = await given();
      const { model, inputs } = here;
      const cots = await taught(here);
      const config = { ...here.config, seed };
      const rows = () => JSON.stringify(model.trained.splice(0).map((step) => step.rows));
      await warmup.run(inputs, (await toolsOf('warmup', config, { steps: 6 })).tools, warmup.begin(config));
      const warm = rows();
      const kept = await filtered({ ...inputs, rupr: cots }, (await toolsOf('orft', config)).tools);
      const scorer = rows();
      const all = { kept: cots.cots.map((_, index) => index), report: kept.report };
      const { tools } = await toolsOf('sft', config, { steps: 5 });
      await sft.run({ ...inputs, rupr: cots, orft: all }, tools, sft.begin(config));
      const told = await rupr.run(inputs, (await toolsOf('rupr', config)).tools);
      return { warm, scorer, tuned: rows(), told: told.cots.map(({ text }) => text).join('|') };
    };
    const [first, same, other] = [await learntBy(5), await learntBy(5), await learntBy(8)];
    expect(same).toEqual(first);
    for (const what of ['warm', 'scorer', 'tuned', 'told'] as const)
      expect(other[what], what).not.toBe(first[what]);
  });

  it('keeps and tells every loss, and how far it is', async () => {
    const here = await given();
    const { tools, events } = await toolsOf('warmup', here.config, { steps: 6 });
    const progress: number[][] = [];
    const onProgress = (done: number, total: number) => {
      if (total === 6) progress.push([done, here.model.trained.length]);
    };
    const hooks = { ...tools.hooks, onProgress };
    await warmup.run(here.inputs, { ...tools, hooks }, warmup.begin(here.config));
    expect(progress.map(([done]) => done)).toEqual([1, 2, 3, 4, 5, 6]);
    const losses = [1, 2, 3, 4, 5, 6].map((step) => 1 / step);
    expect(tools.own.loss).toEqual(losses);
    expect(tools.at()).toBe(6);
    const told = events.flatMap((event) => (event.type === 'loss' ? [[event.step, event.loss]] : []));
    expect(told).toEqual(losses.map((loss, step) => [step, loss]));
  });

  it('is not done when it was stopped, and keeps the steps that it took', async () => {
    const here = await given();
    const { tools } = await toolsOf('warmup', here.config, { steps: 6 });
    const made = warmup.begin(here.config);
    let left = 2;
    const gate = async () => (left-- > 0 ? ('go' as const) : ('stop' as const));
    await expect(warmup.run(here.inputs, { ...tools, gate }, made)).rejects.toThrow(StoppedError);
    expect(tools.own.loss).toEqual([1, 1 / 2]);
    expect(tools.at()).toBe(2);
    expect(made.judged).toBeNull();
  });

  it('measures before it trains, and after', async () => {
    const here = await given();
    here.model.logp = () => -1 - here.model.version;
    const { tools } = await toolsOf('warmup', here.config, { steps: 6 });
    await warmup.run(here.inputs, tools, warmup.begin(here.config));
    expect(tools.own.heldOutLoss).toEqual([1, 7]);
    const cots = await taught(here);
    const next = (await toolsOf('sft', here.config, { steps: 5 })).tools;
    const inputs = { ...here.inputs, rupr: cots, orft: { kept: [0], report: {} as Kept['report'] } };
    await sft.run(inputs, next, sft.begin(here.config));
    expect(next.own.heldOutLoss).toEqual([7, 12]);
  });

  it.each(['loss', 'gradNorm'] as const)(
    'stops at a %s that is no number, and says what to do',
    async (what) => {
      const here = await given();
      const train = here.model.trainStep.bind(here.model);
      here.model.trainStep = async (batches, hyper) => {
        const metrics = await train(batches, hyper);
        return here.model.trained.length < 3 ? metrics : { ...metrics, [what]: Number.NaN };
      };
      const { tools } = await toolsOf('warmup', here.config, { steps: 6 });
      const run = warmup.run(here.inputs, tools, warmup.begin(here.config));
      await expect(run).rejects.toThrow(/Step 3 of warmup is not finite.*Lower warmup.learning_rate/);
      expect(tools.own.loss).toHaveLength(2);
    },
  );
});

describe('the stage warmup', () => {
  it('resets the optimizer, measures, trains, measures, and judges test users, then validation users', async () => {
    const here = await given();
    const { config, model, inputs, format } = here;
    const { draw } = inputs.data;
    const { tools } = await toolsOf('warmup', config, { steps: 6 });
    const made = warmup.begin(config);
    await warmup.run(inputs, tools, made);
    const once = model.calls.filter((call, index) => call !== model.calls[index - 1]);
    expect(once).toEqual(['reset', 'score', 'train', 'score', 'generate', 'score', 'generate', 'score']);
    // Asked the way the stage trains: no reasoning before the answer.
    const plain = draw.curve.map((example) => [...format.prompt(example), ...answerOf(here, example)]);
    expect(model.scored[0]).toEqual(plain);
    expect(tools.own.heldOutLoss).toHaveLength(2);
    expect(model.asked[0].prompts).toEqual(draw.test.map((example) => format.prompt(example)));
    expect(model.asked[1].prompts).toEqual(draw.curve.map((example) => format.prompt(example)));
    expect(model.asked[0].temperature).toBe(0);
    expect(made.judged?.row).toMatchObject({ stage: 'warmup', users: draw.test.length });
    expect(made.samples.map(({ sampleId }) => sampleId)).toEqual(draw.curve.map(({ sampleId }) => sampleId));
  });

  it('learns from training users and packed sentences, other ones at each step', async () => {
    const here = await given();
    const { config, model, inputs, format, dataset } = here;
    await warmup.run(inputs, (await toolsOf('warmup', config, { steps: 6 })).tools, warmup.begin(config));
    const rows = config.warmup.batch_size + packedRows(format, camelCased(config.warmup));
    const known = new Set(
      dataset.splits.train.map((example) => format.example(example, null).tokens.join(' ')),
    );
    for (const { rows: batch } of model.trained) {
      expect(batch).toHaveLength(rows);
      for (const row of batch.slice(0, config.warmup.batch_size)) expect(known.has(row.join(' '))).toBe(true);
    }
    expect(new Set(model.trained.map(({ rows: batch }) => batch.join('|'))).size).toBe(6);
  });

  it('goes on from a step without starting over', async () => {
    const whole = await given();
    const { config } = whole;
    await warmup.run(
      whole.inputs,
      (await toolsOf('warmup', config, { steps: 6 })).tools,
      warmup.begin(config),
    );
    const rest = await given();
    const { tools } = await toolsOf('warmup', config, { from: 4, steps: 6 });
    await warmup.run(rest.inputs, tools, warmup.begin(config));
    expect(rest.model.calls).not.toContain('reset');
    expect(rest.model.trained).toEqual(whole.model.trained.slice(4));
    expect(tools.own.heldOutLoss[0]).toBeUndefined();
  });
});

describe('the stage rupr', () => {
  it('asks the teacher for k CoTs of each taught prompt, told or not', async () => {
    const here = await given();
    const told = await taught(here);
    expect(told.cots).toHaveLength(here.config.rupr.prompts * here.config.rupr.num_cots);
    expect(told.counts).toMatchObject({ wanted: 12, kept: 12 });
    expect(told.cots.map(({ sampleId }) => sampleId)).toEqual(
      here.inputs.data.draw.prompts.flatMap(({ sampleId }) => [sampleId, sampleId]),
    );
    const untold = await taught(await given(({ rupr }) => Object.assign(rupr, { told: false })));
    expect(untold.cots.map(({ text }) => text)).not.toEqual(told.cots.map(({ text }) => text));
    const cooler = await taught(await given(({ rupr }) => Object.assign(rupr, { temperature: 0 })));
    expect(cooler.cots.map(({ text }) => text)).not.toEqual(told.cots.map(({ text }) => text));
  });

  it('names the CoTs of another teacher in the config, and keeps them', async () => {
    const here = await given();
    const own = await taught(here);
    const jsonl = own.cots.map(({ sampleId, text }) => JSON.stringify({ sampleId, cot: text })).join('\n');
    const config = structuredClone(here.config);
    Object.assign(config.rupr, { teacher: 'file', cots_sha256: 'a'.repeat(64) });
    const { tools, events, settled } = await toolsOf('rupr', config);
    const teaching = { ...tools.teaching, loadCots: async () => jsonl };
    const read = await rupr.run(here.inputs, { ...tools, teaching });
    expect(read.cots.map(({ text }) => text)).toEqual(own.cots.map(({ text }) => text));
    expect(events.at(-1)).toEqual({ type: 'teacher', counts: read.counts });
    // They are named already.
    expect(settled).toEqual([]);
  });
});

describe('the stage rupr, of an endpoint', () => {
  it('keeps the CoTs that it got, and goes on with a config that names them', async () => {
    const here = await given();
    const asked = { teacher: 'openai', url: 'http://127.0.0.1:9/v1', model: 'm', told: false } as const;
    const config = { ...here.config, rupr: { ...here.config.rupr, ...asked } };
    // Every answer came in an earlier session.
    const answers = here.inputs.data.draw.prompts.flatMap(({ sampleId }) =>
      Array.from({ length: config.rupr.num_cots }, (_, sample) =>
        JSON.stringify({ sampleId, sample, content: `<think>for ${sample}</think><answer>any</answer>` }),
      ),
    );
    const kept: [string, string][] = [];
    const { tools, settled } = await toolsOf('rupr', config);
    const teaching = {
      ...tools.teaching,
      readAnswers: async () => answers,
      keepCots: async (hash: string, lines: string) => void kept.push([hash, lines]),
    };
    const { cots } = await rupr.run(here.inputs, { ...tools, teaching });
    expect(cots).toHaveLength(answers.length);
    const lines = formatCots(cots.map(({ sampleId, text }) => ({ sampleId, cot: text })));
    const cots_sha256 = createHash('sha256').update(lines).digest('hex');
    expect(kept).toEqual([[cots_sha256, lines]]);
    expect(settled).toEqual([{ ...config, rupr: { ...config.rupr, cots_sha256 } }]);
    expect(config.rupr.cots_sha256).toBe('');
  });
});

describe('the stage orft', () => {
  /** CoTs that end with an odd letter read worse. */
  async function judged(threshold: Given['config']['orft']['threshold']) {
    const here = await given(({ orft }) => Object.assign(orft, { threshold }));
    const cots = await taught(here);
    const { model, inputs, config } = here;
    const surprise = (text: string) => 0.1 + new Random(1, text).uniform();
    const of = new Map(
      cots.cots.map(({ text }, index) => [sequenceOf(here, cots, index), surprise(text)] as const),
    );
    model.logp = (row) => -(of.get(here.format.tokenizer.decode(row)) ?? 9);
    model.version = 41;
    const { tools, events } = await toolsOf('orft', config, { steps: config.orft.scorer_steps });
    const made = await filtered({ ...inputs, rupr: cots }, tools);
    const nll = cots.cots.map((_, index) => of.get(sequenceOf(here, cots, index)) ?? 9);
    return { here, cots, made, events, nll };
  }

  it('tunes a copy of the backbone on all CoTs, scores each, and puts the backbone back', async () => {
    const { here, cots, made } = await judged('median');
    const { model } = here;
    const once = model.calls.filter((call, index) => call !== model.calls[index - 1]);
    expect(once).toEqual(['snapshot', 'reset', 'train', 'score', 'snapshot', 'restore']);
    expect(model.restored[0].parameters[0]).toBe(41);
    expect(model.version).toBe(41);
    const all = new Set(cots.cots.map((_, index) => sequenceOf(here, cots, index)));
    for (const text of learnt(here)) expect(all.has(text)).toBe(true);
    const scored = model.scored.flat().map((row) => here.format.tokenizer.decode(row));
    expect(scored.slice(0, cots.cots.length)).toEqual(cots.cots.map((_, i) => sequenceOf(here, cots, i)));
    expect(made.report.scored).toBe(cots.cots.length);
  });

  it('goes on in the middle of scoring: no CoT is scored twice, and the outcome is the same', async () => {
    const whole = await judged('median');
    const { here, cots } = whole;
    const { model, inputs, config } = here;
    const steps = config.orft.scorer_steps;
    model.scored.length = 0;
    model.trained.length = 0;
    const { result } = await cutAt([1], async (hooks) => {
      const { tools } = await toolsOf('orft', config, { steps, from: steps });
      const made = { backbone: Float32Array.of(41), result: null };
      await orft.run({ ...inputs, rupr: cots }, { ...tools, hooks }, made);
      return orft.open(made, { ...inputs, rupr: cots }, tools) as Kept;
    });
    expect(model.trained).toEqual([]);
    expect(model.scored.flat().map((row) => here.format.tokenizer.decode(row))).toEqual(
      cots.cots.map((_, index) => sequenceOf(here, cots, index)),
    );
    expect(result.kept).toEqual(whole.made.kept);
    expect(model.restored.at(-1)?.parameters).toEqual(Float32Array.of(41));
  });

  it('keeps the CoTs of low perplexity, and names them by their indices', async () => {
    const { made, nll, events } = await judged('median');
    const limit = [...nll].sort((a, b) => a - b)[Math.floor((nll.length - 1) / 2)];
    expect(made.kept).toEqual(nll.flatMap((value, index) => (value <= limit + 1e-6 ? [index] : [])));
    expect(made.kept.length).toBeLessThan(nll.length);
    expect(made.report.examples.map(({ kept }) => kept)).toEqual(nll.map((_, i) => made.kept.includes(i)));
    made.report.examples.forEach(({ ppl }, index) => {
      expect(ppl).toBeCloseTo(Math.exp(nll[index]), 4);
    });
    expect(events).toContainEqual(expect.objectContaining({ type: 'cots', kept: made.kept.length }));
  });

  it('takes the threshold that the config names', async () => {
    const all = await judged('none');
    expect(all.made.kept).toHaveLength(12);
    // JSON has no Infinity: the largest perplexity says as much.
    expect(all.made.report.threshold).toBeCloseTo(Math.exp(Math.max(...all.nll)), 4);
    const { popo } = all.here.config;
    expect(all.here.model.scored[0]).toHaveLength(popo.prompts_per_step * popo.num_generations);
    const { made, nll } = await judged(1.5);
    expect(made.kept).toEqual(nll.flatMap((value, index) => (Math.exp(value) < 1.5 ? [index] : [])));
    expect(made.report.threshold).toBe(1.5);
  });
});

describe('the stage sft', () => {
  const KEPT = [1, 4, 7];

  async function tuned(withCot: boolean, from = 0) {
    const here = await given((config) => {
      config.sft.cot = withCot;
      config.sft.steps = 9;
      config.seed = 11;
    });
    const cots = await taught(here);
    const kept: Kept = { kept: KEPT, report: {} as Kept['report'] };
    const { tools } = await toolsOf('sft', here.config, { from, steps: 9 });
    const made = sft.begin(here.config);
    await sft.run({ ...here.inputs, rupr: cots, orft: kept }, tools, made);
    return { here, cots, made };
  }

  it('resets the optimizer first, and learns the kept CoTs, each of them and no other', async () => {
    const { here, cots, made } = await tuned(true);
    expect(here.model.calls[0]).toBe('reset');
    expect(learnt(here)).toEqual(new Set(KEPT.map((index) => sequenceOf(here, cots, index))));
    expect(made.judged?.row.stage).toBe('sft');
  });

  it('learns answers alone where asked, of the same prompts', async () => {
    const { here, cots } = await tuned(false);
    const expected = new Set(KEPT.map((index) => sequenceOf(here, cots, index, false)));
    expect(learnt(here)).toEqual(expected);
    expect(expected).not.toEqual(new Set(KEPT.map((index) => sequenceOf(here, cots, index))));
  });

  it('is asked as it trains: after right arguments with reasoning, at once without', async () => {
    const { here } = await tuned(true);
    const { draw } = here.inputs.data;
    const best = bestArguments(here.dataset, draw.curve, here.config);
    const rows = best.map(({ example, cot }) => here.format.example(example, cot).tokens);
    expect(here.model.scored[0].slice(0, rows.length)).toEqual(rows);
    const without = await tuned(false);
    expect(without.here.model.scored[0]).toEqual(
      draw.curve.map((example) => without.here.format.example(example, null).tokens),
    );
  });

  it('goes on from a step with the same batches, without a reset', async () => {
    const whole = await tuned(true);
    const rest = await tuned(true, 6);
    expect(rest.here.model.calls).not.toContain('reset');
    expect(rest.here.model.trained).toEqual(whole.here.model.trained.slice(6));
  });

  it('says so when nothing was kept', async () => {
    const here = await given();
    const none: Kept = { kept: [], report: {} as Kept['report'] };
    const { tools } = await toolsOf('sft', here.config);
    const inputs = { ...here.inputs, rupr: await taught(here), orft: none };
    await expect(sft.run(inputs, tools, sft.begin(here.config))).rejects.toThrow(
      /no CoT passed orft.threshold/,
    );
  });
});

describe('the best arguments', () => {
  it('conclude what was bought, for held-out users', async () => {
    const { dataset, inputs, config } = await given(({ evaluate }) =>
      Object.assign(evaluate, { curve_users: 8 }),
    );
    const { curve } = inputs.data.draw;
    const best = bestArguments(dataset, curve, config);
    expect(best.length).toBeGreaterThan(0);
    const needs = needsOf(dataset);
    const options = { told: true, historyLength: config.text.history_length, temperature: 0 };
    const teacher = new AttributesTeacher(dataset, options, config.seed);
    for (const { example, cot } of best) {
      expect(cot).toBe(teacher.explain(example, 0).text);
      expect(cot.endsWith(needSentence(needs[targetItem(dataset, example)]))).toBe(true);
      expect(curve).toContain(example);
    }
  });
});
