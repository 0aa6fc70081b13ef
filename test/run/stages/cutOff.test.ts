/** Stages without a step of the model's training: what they make is the same to the bit wherever they were cut off. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type StageHooks, UNKEPT } from '../../../src/control/hooks';
import { useSlowPath } from '../../../src/gpu/tfjs';
import type { StageTools } from '../../../src/run/stage';
import { baselines } from '../../../src/run/stages/baselines';
import { data } from '../../../src/run/stages/data';
import { encoder } from '../../../src/run/stages/encoder';
import { evaluate } from '../../../src/run/stages/evaluate';
import { features } from '../../../src/run/stages/features';
import { orft } from '../../../src/run/stages/orft';
import { popo } from '../../../src/run/stages/popo';
import { ranker } from '../../../src/run/stages/ranker';
import { ranking } from '../../../src/run/stages/ranking';
import { rupr } from '../../../src/run/stages/rupr';
import { warmup } from '../../../src/run/stages/warmup';
import { cutAt } from './cut';
import { type Given, given, type RecordingModel, toolsOf } from './recorded';

beforeAll(useSlowPath);

/** Its model says of each prompt something else, and finds each row otherwise likely. */
function speaking({ model, format, dataset }: Given): void {
  const sum = (tokens: number[]) => tokens.reduce((all, token, at) => (all + token * (at + 1)) % 9973, 0);
  model.says = (prompt) => format.answer(sum(prompt) % dataset.items.length);
  model.logp = (row) => -sum(row) / 9973;
}

/** Inputs with people to rank for, and a ranker's table of chances where the data knows none. */
async function deployed(change: Parameters<typeof given>[0] = () => {}, hasOracle = true): Promise<Given> {
  const here = await given(change, hasOracle);
  speaking(here);
  here.inputs.data = await data.open({ dataset: null }, {}, (await toolsOf('data', here.config)).tools);
  return here;
}

interface Stage {
  run(hooks: Required<StageHooks>): Promise<unknown>;
  model: RecordingModel;
}

/** A stage with everything that it needs, to be run under other hooks: what it makes, and the losses in its report. */
const stages: [string, () => Promise<Stage>][] = [
  [
    'ranker',
    async () => {
      const here = await given(({ ranker: options }) => Object.assign(options, { steps: 9 }), false);
      return stageOf('ranker', here, (tools) => ranker.run(here.inputs, tools));
    },
  ],
  [
    'encoder',
    async () => {
      const here = await given(({ encoder: options }) => Object.assign(options, { steps: 9 }));
      return stageOf('encoder', here, (tools) => encoder.run(here.inputs, tools));
    },
  ],
  [
    'warmup, once it has trained',
    async () => {
      const here = await given(({ evaluate: options }) =>
        Object.assign(options, { users: 7, curve_users: 6 }),
      );
      speaking(here);
      const { steps } = here.config.warmup;
      return stageOf('warmup', here, async (tools) => {
        const made = warmup.begin(here.config);
        await warmup.run(here.inputs, { ...tools, from: steps, at: () => steps }, made);
        return made;
      });
    },
  ],
  [
    'orft, once its scorer has learnt',
    async () => {
      const here = await given();
      speaking(here);
      const cots = await rupr.run(here.inputs, (await toolsOf('rupr', here.config)).tools);
      const steps = here.config.orft.scorer_steps;
      return stageOf('orft', here, async (tools) => {
        const made = { backbone: Float32Array.of(41), result: null };
        await orft.run({ ...here.inputs, rupr: cots }, { ...tools, from: steps }, made);
        return made;
      });
    },
  ],
  [
    'evaluate',
    async () => {
      const here = await given(({ popo: { ...options }, evaluate: evaluated, popo: changed }) => {
        Object.assign(changed, options, { keep: 'best' });
        Object.assign(evaluated, { users: 7 });
      });
      speaking(here);
      const { model, format } = here;
      const { says } = model;
      // Other weights say other things: those that are handed over have the version 4, the last ones 9.
      model.says = (prompt) => (model.version === 4 ? says(prompt) : format.answer(model.version));
      const aligned = {
        ...popo.begin(here.config),
        best: { step: 1, score: 0.5, parameters: null },
        last: Float32Array.of(9),
      };
      model.version = 4;
      return stageOf('evaluate', here, async (tools) => {
        const made = await evaluate.run({ ...here.inputs, popo: aligned }, tools);
        return [made, model.version];
      });
    },
  ],
  [
    'baselines',
    async () => {
      const here = await given(({ evaluate: options }) =>
        Object.assign(options, {
          baselines: 'all',
          sasrec_steps: 12,
          sasrec_batch_size: 4,
          sasrec_hidden_size: 8,
        }),
      );
      speaking(here);
      const aligned = { ...here.inputs, popo: popo.begin(here.config) };
      const judged = await evaluate.run(aligned, (await toolsOf('evaluate', here.config)).tools);
      const sft = { judged: null, samples: [] };
      return stageOf('baselines', here, (tools) =>
        baselines.run({ ...here.inputs, sft, evaluate: judged }, tools),
      );
    },
  ],
  [
    'features',
    async () => {
      const here = await deployed();
      return stageOf('features', here, (tools) => features.run(here.inputs, tools));
    },
  ],
  [
    'ranking',
    async () => {
      const here = await deployed();
      const said = await features.run(here.inputs, (await toolsOf('features', here.config)).tools);
      return stageOf('ranking', here, (tools) => ranking.run({ ...here.inputs, features: said }, tools));
    },
  ],
  [
    'ranking, by whitened vectors behind a head',
    async () => {
      const here = await deployed();
      Object.assign(here.config.ranking, { whiten_above: -1, head_steps: 5 });
      const said = await features.run(here.inputs, (await toolsOf('features', here.config)).tools);
      return stageOf('ranking', here, (tools) => ranking.run({ ...here.inputs, features: said }, tools));
    },
  ],
];

async function stageOf(
  name: Parameters<typeof toolsOf>[0],
  { config, model }: Given,
  stage: (tools: StageTools) => Promise<unknown>,
): Promise<Stage> {
  const run: Stage['run'] = async (hooks) => {
    const { tools } = await toolsOf(name, config);
    return { made: await stage({ ...tools, hooks, gate: () => hooks.gate() }), own: tools.own };
  };
  return { run, model };
}

/** Moments at which each is cut off, evenly over its gates, the first and the last of them. */
const CUTS = 5;

describe.each(stages)('the stage %s', (name, prepare) => {
  it('makes the same wherever it was cut off, and does nothing twice', async () => {
    const { run, model } = await prepare();
    const { version } = model;
    const unkept = await run({ gate: async () => 'go', onProgress: () => {}, work: UNKEPT });
    model.version = version;
    const whole = await cutAt([], run);
    // What is kept in parts takes no other part's place.
    expect(whole.result).toEqual(unkept);
    const gates = whole.passed[0];
    expect(gates).toBeGreaterThan(2);
    const cuts = new Set(Array.from({ length: CUTS }, (_, k) => Math.round((k * (gates - 1)) / (CUTS - 1))));
    for (const cut of cuts) {
      const { result, passed, left } = await cutAt([cut], run, { model });
      expect(result, `cut at ${cut} of ${gates}`).toEqual(whole.result);
      // A k-means is not taken up within; whether a baseline may go on is asked more than once for each answer.
      if (!/baselines|ranking/.test(name)) expect(passed[1], `after ${cut}`).toBe(gates - cut);
      // It holds results alone, nothing that served to come to them.
      for (const part of Object.values(left.parts)) expect(Object.keys(part)).toEqual(['result', 'parts']);
    }
  });

  it('makes the same after a crash, and after several', async () => {
    const { run, model } = await prepare();
    const whole = await cutAt([], run);
    const third = Math.floor(whole.passed[0] / 3);
    expect((await cutAt([third], run, { isCrash: true, model })).result).toEqual(whole.result);
    expect((await cutAt([third, third], run, { model })).result).toEqual(whole.result);
  });
});
