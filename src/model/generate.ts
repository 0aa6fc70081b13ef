/**
 * Batched sampling with a key–value cache: the prompts are run through once, then one list of dispatches is replayed per new
 * token. Generations of one prompt share its keys and values. Tokens are read back once the batch is done, which is when every row
 * has ended: that is looked for while further tokens are under way.
 */
import { BufferTable } from '../gpu/bufferTable';
import * as kernels from '../gpu/kernels';
import { Peek } from '../gpu/peek';
import { Plan, submit } from '../gpu/plan';
import { addForward, addLayer, allocateActivations, type ModelBuffers, weightViews } from './forward';
import type { GenerateOptions, Generation } from './languageModel';
import { plainLayout } from './packing';
import { padRows } from './padding';
import type { GeneratorShape } from './plans';

/** Most tokens from one look at which rows have ended to the next. */
const LOOK_EVERY = 8;
/** Milliseconds that lie between two looks where tokens take long: an answer takes about one to arrive. */
const LOOK_MS = 10;
/** Looks under way at once: while one is waited for, the GPU has the tokens of the other to make. */
const LOOKS = 2;

export class Generator {
  readonly prefill: Plan;
  /** One new token for every row. */
  readonly decode: Plan;
  readonly #table: BufferTable;
  readonly #tokens: GPUBuffer;
  readonly #lengths: GPUBuffer;
  readonly #spans: GPUBuffer;
  readonly #next: GPUBuffer;
  readonly #ended: GPUBuffer;
  readonly #state: GPUBuffer;
  readonly #sampled: GPUBuffer;
  readonly #options: GPUBuffer;
  readonly #peek: Peek;
  /** Settles when those who came before are done: they share all buffers. */
  #before: Promise<unknown> = Promise.resolve();
  /** Milliseconds of a token, by the newest look; null before there was one. */
  #tokenMs: number | null = null;
  /** Tokens that the last run made for every row, those after its end included. */
  made = 0;

  private constructor(
    readonly model: ModelBuffers,
    readonly shape: GeneratorShape,
  ) {
    const { gpu, tuning, sizes, rotation } = model;
    const { prompts, generations, promptLength, maxNew } = shape;
    const { D, F, V, W, heads } = sizes;
    const rows = prompts * generations;
    const table = new BufferTable(gpu, `generation ${prompts}×${generations}`);
    this.#table = table;
    const weights = weightViews(model.weights, model.table, sizes.layers);

    this.#tokens = table.floats('tokens', prompts * promptLength);
    this.#lengths = table.floats('lengths', prompts);
    this.#spans = table.floats('spans', 4 * prompts * promptLength);
    const activations = allocateActivations(table, tuning, {
      sizes,
      rows: prompts * promptLength,
      keep: 'qkv',
      columns: V,
    });
    const prefillShape = table.add(
      kernels.shapeUniform(gpu, { rows: prompts * promptLength, length: promptLength, batch: prompts }),
    );
    this.prefill = new Plan(gpu);
    addForward(this.prefill, tuning, {
      sizes,
      weights,
      activations,
      tokens: this.#tokens,
      spans: this.#spans,
      rotation,
      batch: prompts,
      length: promptLength,
      shape: prefillShape,
      isKept: false,
    });

    this.#next = table.floats('next', rows);
    this.#ended = table.floats('ended', rows);
    this.#peek = new Peek(table, this.#ended, LOOKS);
    this.#state = table.floats('state', 4);
    this.#sampled = table.floats('sampled', 2 * rows * maxNew);
    this.#options = table.add(
      gpu.createBuffer('sample_options', 32, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
    );
    const rowShape = table.add(kernels.shapeUniform(gpu, { rows, length: promptLength, batch: rows }));
    const x = [table.floats('x', rows * D), table.floats('x', rows * D)];
    const middle = table.floats('middle', rows * D);
    const normed = table.floats('normed', rows * D);
    const scale = table.floats('scale', rows);
    // All layers share one set.
    const kept = {
      normed1: normed,
      scale1: scale,
      qkv: table.floats('qkv', rows * W),
      attended: table.floats('attended', rows * D),
      middle,
      normed2: normed,
      scale2: scale,
      gateUp: table.floats('gate_up', rows * 2 * F),
      h: table.floats('h', rows * F),
      halfH: null,
    };
    const logits = table.floats('logits', rows * V);

    const { scratch } = activations;
    this.decode = new Plan(gpu);
    const plan = this.decode;
    kernels.embeddingGather(plan, tuning, {
      table: weights.embedding,
      tokens: this.#next,
      out: x[0],
      D,
      V,
      rows,
      shape: rowShape,
    });
    weights.layers.forEach((weight, l) => {
      addLayer(plan, tuning, {
        sizes,
        weight,
        x: x[l % 2],
        kept,
        isKept: false,
        turn: null,
        out: x[(l + 1) % 2],
        scratch,
        rows,
        shape: rowShape,
        attend: () =>
          kernels.decodeAttention(plan, tuning, {
            qkv: kept.qkv,
            prompt: activations.layers[l].qkv,
            promptLengths: this.#lengths,
            cache: table.floats('cache', rows * maxNew * 2 * heads.kvHeads * heads.headDim),
            rotation,
            state: this.#state,
            o: kept.attended,
            heads,
            generations,
            maxNew,
            rows,
            shape: rowShape,
          }),
      });
    });
    const last = x[sizes.layers % 2];
    kernels.matmulNormed(plan, tuning, {
      label: 'logits',
      input: { x: last, weight: weights.finalNorm, eps: sizes.eps, normed, scale, isKept: false },
      w: weights.embedding,
      out: logits,
      K: D,
      N: V,
      scratch,
      rows,
      shape: rowShape,
    });
    kernels.sample(plan, tuning, {
      logits,
      state: this.#state,
      next: this.#next,
      ended: this.#ended,
      sampled: this.#sampled,
      options: this.#options,
      V,
      maxNew,
      rows,
    });
  }

  static async create(model: ModelBuffers, shape: GeneratorShape): Promise<Generator> {
    const generator = new Generator(model, shape);
    await Promise.all([generator.prefill.compile(), generator.decode.compile()]);
    model.gpu.assertHealthy();
    return generator;
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  fits(wanted: GeneratorShape): boolean {
    const { shape } = this;
    return (
      shape.generations === wanted.generations &&
      shape.maxNew === wanted.maxNew &&
      shape.prompts >= wanted.prompts &&
      shape.promptLength >= wanted.promptLength
    );
  }

  /**
   * `options` must fit this generator's shape. Calls are served one after another.
   * @param firstRow which of the rows that are drawn for is the first of these
   */
  run(options: GenerateOptions, firstRow = 0): Promise<Generation> {
    const result = this.#before.then(() => this.#run(options, firstRow));
    this.#before = result.catch(() => undefined);
    return result;
  }

  /** As `run`, for any number of prompts: as many at a time as there is room for. */
  async runInTurns(options: GenerateOptions): Promise<Generation> {
    const { prompts } = this.shape;
    if (options.prompts.length <= prompts) return this.run(options);
    const all: Generation = { completions: [], logps: [] };
    for (let from = 0; from < options.prompts.length; from += prompts) {
      const turn = { ...options, prompts: options.prompts.slice(from, from + prompts) };
      const { completions, logps } = await this.run(turn, from * options.numGenerations);
      all.completions.push(...completions);
      all.logps.push(...logps);
    }
    return all;
  }

  async #run(options: GenerateOptions, firstRow: number): Promise<Generation> {
    const { prompts, generations, promptLength, maxNew } = this.shape;
    const { gpu } = this.model;
    const { queue } = gpu.device;
    const { tokens, lengths } = padRows(options.prompts, promptLength, prompts);
    // Rows without a prompt run along as if they had one token.
    lengths.fill(1, options.prompts.length);
    const next = new Uint32Array(prompts * generations);
    const ended = new Uint32Array(prompts * generations).fill(1);
    options.prompts.forEach((prompt, p) => {
      next.fill(prompt[prompt.length - 1], p * generations, (p + 1) * generations);
      ended.fill(0, p * generations, (p + 1) * generations);
    });
    queue.writeBuffer(this.#tokens, 0, tokens);
    queue.writeBuffer(this.#lengths, 0, lengths);
    queue.writeBuffer(this.#spans, 0, plainLayout(lengths, promptLength).spans);
    queue.writeBuffer(this.#next, 0, next);
    queue.writeBuffer(this.#ended, 0, ended);
    queue.writeBuffer(this.#state, 0, new Uint32Array(4));
    const words = new Uint32Array(8);
    const rows = options.prompts.length * generations;
    words.set([rows, options.topK, options.eosToken, 0, options.key[0], options.key[1]]);
    new Float32Array(words.buffer)[6] = options.temperature;
    words[7] = firstRow;
    queue.writeBuffer(this.#options, 0, words);

    submit(gpu, this.prefill);
    await this.#decodeAll();

    const sampled = new Uint32Array(await gpu.read(this.#sampled, 0, rows * maxNew * 8));
    const logps = new Float32Array(sampled.buffer);
    const completions: Uint32Array[] = [];
    const rowLogps: Float32Array[] = [];
    for (let r = 0; r < rows; r++) {
      let count = 0;
      while (count < maxNew && (count === 0 || sampled[2 * (r * maxNew + count - 1)] !== options.eosToken))
        count++;
      completions.push(Uint32Array.from({ length: count }, (_, s) => sampled[2 * (r * maxNew + s)]));
      rowLogps.push(Float32Array.from({ length: count }, (_, s) => logps[2 * (r * maxNew + s) + 1]));
    }
    return { completions, logps: rowLogps };
  }

  /**
   * A token for every row, until all have ended or have `maxNew`. A row that has ended stays as it is, so how many more are made
   * before the answer is there changes nothing.
   */
  async #decodeAll(): Promise<void> {
    const { gpu } = this.model;
    const { prompts, generations, maxNew } = this.shape;
    const rows = prompts * generations;
    const looks: Promise<boolean>[] = [];
    let last = performance.now();
    this.made = 0;
    while (this.made < maxNew) {
      const tokens = Math.min(maxNew - this.made, this.#lookEvery());
      // One submit per token keeps each well below the watchdogs of desktop drivers.
      for (let token = 0; token < tokens; token++) submit(gpu, this.decode);
      this.made += tokens;
      const look = this.#peek.look().then((ended) => {
        const now = performance.now();
        this.#tokenMs = (now - last) / tokens;
        last = now;
        return ended.subarray(0, rows).every((word) => word === 1);
      });
      // It is thrown when it is waited for; until then it must not count as unhandled.
      look.catch(() => undefined);
      looks.push(look);
      if (looks.length === LOOKS && (await looks.shift())) break;
    }
    await Promise.all(looks);
  }

  /** How many tokens are made before the next look. Where they take long, each one too many is a loss. */
  #lookEvery(): number {
    if (this.#tokenMs === null) return 1;
    return Math.max(1, Math.min(LOOK_EVERY, Math.floor(LOOK_MS / this.#tokenMs)));
  }

  destroy(): void {
    this.#table.destroy();
  }
}
