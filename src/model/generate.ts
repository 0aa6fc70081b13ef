/**
 * Batched sampling with a key–value cache: the prompts are run through once, then one list of dispatches is replayed per new
 * token. Generations of one prompt share its keys and values. Nothing is read back until the batch is done.
 */
import type { Gpu } from '../gpu/device';
import * as kernels from '../gpu/kernels';
import { Plan, submit } from '../gpu/plan';
import { addForward, allocateActivations, BufferTable, type Sizes, weightViews } from './forward';
import type { GenerateOptions, Generation } from './languageModel';
import { plainLayout } from './packing';
import type { ParameterTable } from './parameters';

/** Shape a generator is compiled for; smaller requests are padded. */
export interface GeneratorShape {
  prompts: number;
  generations: number;
  promptLength: number;
  maxNew: number;
}

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

  private constructor(
    readonly gpu: Gpu,
    tuning: kernels.Tuning,
    readonly sizes: Sizes,
    parameters: ParameterTable,
    pool: GPUBuffer,
    rotation: GPUBuffer,
    readonly shape: GeneratorShape,
  ) {
    const { prompts, generations, promptLength, maxNew } = shape;
    const { D, F, V, W, eps, heads } = sizes;
    const rows = prompts * generations;
    const table = new BufferTable(gpu, `generation ${prompts}×${generations}`);
    this.#table = table;
    const weights = weightViews(pool, parameters, sizes.layers);

    this.#tokens = table.floats('tokens', prompts * promptLength);
    this.#lengths = table.floats('lengths', prompts);
    this.#spans = table.floats('spans', 4 * prompts * promptLength);
    const activations = allocateActivations(table, tuning, sizes, prompts * promptLength, 'qkv');
    const prefillShape = table.add(kernels.shapeUniform(gpu, prompts * promptLength, promptLength, prompts));
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
    });

    this.#next = table.floats('next', rows);
    this.#ended = table.floats('ended', rows);
    this.#state = table.floats('state', 4);
    this.#sampled = table.floats('sampled', 2 * rows * maxNew);
    this.#options = table.add(
      gpu.createBuffer('sample_options', 32, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
    );
    const rowShape = table.add(kernels.shapeUniform(gpu, rows, promptLength, rows));
    const x = [table.floats('x', rows * D), table.floats('x', rows * D)];
    const middle = table.floats('middle', rows * D);
    const normed = table.floats('normed', rows * D);
    const scale = table.floats('scale', rows);
    const qkv = table.floats('qkv', rows * W);
    const attended = table.floats('attended', rows * D);
    const gateUp = table.floats('gate_up', rows * 2 * F);
    const h = table.floats('h', rows * F);
    const logits = table.floats('logits', rows * V);

    const { scratch } = activations;
    this.decode = new Plan(gpu);
    const plan = this.decode;
    kernels.embeddingGather(plan, {
      table: weights.embedding,
      tokens: this.#next,
      out: x[0],
      D,
      V,
      rows,
      shape: rowShape,
    });
    weights.layers.forEach((w, l) => {
      const [input, output] = [x[l % 2], x[(l + 1) % 2]];
      const shape = rowShape;
      kernels.rmsNorm(plan, tuning, { x: input, weight: w.norm1, scale, out: normed, D, eps, rows, shape });
      kernels.matmulNT(plan, tuning, {
        label: 'qkv',
        a: normed,
        w: w.qkv,
        scratch,
        out: qkv,
        K: D,
        N: W,
        rows,
        shape,
      });
      kernels.decodeAttention(plan, tuning, {
        qkv,
        prompt: activations.layers[l].qkv,
        promptLengths: this.#lengths,
        cache: table.floats('cache', rows * maxNew * 2 * heads.kvHeads * heads.headDim),
        rotation,
        state: this.#state,
        o: attended,
        heads,
        generations,
        maxNew,
        rows,
        shape,
      });
      kernels.matmulNT(plan, tuning, {
        label: 'o_proj',
        a: attended,
        w: w.output,
        scratch,
        residual: input,
        out: middle,
        K: D,
        N: D,
        rows,
        shape,
      });
      kernels.rmsNorm(plan, tuning, { x: middle, weight: w.norm2, scale, out: normed, D, eps, rows, shape });
      kernels.matmulNT(plan, tuning, {
        label: 'gate_up',
        a: normed,
        w: w.gateUp,
        scratch,
        out: gateUp,
        K: D,
        N: 2 * F,
        rows,
        shape,
      });
      kernels.swiglu(plan, { gateUp, h, F, rows, shape });
      kernels.matmulNT(plan, tuning, {
        label: 'down',
        a: h,
        w: w.down,
        scratch,
        residual: middle,
        out: output,
        K: F,
        N: D,
        rows,
        shape,
      });
    });
    const last = x[sizes.layers % 2];
    kernels.rmsNorm(plan, tuning, {
      x: last,
      weight: weights.finalNorm,
      scale,
      out: normed,
      D,
      eps,
      rows,
      shape: rowShape,
    });
    kernels.matmulNT(plan, tuning, {
      label: 'logits',
      a: normed,
      w: weights.embedding,
      scratch,
      out: logits,
      K: D,
      N: V,
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

  static async create(
    gpu: Gpu,
    tuning: kernels.Tuning,
    sizes: Sizes,
    parameters: ParameterTable,
    pool: GPUBuffer,
    rotation: GPUBuffer,
    shape: GeneratorShape,
  ): Promise<Generator> {
    const generator = new Generator(gpu, tuning, sizes, parameters, pool, rotation, shape);
    await Promise.all([generator.prefill.compile(), generator.decode.compile()]);
    gpu.assertHealthy();
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

  /** `options` must fit this generator's shape. */
  async run(options: GenerateOptions): Promise<Generation> {
    const { prompts, generations, promptLength, maxNew } = this.shape;
    const { queue } = this.gpu.device;
    const tokens = new Uint32Array(prompts * promptLength);
    const lengths = new Uint32Array(prompts).fill(1);
    const next = new Uint32Array(prompts * generations);
    const ended = new Uint32Array(prompts * generations).fill(1);
    options.prompts.forEach((prompt, p) => {
      tokens.set(prompt, p * promptLength);
      lengths[p] = prompt.length;
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
    queue.writeBuffer(this.#options, 0, words);

    // One submit per token keeps each well below the watchdogs of desktop drivers.
    submit(this.gpu, this.prefill);
    for (let s = 0; s < maxNew; s++) submit(this.gpu, this.decode);

    const sampled = new Uint32Array(await this.gpu.read(this.#sampled, 0, rows * maxNew * 8));
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

  destroy(): void {
    this.#table.destroy();
  }
}
