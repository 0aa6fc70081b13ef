/**
 * The flat parameter pool: every weight of the model at a fixed offset of one f32 buffer, in Hugging Face's names and
 * [out, in] row-major layout, so that export is slicing. q, k, v lie next to each other and are one [D + 2·KV, D] matrix
 * to the matmul; gate and up likewise. Offsets are multiples of 64 floats (256 bytes, WebGPU's binding alignment).
 */
import { Random } from '../numeric/random';
import { headDim, type ModelConfig } from './config';

export interface Parameter {
  /** Hugging Face name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  name: string;
  shape: number[];
  /** In floats, from the start of the pool. */
  offset: number;
  size: number;
}

const ALIGNMENT = 64;

/** Floats [from, to) of the pool. */
export interface PoolRange {
  from: number;
  to: number;
}

export interface ParameterTable {
  parameters: Parameter[];
  /** Length of the pool in floats. */
  poolSize: number;
  /** Floats [0, decayedSize) are matrices and take weight decay; norm weights follow and do not. */
  decayedSize: number;
}

/** Where every weight of a model of this shape lies. */
export function parameterTable(config: ModelConfig): ParameterTable {
  const { hidden_size: D, intermediate_size: F, vocab_size: V } = config;
  const keyValue = config.num_key_value_heads * headDim(config);
  const parameters: Parameter[] = [];
  let offset = 0;
  const add = (name: string, shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    parameters.push({ name, shape, offset, size });
    offset += size;
  };
  const align = () => {
    offset = Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
  };
  add('model.embed_tokens.weight', [V, D]);
  align();
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    add(`${prefix}.self_attn.q_proj.weight`, [D, D]);
    add(`${prefix}.self_attn.k_proj.weight`, [keyValue, D]);
    add(`${prefix}.self_attn.v_proj.weight`, [keyValue, D]);
    align();
    add(`${prefix}.self_attn.o_proj.weight`, [D, D]);
    align();
    add(`${prefix}.mlp.gate_proj.weight`, [F, D]);
    add(`${prefix}.mlp.up_proj.weight`, [F, D]);
    align();
    add(`${prefix}.mlp.down_proj.weight`, [D, F]);
    align();
  }
  const decayedSize = offset;
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    add(`model.layers.${layer}.input_layernorm.weight`, [D]);
    align();
    add(`model.layers.${layer}.post_attention_layernorm.weight`, [D]);
    align();
  }
  add('model.norm.weight', [D]);
  align();
  return { parameters, poolSize: offset, decayedSize };
}

/** What the kernels take as one matrix, in the pool's order. */
export function matricesOf({ parameters, decayedSize }: ParameterTable): PoolRange[] {
  const matrices: PoolRange[] = [];
  for (const { name, offset, size } of parameters) {
    if (offset >= decayedSize) break;
    if (/\.(k|v|up)_proj\./.test(name)) matrices[matrices.length - 1].to = offset + size;
    else matrices.push({ from: offset, to: offset + size });
  }
  return matrices;
}

/** That which holds a weight of this name. @throws RangeError where no matrix does, and of the embedding, which is two at once */
export function matrixOf(table: ParameterTable, name: string): PoolRange {
  const weight = table.parameters.find((each) => each.name === name);
  const found = matricesOf(table).find(
    ({ from, to }) => from > 0 && weight !== undefined && weight.offset >= from && weight.offset < to,
  );
  if (found === undefined)
    throw new RangeError(`${name} is not a matrix of a layer, so it cannot be trained alone.`);
  return found;
}

/** Floats [from, to) of the pool that hold the matrices of the last block. */
export function lastLayerWindow({ parameters, decayedSize }: ParameterTable): PoolRange {
  const first = parameters.findLast(({ name }) => name.endsWith('.q_proj.weight'));
  if (!first) throw new Error('A model without layers has no last one.');
  return { from: first.offset, to: decayedSize };
}

/** Number of trainable weights (the pool less its alignment gaps). */
export function parameterCount(config: ModelConfig): number {
  return parameterTable(config).parameters.reduce((total, parameter) => total + parameter.size, 0);
}

/**
 * Initial weights: norms 1; matrices normal with standard deviation 1/√in, residual outputs (o_proj, down_proj)
 * divided further by √(2·layers) as in GPT-2; embeddings likewise 1/√D, tied with the output projection.
 * A pure function of (config, seed).
 */
export function initialParameters(config: ModelConfig, seed: number): Float32Array<ArrayBuffer> {
  const { parameters, poolSize } = parameterTable(config);
  const pool = new Float32Array(poolSize);
  const residualScale = 1 / Math.sqrt(2 * config.num_hidden_layers);
  parameters.forEach((parameter, index) => {
    const values = pool.subarray(parameter.offset, parameter.offset + parameter.size);
    if (parameter.shape.length === 1) {
      values.fill(1);
      return;
    }
    const random = new Random(seed, 'initial-parameters', index);
    const isResidual = /o_proj|down_proj/.test(parameter.name);
    const scale = (isResidual ? residualScale : 1) / Math.sqrt(parameter.shape[1]);
    for (let i = 0; i < values.length; i++) values[i] = scale * random.normal();
  });
  return pool;
}
