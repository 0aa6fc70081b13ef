/** What kept models say to a history: theirs alone, mixed, and what is refused. One minuscule run is trained for all of it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ReferenceModel } from '../../src/model/reference';
import { streamKey } from '../../src/numeric/random';
import { encodeCheckpoint } from '../../src/run/checkpoint';
import { loadDataset } from '../../src/run/datasets';
import { forked } from '../../src/run/fork';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { Checkpoints } from '../../src/store/checkpoints';
import { memoryStore } from '../../src/store/memory';
import type { Store } from '../../src/store/store';
import { PromptFormat } from '../../src/text/prompt';
import { Tokenizer } from '../../src/text/tokenizer';
import type { AskRequest } from '../../src/worker/askProtocol';
import { createTrainer, type TrainServices } from '../../src/worker/trainService';
import { minusculeConfig, openCpu, recordedRun } from '../run/tinyRun';

const TIMEOUT = 120_000;
const config = minusculeConfig((draft) => {
  draft.ranking.users = 0;
  // Enough for different weights to say different things.
  Object.assign(draft.warmup, { steps: 40, batch_size: 8, learning_rate: 0.02 });
  Object.assign(draft.sft, { steps: 60, batch_size: 8, learning_rate: 0.02, cot: false });
  Object.assign(draft.popo, { steps: 1, probe_every: 0 });
});

/** As a run that was aligned otherwise from the same SFT model: weights apart from the first one's by a fixed pattern. */
function otherwise({ state, model }: RunCheckpoint): RunCheckpoint {
  const parameters = model!.parameters.map((value, index) => value + 0.08 * Math.sin(index));
  return { state, model: { ...model!, parameters } };
}

/** As a run of conditioned parameters whose ends are the weights of these two, handed over at the second. */
function conditionedOf(first: RunCheckpoint, second: RunCheckpoint): RunCheckpoint {
  const { state } = structuredClone(first);
  state.config.popo.weighting = 'conditioned';
  state.made.popo!.mixture = [0, 1];
  return { state, model: { ...second.model!, ends: [first.model!, second.model!] } };
}

function trainerOn(store: Store, services: Partial<TrainServices> = {}) {
  return createTrainer({
    openStore: async () => ({ store, problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
    ...services,
  });
}

describe('asking kept runs', { timeout: TIMEOUT }, () => {
  let first: RunCheckpoint;
  let second: RunCheckpoint;
  let early: RunCheckpoint;
  let store: Store;
  let history: string[];

  beforeAll(async () => {
    const run = recordedRun(config);
    first = (await runPipeline(run.context)).checkpoint;
    early = run.saved.find(({ state }) => state.stage === 'sft')!;
    second = otherwise(first);
    store = memoryStore();
    const kept = new Checkpoints(store);
    const front = conditionedOf(first, second);
    const of = { first, second, front, early, fork: forked(first, 'first', 'popo') };
    for (const [id, checkpoint] of Object.entries(of))
      await kept.save(encodeCheckpoint(id, checkpoint, false));
    const { items } = await loadDataset(config, async () => null);
    history = [items[0].id, items[2].title.toUpperCase(), items[1].id];
  }, TIMEOUT);

  const asking = (shares: Record<string, number>, more: Partial<AskRequest> = {}) =>
    trainerOn(store).ask({
      runs: Object.entries(shares).map(([id, share]) => ({ id, share })),
      history,
      ...more,
    });

  /** What a model with these weights writes, without the service. */
  async function written(parameters: Float32Array, temperature = 0, draw = 0) {
    const dataset = await loadDataset(config, async () => null);
    const { shape, tokenizer, options } = first.state.made.tokenizer!;
    const user = { id: '', profile: '', history: Int32Array.of(0, 2, 1) };
    const text = Tokenizer.fromJSON(tokenizer);
    const format = new PromptFormat({ ...dataset, users: [user] }, text, options);
    const model = new ReferenceModel(shape, parameters);
    const { completions, logps } = await model.generate({
      prompts: [format.prompt({ sampleId: '', user: 0, position: 3 })],
      numGenerations: 1,
      maxNewTokens: options.maxCompletionLength,
      temperature,
      topK: 0,
      eosToken: text.special.endAnswer,
      key: streamKey(draw, 'ask'),
    });
    model.destroy();
    const { think, title, categories, valid: isValid } = format.parse(completions[0]);
    return {
      text: text.decode(completions[0]),
      probabilities: Array.from(logps[0], Math.exp),
      parsed: { think, title, categories, isValid },
    };
  }

  it('answers as the run’s own weights do, token by token, with the likeliest beside them', async () => {
    const answer = await asking({ first: 1 });
    const alone = await written(first.model!.parameters);
    expect(answer.text).toBe(alone.text);
    expect(answer.tokens.map(({ probability }) => probability)).toEqual(alone.probabilities);
    expect(answer.of).toEqual([{ id: 'first', stage: 'ranking', step: first.state.step, isFinished: true }]);
    expect(answer).toMatchObject({ ...alone.parsed, dropped: 0, heldOut: null });
    for (const { text, probability, alternatives } of answer.tokens) {
      expect(alternatives).toHaveLength(5);
      // Greedily the likeliest is taken; both come of one model by two ways.
      expect(alternatives[0].text).toBe(text);
      expect(alternatives[0].probability).toBeCloseTo(probability, 4);
      const likelihoods = alternatives.map((each) => each.probability);
      expect(likelihoods).toEqual([...likelihoods].sort((a, b) => b - a));
    }
    const sft = await asking({ first: 1 }, { weights: 'sft', alternatives: 0 });
    expect(sft.text).toBe((await asking({ fork: 1 })).text);
    expect(sft.text).toBe((await written(first.state.made.popo!.reference!)).text);
    expect(sft.tokens[0].alternatives).toEqual([]);
    const warm = await asking({ first: 1 }, { weights: 'warmup', alternatives: 0 });
    expect(warm.text).toBe((await written(first.state.backbone!)).text);
    expect(warm.tokens[0].probability).not.toBe(sft.tokens[0].probability);
  });

  it('mixes weights: all of one is that one, half of each is their mean', async () => {
    const [one, two] = [first, second].map(({ model }) => model!.parameters);
    const [alone, other] = [await written(one), await written(two)];
    expect(other.text).not.toBe(alone.text);
    expect((await asking({ first: 1, second: 0 })).text).toBe(alone.text);
    const ended = await asking({ first: 0, second: 1 });
    expect(ended.text).toBe(other.text);
    expect(ended.tokens.map(({ probability }) => probability)).toEqual(other.probabilities);
    const half = await asking({ first: 0.5, second: 0.5 }, { alternatives: 0, heldOutUsers: 3 });
    const mean = await written(one.map((value, index) => (value + two[index]) / 2));
    expect(half.text).toBe(mean.text);
    expect(half.tokens.map(({ probability }) => probability)).toEqual(mean.probabilities);
    expect(half.tokens[0].probability).not.toBe(alone.probabilities[0]);
    expect(half.heldOut).toMatchObject({ users: 3 });
    for (const rate of Object.values({ ...half.heldOut, users: 1 })) {
      expect(rate).toBeGreaterThanOrEqual(0);
      expect(rate).toBeLessThanOrEqual(1);
    }
  });

  it('asks a run of conditioned parameters at any weights of its rewards, and no other run', async () => {
    const trainer = trainerOn(store);
    expect(await trainer.askable('front')).toMatchObject({
      front: { rewards: ['semantic', 'id'], weights: [0, 1] },
    });
    const at = (weights?: number[], id = 'front') =>
      trainer.ask({ runs: [{ id, share: 1, at: weights }], history, alternatives: 0 });
    const [one, two] = [first, second].map(({ model }) => model!.parameters);
    for (const [weights, parameters] of [
      [[1, 0], one],
      [[0, 1], two],
      [undefined, two],
      [[0.5, 0.5], one.map((value, index) => (value + two[index]) / 2)],
    ] as const) {
      const [answer, wanted] = [await at(weights && [...weights]), await written(parameters)];
      expect(answer.text).toBe(wanted.text);
      expect(answer.tokens.map(({ probability }) => probability)).toEqual(wanted.probabilities);
    }
    await expect(at([0.5, 0.6])).rejects.toThrow(/^The weights of the rewards must each be from 0 to 1/);
    await expect(at([1])).rejects.toThrow('This run has 2 rewards (semantic, id): give a weight for each.');
    await expect(at([1, 0], 'first')).rejects.toThrow(/^This run has no front of its own/);
  });

  it('draws at a temperature: the same draw says the same, another one something else', async () => {
    const warm = (draw: number) => asking({ first: 1 }, { temperature: 2, draw, alternatives: 0 });
    const [once, again, other] = [await warm(1), await warm(1), await warm(2)];
    expect(again.text).toBe(once.text);
    expect(other.text).not.toBe(once.text);
    expect(once.text).toBe((await written(first.model!.parameters, 2, 1)).text);
  });

  it('tells what may be asked, and which other runs are of the same fine-tuned model', async () => {
    const found = await trainerOn(store).askable('first');
    expect(found).toMatchObject({ historyLength: config.text.history_length, hasWarmup: true, hasSft: true });
    expect(found.sameSft.sort()).toEqual(['fork', 'front', 'second']);
    expect(found.front).toBeNull();
    expect(found.items[0]).toMatchObject({ id: history[0] });
    expect(found.people).toHaveLength(config.evaluate.curve_users);
    for (const { history: shown, next } of found.people) {
      expect(shown.length).toBeGreaterThan(0);
      expect(found.items.map(({ id }) => id)).toEqual(expect.arrayContaining([...shown, next]));
    }
    expect(await trainerOn(store).askable('early')).toMatchObject({ hasSft: false, sameSft: [] });
  });

  it('refuses in one sentence what cannot be asked', async () => {
    const refused = async (shares: Record<string, number>, more: Partial<AskRequest>, words: RegExp) =>
      expect(asking(shares, more)).rejects.toThrow(words);
    await refused(
      { first: 1 },
      { history: ['no such', history[0]] },
      /^The catalogue has no item “no such”:/,
    );
    await refused({ first: 1 }, { history: [] }, /^The history is empty/);
    const many = Array.from({ length: config.text.history_length + 2 }, () => history[0]);
    await refused({ first: 1 }, { history: many }, /at most: leave out 2\.$/);
    await refused({ first: 1 }, { temperature: -1 }, /^The temperature must be/);
    await refused({ first: 0.5, second: 0.6 }, {}, /^The shares of the runs must each be from 0 to 1/);
    await refused({ first: 0.5, early: 0.5 }, {}, /^These runs were not aligned from one and the same/);
    await refused({ early: 1 }, { weights: 'sft' }, /^This run has not come to the end of fine-tuning yet/);
    await refused({ nobody: 1 }, {}, /^This run is not in storage any more/);
    await refused({}, {}, /^No run was named/);

    const damaged = memoryStore();
    await new Checkpoints(damaged).save(encodeCheckpoint('first', first, false));
    const record = (await damaged.get('checkpoints', 'first'))!;
    // One bit.
    new Uint8Array(record.parts.parameters as ArrayBuffer)[5] ^= 4;
    await damaged.put('checkpoints', record);
    await expect(trainerOn(damaged).ask({ runs: [{ id: 'first', share: 1 }], history })).rejects.toThrow(
      /damaged.*Delete the run and train again from its link\.$/,
    );
  });

  it('refuses while a run is trained, answers while it rests, and lets go of its own device before one is', async () => {
    let [opened, closed] = [0, 0];
    const trainer = trainerOn(store, {
      async openDevice() {
        const device = await openCpu();
        opened++;
        return { ...device, close: () => void closed++ };
      },
      async pipeline({ controls, openDevice }) {
        // What asked has let go before a run begins.
        expect(closed).toBe(1);
        await openDevice('auto');
        while ((await controls.pass()) === 'go') await new Promise((resolve) => setTimeout(resolve, 1));
        return { report: null, checkpoint: first, slices: null };
      },
    });
    const ask = () => trainer.ask({ runs: [{ id: 'first', share: 1 }], history, alternatives: 0 });
    const answer = await ask();
    await ask();
    expect([opened, closed]).toEqual([1, 0]);
    const running = trainer.start(config, null, () => {});
    await expect(ask()).rejects.toThrow(
      /^A run is being trained: pause it, or wait for its end, then ask\.$/,
    );
    await trainer.pause();
    expect((await ask()).text).toBe(answer.text);
    // On the run's own.
    expect([opened, closed]).toEqual([2, 1]);
    await trainer.resume();
    await expect(ask()).rejects.toThrow(/^A run is being trained/);
    await trainer.stop();
    await running;
    expect([opened, closed]).toEqual([2, 1]);
  });
});
