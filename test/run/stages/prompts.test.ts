/**
 * What the language model is shown of a shopper, in every stage that asks it or trains it, and what a chat model is asked as its teacher.
 * Prompts are read as words and held against the world: a profile and behaviours are all that they may tell.
 */
import { describe, expect, it } from 'vitest';
import { KINDS, PLATFORMS } from '../../../src/data/compatibility/words';
import { type Dataset, type Example, targetItem } from '../../../src/data/dataset';
import { LIFE_STAGES, PERSONAS } from '../../../src/data/vocabulary';
import type { PolicyOptimizer, PolicyUpdate } from '../../../src/popo/policy';
import type { RunConfig } from '../../../src/run/config';
import { data } from '../../../src/run/stages/data';
import { evaluate } from '../../../src/run/stages/evaluate';
import { features } from '../../../src/run/stages/features';
import { orft } from '../../../src/run/stages/orft';
import { popo } from '../../../src/run/stages/popo';
import { rupr } from '../../../src/run/stages/rupr';
import { sft } from '../../../src/run/stages/sft';
import { warmup } from '../../../src/run/stages/warmup';
import { teacherMessages } from '../../../src/sft/teacherPrompts';
import { PromptFormat } from '../../../src/text/prompt';
import { type Given, given, toolsOf } from './recorded';

const KINDS_OF_PROMPT = [
  'warm-up',
  'ORFT, trained on',
  'ORFT, scored',
  'SFT, trained on',
  'SFT, scored',
  'SFT, judged',
  'alignment',
  'alignment, judged',
  'evaluation',
  'features',
] as const;
type Kind = (typeof KINDS_OF_PROMPT)[number];

function sized(world: 'compatibility' | 'tradeoff') {
  return (config: RunConfig) => {
    Object.assign(config.data, { world, devices: 40, num_users: 300, num_heldout_users: 120 });
    Object.assign(config.text, { vocab_size: 2048, history_length: 4 });
    Object.assign(config.rupr, { prompts: 120, num_cots: 2 });
    Object.assign(config.warmup, { steps: 60, batch_size: 2 });
    Object.assign(config.orft, { scorer_steps: 60 });
    Object.assign(config.sft, { steps: 60, batch_size: 4 });
    Object.assign(config.popo, { steps: 20, prompts_per_step: 6, num_generations: 2 });
    Object.assign(config.evaluate, { users: 110, curve_users: 60, curve_every: 20 });
    config.ranking.users = 100;
  };
}

/** An optimizer that leaves the model as it is. */
const idle = (): PolicyOptimizer => ({
  weights: [0.5, 0.5],
  configure() {},
  async update({ rewards, numRewards }): Promise<PolicyUpdate> {
    return {
      advantages: new Float32Array(rewards.length / numRewards),
      weightsBefore: [0.5, 0.5],
      weightsAfter: [0.5, 0.5],
      influence: null,
      gradNorms: null,
      gradCosines: null,
      loss: 0,
      kl: 0,
      entropy: 0,
      clip: { low_mean: 0, high_mean: 0, region_mean: 0 },
      gradNorm: 0,
    };
  },
  destroy() {},
});

interface Shown {
  here: Given;
  prompts: Map<Kind, { text: string; of: readonly Example[]; dataset: Dataset }[]>;
}

/** All that the model is shown by the stages themselves. */
async function shownBy(world: 'compatibility' | 'tradeoff'): Promise<Shown> {
  const here = await given(sized(world));
  const { config, model, format, dataset } = here;
  here.inputs.data = await data.open({ dataset: null }, {}, (await toolsOf('data', config)).tools);
  const { inputs } = here;
  const { draw, deployment } = inputs.data;
  const { think, answer } = format.tokenizer.special;
  const textOf = (row: number[]) => {
    const end = row.findIndex((token) => token === think || token === answer);
    return format.tokenizer.decode(end < 0 ? row : row.slice(0, end));
  };
  // The model answers with the first item, so that it is scored on something well formed.
  model.says = () => format.answer(0);
  const prompts: Shown['prompts'] = new Map();
  const take = (kind: Kind, rows: number[][], of: readonly Example[], from: Dataset = dataset) => {
    prompts.set(
      kind,
      rows.map((row) => ({ text: textOf(row), of, dataset: from })),
    );
  };
  const trained = () => model.trained.splice(0).flatMap(({ rows }) => rows);
  const scored = () => model.scored.splice(0).flat();
  const asked = () =>
    model.asked.splice(0).flatMap((call) => call.prompts.map((prompt) => Array.from(prompt)));

  const warming = (await toolsOf('warmup', config, { steps: config.warmup.steps })).tools;
  await warmup.run(inputs, warming, warmup.begin(config));
  // Sentences of the catalogue follow the examples of a step.
  const examples = model.trained.splice(0).flatMap(({ rows }) => rows.slice(0, config.warmup.batch_size));
  take('warm-up', examples, dataset.splits.train);
  model.scored.length = 0;
  model.asked.length = 0;

  const taught = await rupr.run(inputs, (await toolsOf('rupr', config)).tools);
  const made = orft.begin(config);
  const filtering = (await toolsOf('orft', config, { steps: config.orft.scorer_steps })).tools;
  await orft.run({ ...inputs, rupr: taught }, filtering, made);
  take('ORFT, trained on', trained(), draw.prompts);
  take('ORFT, scored', scored(), draw.prompts);

  const kept = await orft.open(made, { ...inputs, rupr: taught }, filtering);
  const tuning = (await toolsOf('sft', config, { steps: config.sft.steps })).tools;
  await sft.run({ ...inputs, rupr: taught, orft: kept }, tuning, sft.begin(config));
  take('SFT, trained on', trained(), draw.prompts);
  take('SFT, scored', scored(), [...draw.curve, ...draw.test]);
  take('SFT, judged', asked(), [...draw.curve, ...draw.test]);

  const { tools } = await toolsOf('popo', config, { steps: config.popo.steps });
  const rolled: number[][] = [];
  const generate = model.generate.bind(model);
  model.generate = async (options) => {
    if (options.temperature > 0) rolled.push(...options.prompts.map((prompt) => Array.from(prompt)));
    return generate(options);
  };
  const aligned = popo.begin(config);
  const aligning = { ...tools, device: { ...tools.device, createPolicyOptimizer: idle } };
  await popo.run(inputs, aligning, aligned);
  take('alignment', rolled, draw.policy);
  const rollouts = new Set(rolled.map((row) => row.join()));
  take(
    'alignment, judged',
    asked().filter((row) => !rollouts.has(row.join())),
    draw.curve,
  );
  const judging = (await toolsOf('evaluate', config)).tools;
  await evaluate.run({ ...inputs, popo: aligned }, judging);
  take('evaluation', asked(), draw.test);

  if (deployment === null) throw new Error('There is nobody to rank for.');
  const steps = features.steps(config, inputs);
  await features.run(inputs, (await toolsOf('features', config, { steps })).tools);
  const rows = asked();
  const newcomers = new Set(deployment.requests.map((example) => textIn(deployment.dataset, example, here)));
  take(
    'features',
    rows.filter((row) => newcomers.has(textOf(row))),
    deployment.requests,
    deployment.dataset,
  );
  const others = rows.filter((row) => !newcomers.has(textOf(row)));
  prompts
    .get('features')!
    .push(...others.map((row) => ({ text: textOf(row), of: deployment.past.examples, dataset })));
  return { here, prompts };
}

/** The prompt of an example written out from the world: profile, then the last behaviours, newest first. */
function textIn({ users, items }: Dataset, { user, position }: Example, { config, format }: Given): string {
  const { profile, history } = users[user];
  const seen = [...history.slice(Math.max(0, position - config.text.history_length), position)].reverse();
  const told = seen.map((item) => `<sep>${items[item].title} ${items[item].categories.join(' ')}`);
  return format.tokenizer.decode(format.tokenizer.encode([profile, ...told].join('')));
}

const wordsOf = (text: string) => text.replaceAll('<sep>', ' ').split(' ').filter(Boolean);

const shown = { compatibility: await shownBy('compatibility'), tradeoff: await shownBy('tradeoff') };

describe.each(['compatibility', 'tradeoff'] as const)('prompts of the world %s', (world) => {
  const { here, prompts } = shown[world];

  it.each(KINDS_OF_PROMPT)('%s: profile and last behaviours of those who are asked, and no more', (kind) => {
    const all = prompts.get(kind)!;
    expect(new Set(all.map(({ text }) => text)).size).toBeGreaterThan(50);
    const allowed = new Map<readonly Example[], Set<string>>();
    for (const { text, of, dataset } of all) {
      if (!allowed.has(of)) allowed.set(of, new Set(of.map((example) => textIn(dataset, example, here))));
      expect(allowed.get(of)!).toContain(text);
    }
  });

  it('name stage of life and persona once, in the profile', () => {
    for (const { text } of [...prompts.values()].flat()) {
      const [life, persona, ...rest] = wordsOf(text);
      expect(LIFE_STAGES).toContain(life);
      expect(PERSONAS).toContain(persona);
      for (const word of [...LIFE_STAGES, ...PERSONAS]) expect(rest, text).not.toContain(word);
    }
  });

  it('are the same of a world whose oracle, lore, facts and slices are gone', () => {
    const { dataset, format } = here;
    const bare = { ...dataset, oracle: undefined, lore: undefined, slices: undefined, facts: [] };
    const blind = new PromptFormat(bare, format.tokenizer, format.options);
    for (const example of Object.values(dataset.splits).flat())
      expect(blind.prompt(example)).toEqual(format.prompt(example));
  });
});

describe('prompts of the world of devices', () => {
  const { here, prompts } = shown.compatibility;

  it('name no platform and no kind of gear, and hold no number: these must be inferred, or nobody knows them', () => {
    for (const { text } of [...prompts.values()].flat()) {
      for (const word of [...PLATFORMS, ...KINDS]) expect(wordsOf(text), text).not.toContain(word);
      expect(text).not.toMatch(/\d/);
    }
  });

  it.each([true, false])(
    'and neither does what a chat model is asked as the teacher, told or not (%s)',
    (told) => {
      const { dataset, config, inputs } = here;
      const options = { told, historyLength: config.text.history_length, words: 16 };
      const systems = new Set<string>();
      for (const example of inputs.data.draw.prompts) {
        const [system, user] = teacherMessages(dataset, example, options);
        systems.add(system.content);
        const words = user.content.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
        for (const word of [...PLATFORMS, ...KINDS]) expect(words, user.content).not.toContain(word);
        expect(user.content).not.toMatch(/\d/);
        const { title } = dataset.items[targetItem(dataset, example)];
        const { history } = dataset.users[example.user];
        const seen = [
          ...history.slice(Math.max(0, example.position - options.historyLength), example.position),
        ];
        const isSeen = seen.some((item) => dataset.items[item].title === title);
        expect(user.content.includes(title), user.content).toBe(told || isSeen);
        const [profile, ...rest] = user.content.split('\n');
        expect(profile).toBe(`Profile: ${dataset.users[example.user].profile}`);
        for (const word of [...LIFE_STAGES, ...PERSONAS])
          expect(wordsOf(rest.join(' ').toLowerCase())).not.toContain(word);
      }
      // What is asked of all of them tells nothing of any.
      expect(systems.size).toBe(1);
    },
  );
});
