/**
 * Asks kept models what they would say to a history. It has a model of its own, beside that of a run at rest or on a device that is
 * opened for it, and lets go of both when nobody has asked for some seconds or a run wants to go on: no run is disturbed by it.
 */
import type { Dataset, User } from '../data/dataset';
import { targetItem } from '../data/dataset';
import type { LanguageModel } from '../model/languageModel';
import { mixed } from '../model/mixture';
import { padRows } from '../model/padding';
import { sha256 } from '../numeric/hash';
import { streamKey } from '../numeric/random';
import { CheckpointError } from '../run/checkpointError';
import type { RunConfig } from '../run/config';
import type { RunDevice } from '../run/device';
import { backboneOf } from '../run/fork';
import { isAtEnd } from '../run/runFile';
import type { RunCheckpoint } from '../run/runState';
import { drawExamples, type ExampleDraw } from '../run/stages/data';
import { PromptFormat } from '../text/prompt';
import { Tokenizer } from '../text/tokenizer';
import type { Answer, Askable, AskedHeldOut, AskRequest, LikelyToken } from './askProtocol';
import { askedWeights, assertMixable, frontOfRun, sftWeights } from './askWeights';

/** What the training worker gives to it. */
export interface AskHost {
  /** Verified. @throws an Error that says what is wrong with it */
  load(id: string): Promise<RunCheckpoint>;
  /** Of what is kept of a run: another whenever that is. */
  version(id: string): Promise<unknown>;
  /** Ids of kept runs among whose arrays is one of these bytes. */
  holding(digest: string): Promise<string[]>;
  loadDataset(config: RunConfig): Promise<Dataset>;
  openDevice(): Promise<RunDevice>;
  /** Of the run that rests; null where none is on. @throws an Error where one is being trained */
  restingDevice(): Promise<RunDevice | null>;
}

/** Milliseconds that the model stays after an answer. */
const IDLE_MS = 20_000;
/** Prefixes of an answer that are scored at a time. */
const PREFIXES = 8;
/** People that `askable` tells of. */
const PEOPLE = 24;
const MAX_ALTERNATIVES = 20;

/** Data and text of one fine-tuned model and of all that came of it. */
interface Opened {
  key: string;
  dataset: Dataset;
  draw: ExampleDraw;
  /** Of the data set's own users. */
  format: PromptFormat;
  /** Of one user, who is whoever asks. */
  asking: { format: PromptFormat; user: User };
}

interface OnDevice {
  device: RunDevice;
  /** Opened for asking, to be closed by it. */
  isOwn: boolean;
  model: LanguageModel;
  /** Of `Opened`. */
  key: string;
}

interface Said extends Completed {
  heldOut: AskedHeldOut | null;
}

interface Completed {
  completion: Uint32Array;
  /** Of each of its tokens, in nats. */
  logps: Float32Array;
  /** The likeliest at each place, where they were asked for. */
  others: LikelyToken[][];
}

export class AskService {
  readonly #host: AskHost;
  readonly #loaded = new Map<string, { version: unknown; checkpoint: RunCheckpoint }>();
  #opened: Opened | null = null;
  #onDevice: OnDevice | null = null;
  #idle: ReturnType<typeof setTimeout> | undefined;
  /** One at a time; it never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: AskHost) {
    this.#host = host;
  }

  /** @throws an Error in one sentence: while a run is being trained, of a damaged run, and of an item that is not there */
  ask(request: AskRequest): Promise<Answer> {
    return this.#inTurn(() => this.#ask(request));
  }

  /** What a run may be asked about. @throws as `ask` does */
  askable(id: string): Promise<Askable> {
    return this.#inTurn(() => this.#askable(id));
  }

  /** Lets go of everything, once what is being answered is. Never rejects. */
  free(): Promise<void> {
    const done = this.#last.then(() => this.#free());
    this.#last = done;
    return done;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => {
      clearTimeout(this.#idle);
      try {
        return await work();
      } finally {
        this.#idle = setTimeout(() => void this.free(), IDLE_MS);
      }
    });
    this.#last = done.catch(() => {});
    return done;
  }

  #free(): void {
    clearTimeout(this.#idle);
    this.#letGoOfModel();
    this.#opened = null;
    this.#loaded.clear();
  }

  #letGoOfModel(): void {
    this.#onDevice?.model.destroy();
    if (this.#onDevice?.isOwn) this.#onDevice.device.close();
    this.#onDevice = null;
  }

  async #ask(request: AskRequest): Promise<Answer> {
    const from = performance.now();
    const resting = await this.#host.restingDevice();
    const { runs, weights = 'newest', temperature = 0, draw = 0, alternatives = 5 } = request;
    if (!(temperature >= 0 && temperature <= 10))
      throw new RangeError('The temperature must be a number from 0 to 10.');
    if (!(alternatives >= 0 && alternatives <= MAX_ALTERNATIVES))
      throw new RangeError(`At most ${MAX_ALTERNATIVES} alternatives can be told at a place.`);
    const checkpoints: RunCheckpoint[] = [];
    for (const { id } of runs) checkpoints.push(await this.#load(id));
    assertMixable(runs, checkpoints);
    const parts = checkpoints.map((checkpoint, index) => ({
      share: runs[index].share,
      weights: askedWeights(checkpoint, weights, runs[index].at),
    }));
    const parameters = mixed(parts);
    const opened = await this.#open(checkpoints[0]);
    const { tokens, dropped } = asked(opened, request, checkpoints[0].state.config);
    const { format } = opened;
    const model = await this.#modelFor(checkpoints[0], opened, resting);
    let said: Said;
    try {
      const zeros = new Float32Array(parameters.length);
      await model.restore({ parameters, moment1: zeros, moment2: zeros });
      // First, so that its larger shape is the one that both take.
      const heldOut = await answered(model, opened, checkpoints[0], request.heldOutUsers ?? 0);
      said = { ...(await say(model, format, { prompt: tokens, temperature, draw, alternatives })), heldOut };
    } catch (error) {
      // Its device may be gone: whoever asks again gets another.
      this.#letGoOfModel();
      throw error;
    }
    const { completion, logps, others, heldOut } = said;
    const { think, title, categories, item, valid } = format.parse(completion);
    const { items } = format.dataset;
    return {
      prompt: format.tokenizer.decode(tokens),
      dropped,
      text: format.tokenizer.decode(completion),
      think,
      title,
      categories,
      item: item < 0 ? null : { id: items[item].id, title: items[item].title },
      isValid: valid,
      tokens: Array.from(completion, (token, at) => ({
        text: format.tokenizer.token(token),
        probability: Math.exp(logps[at]),
        alternatives: others[at] ?? [],
      })),
      of: checkpoints.map((checkpoint, index) => ({
        id: runs[index].id,
        stage: checkpoint.state.stage,
        step: checkpoint.state.step,
        isFinished: isAtEnd(checkpoint),
      })),
      heldOut,
      seconds: (performance.now() - from) / 1000,
    };
  }

  async #askable(id: string): Promise<Askable> {
    await this.#host.restingDevice();
    const checkpoint = await this.#load(id);
    askedWeights(checkpoint, 'newest');
    const { dataset, draw } = await this.#open(checkpoint);
    const sft = sftWeights(checkpoint);
    const same =
      sft === null
        ? []
        : await this.#host.holding(await sha256(new Uint8Array(sft.buffer, sft.byteOffset, sft.byteLength)));
    const { history_length: historyLength } = checkpoint.state.config.text;
    const idOf = (item: number) => dataset.items[item].id;
    return {
      items: dataset.items.map(({ id: own, title, categories }) => ({ id: own, title, categories })),
      historyLength,
      front: frontOfRun(checkpoint),
      hasWarmup: backboneOf(checkpoint) !== null,
      hasSft: sft !== null,
      people: draw.curve.slice(0, PEOPLE).map((example) => {
        const { profile, history } = dataset.users[example.user];
        const shown = history.subarray(Math.max(0, example.position - historyLength), example.position);
        return { profile, history: Array.from(shown, idOf), next: idOf(targetItem(dataset, example)) };
      }),
      sameSft: same.filter((other) => other !== id),
    };
  }

  async #load(id: string): Promise<RunCheckpoint> {
    const version = await this.#host.version(id);
    const known = this.#loaded.get(id);
    if (known !== undefined && known.version === version) return known.checkpoint;
    const checkpoint = await this.#host.load(id);
    this.#loaded.set(id, { version, checkpoint });
    return checkpoint;
  }

  /** @throws {CheckpointError} where the data are not those that the run was trained on */
  async #open({ state: { config, made } }: RunCheckpoint): Promise<Opened> {
    const { tokenizer: text, data } = made;
    const key = JSON.stringify([text, data?.dataset?.sha256, config.seed, config.data]);
    if (this.#opened?.key === key) return this.#opened;
    if (text === undefined) throw new Error('A run with weights has a tokenizer.');
    const dataset = await this.#host.loadDataset(config);
    if (dataset.sha256 !== data?.dataset?.sha256)
      throw new CheckpointError(
        'The data is not what this run was trained on: import the same files again, then ask.',
      );
    const trained = Tokenizer.fromJSON(text.tokenizer);
    const user: User = { id: 'whoever asks', profile: '', history: new Int32Array(0) };
    this.#opened = {
      key,
      dataset,
      draw: drawExamples(dataset, config),
      format: new PromptFormat(dataset, trained, text.options),
      asking: { format: new PromptFormat({ ...dataset, users: [user] }, trained, text.options), user },
    };
    return this.#opened;
  }

  async #modelFor(
    { state }: RunCheckpoint,
    { key }: Opened,
    resting: RunDevice | null,
  ): Promise<LanguageModel> {
    const known = this.#onDevice;
    const isThere = known !== null && (resting === null ? known.isOwn : known.device === resting);
    if (isThere && known.key === key) return known.model;
    this.#letGoOfModel();
    const device = resting ?? (await this.#host.openDevice());
    try {
      // Nothing is trained on it, so that no batch is large.
      const { shape } = state.made.tokenizer!;
      const model = await device.createModel(shape, state.config.seed, 1);
      this.#onDevice = { device, isOwn: resting === null, model, key };
      return model;
    } catch (error) {
      if (resting === null) device.close();
      throw error;
    }
  }
}

/** The prompt of a request. @throws Error in one sentence, where the history cannot be asked */
function asked(
  { asking: { format, user }, dataset }: Opened,
  { history, profile = '' }: AskRequest,
  { text: { history_length: most } }: RunConfig,
): { tokens: number[]; dropped: number } {
  if (history.length === 0) throw new Error('The history is empty: choose at least one item.');
  if (history.length > most)
    throw new Error(
      `The history has ${history.length} items, but the model reads ${most} at most: leave out ${history.length - most}.`,
    );
  const indices = history.map((wanted) => itemIndex(dataset, wanted));
  const unknown = history.filter((_, index) => indices[index] < 0);
  if (unknown.length > 0)
    throw new Error(
      `The catalogue has no item ${unknown.map((each) => `“${each}”`).join(', ')}: write titles or ids as it has them.`,
    );
  user.profile = profile;
  user.history = Int32Array.from(indices);
  const tokens = format.prompt({ sampleId: 'asked', user: 0, position: history.length });
  const { separator } = format.tokenizer.special;
  const shown = tokens.filter((token) => token === separator).length;
  return { tokens, dropped: history.length - shown };
}

/** By its id, else by its title, whatever the case; −1 where there is none. */
function itemIndex({ items }: Dataset, wanted: string): number {
  const byId = items.findIndex(({ id }) => id === wanted);
  if (byId >= 0) return byId;
  const title = wanted.trim().toLowerCase();
  return items.findIndex((item) => item.title.toLowerCase() === title);
}

async function say(
  model: LanguageModel,
  format: PromptFormat,
  {
    prompt,
    temperature,
    draw,
    alternatives: count,
  }: { prompt: number[]; temperature: number; draw: number; alternatives: number },
): Promise<Completed> {
  const { completions, logps } = await model.generate({
    prompts: [prompt],
    numGenerations: 1,
    maxNewTokens: format.options.maxCompletionLength,
    temperature,
    topK: 0,
    eosToken: format.tokenizer.special.endAnswer,
    key: streamKey(draw, 'ask'),
  });
  const [completion] = completions;
  const others = await likeliest(model, format, { prompt, completion, count });
  return { completion, logps: logps[0], others };
}

/** The likeliest tokens at each place of a completion, at temperature 1. */
async function likeliest(
  model: LanguageModel,
  { options, tokenizer }: PromptFormat,
  { prompt, completion, count }: { prompt: number[]; completion: Uint32Array; count: number },
): Promise<LikelyToken[][]> {
  if (count === 0) return [];
  const length = options.maxPromptLength + options.maxCompletionLength;
  const vocabulary = model.config.vocab_size;
  const found: LikelyToken[][] = [];
  for (let from = 0; from < completion.length; from += PREFIXES) {
    const size = Math.min(PREFIXES, completion.length - from);
    // Always as many rows, so that nothing is compiled twice.
    const prefixes = Array.from({ length: PREFIXES }, (_, row) => [
      ...prompt,
      ...completion.subarray(0, from + Math.min(row, size - 1)),
    ]);
    const logits = await model.logitsAfter(padRows(prefixes, length));
    for (let row = 0; row < size; row++)
      found.push(
        top(logits.subarray(row * vocabulary, (row + 1) * vocabulary), count).map(([token, probability]) => ({
          text: tokenizer.token(token),
          probability,
        })),
      );
  }
  return found;
}

/** The `count` largest of softmax(logits), in falling order: [token, probability]. */
function top(logits: Float32Array, count: number): [number, number][] {
  const most = logits.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
  const total = logits.reduce((sum, value) => sum + Math.exp(value - most), 0);
  return Array.from(logits, (value, token): [number, number] => [token, Math.exp(value - most) / total])
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, count);
}

/** How well the model answers some validation users; null where nobody is to be asked. */
async function answered(
  model: LanguageModel,
  { dataset, draw, format }: Opened,
  { state: { made } }: RunCheckpoint,
  users: number,
): Promise<AskedHeldOut | null> {
  const examples = draw.curve.slice(0, Math.max(0, users));
  if (examples.length === 0) return null;
  const { completions } = await model.generate({
    prompts: examples.map((example) => format.prompt(example)),
    numGenerations: 1,
    maxNewTokens: format.options.maxCompletionLength,
    temperature: 0,
    topK: 0,
    eosToken: format.tokenizer.special.endAnswer,
    key: [0, 0],
  });
  const ctcvr = (index: number, item: number) => {
    const { user, position } = examples[index];
    if (dataset.oracle !== undefined) return dataset.oracle.ctcvr(user, position, item);
    const row = draw.test.length + index;
    return made.ranker?.ctcvr?.[row * dataset.items.length + item] ?? 0;
  };
  const parsed = completions.map((tokens) => format.parse(tokens));
  const mean = (value: (index: number) => number) =>
    examples.reduce((sum, _, index) => sum + value(index), 0) / examples.length;
  const hits = (index: number) =>
    format.categoryHits(parsed[index].categories, targetItem(dataset, examples[index]));
  return {
    users: examples.length,
    Category_L3_ACC: mean((index) => Number(hits(index)[2])),
    CTCVR: mean((index) => {
      const { valid, item } = parsed[index];
      return valid && item >= 0 ? ctcvr(index, item) : 0;
    }),
    valid_rate: mean((index) => Number(parsed[index].valid)),
  };
}
