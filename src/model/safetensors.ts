/**
 * safetensors files and the export of a trained model as a Hugging Face `LlamaForCausalLM`. The format
 * (github.com/huggingface/safetensors, "Format"): a little-endian u64 with the header's length, a JSON header that gives
 * each tensor's dtype, shape and byte range, then the bytes of all tensors without gaps.
 */
import * as v from 'valibot';
import { headDim, type ModelConfig } from './config';
import { parameterTable } from './parameters';

export interface NamedTensor {
  name: string;
  shape: number[];
  /** Row-major. */
  data: Float32Array;
}

/** A file that cannot be read; the message says what is wrong with it and where. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
}

/** Longer headers are refused unread, as the format's own library does (there 100 MB; a model here has a few kilobytes). */
const MAX_HEADER_BYTES = 16 * 2 ** 20;
const FLOAT_BYTES = 4;
const LENGTH_BYTES = 8;

const Entry = v.object({
  dtype: v.string(),
  shape: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  data_offsets: v.tuple([
    v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  ]),
});
const Metadata = v.record(v.string(), v.string());

/** The bytes of a safetensors file of f32 tensors, in the given order; the data starts at a multiple of 8 bytes. */
export function writeSafetensors(
  tensors: NamedTensor[],
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, shape, data } of tensors) {
    const begin = end;
    end += data.length * FLOAT_BYTES;
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  bytes.set(json, LENGTH_BYTES);
  const floats = new Float32Array(bytes.buffer, LENGTH_BYTES + headerBytes, end / FLOAT_BYTES);
  let at = 0;
  for (const { data } of tensors) {
    floats.set(data, at);
    at += data.length;
  }
  return bytes;
}

/**
 * Reads a safetensors file of f32 tensors. Trusts nothing in it.
 * @throws SafetensorsError
 */
export function readSafetensors(bytes: Uint8Array): {
  tensors: NamedTensor[];
  metadata: Record<string, string>;
} {
  const header = readHeader(bytes);
  const dataStart = LENGTH_BYTES + header.bytes;
  const available = bytes.length - dataStart;
  const ranges: { name: string; begin: number; end: number }[] = [];
  const tensors: NamedTensor[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header.json)) {
    if (name === '__metadata__') {
      if (!v.is(Metadata, value)) {
        throw new SafetensorsError('The metadata of the safetensors header is not a table of texts.');
      }
      metadata = value;
      continue;
    }
    const label = `Tensor "${name.slice(0, 80)}"`;
    if (!v.is(Entry, value)) {
      throw new SafetensorsError(`${label} has no proper dtype, shape and data_offsets in the header.`);
    }
    if (value.dtype !== 'F32') {
      throw new SafetensorsError(
        `${label} is of dtype ${value.dtype.slice(0, 20)}; only F32 is read here: convert the file to float32.`,
      );
    }
    const [begin, end] = value.data_offsets;
    if (begin > end || end > available) {
      throw new SafetensorsError(
        `${label} lies at bytes ${begin} to ${end}, but the file holds ${available} bytes of data: it is truncated or damaged.`,
      );
    }
    const size = value.shape.reduce((product, extent) => product * extent, 1);
    if (size * FLOAT_BYTES !== end - begin) {
      throw new SafetensorsError(
        `${label} of shape [${value.shape.slice(0, 8)}] does not fill its ${end - begin} bytes.`,
      );
    }
    ranges.push({ name, begin, end });
    // A copy, because the range may stand at an address that is no multiple of 4.
    const data = new Float32Array(bytes.slice(dataStart + begin, dataStart + end).buffer);
    tensors.push({ name, shape: value.shape, data });
  }
  checkCover(ranges, available);
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array): { json: Record<string, unknown>; bytes: number } {
  if (bytes.length < LENGTH_BYTES) {
    throw new SafetensorsError(`A file of ${bytes.length} bytes is too short to be a safetensors file.`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES) || length > BigInt(bytes.length - LENGTH_BYTES)) {
    throw new SafetensorsError(
      `The header is said to be ${length} bytes long in a file of ${bytes.length}: this is no safetensors file, or it is truncated.`,
    );
  }
  const headerBytes = Number(length);
  let json: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes),
    );
    json = JSON.parse(text);
  } catch {
    throw new SafetensorsError('The safetensors header is not JSON: the file is damaged.');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new SafetensorsError('The safetensors header is not a JSON object: the file is damaged.');
  }
  return { json: json as Record<string, unknown>, bytes: headerBytes };
}

/** Tensors must cover the data exactly: an overlap aliases weights, a gap hides bytes. */
function checkCover(ranges: { name: string; begin: number; end: number }[], available: number): void {
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of ranges) {
    if (begin !== covered) {
      throw new SafetensorsError(
        `Tensor "${name.slice(0, 80)}" ${begin < covered ? 'overlaps the one before it' : 'leaves a gap before it'} at byte ${begin}.`,
      );
    }
    covered = end;
  }
  if (covered !== available) {
    throw new SafetensorsError(`The file has ${available - covered} bytes behind its last tensor.`);
  }
}

/** Token ids that a Hugging Face config.json names. */
export interface SpecialTokens {
  pad: number;
  eos: number;
}

/** The model as config.json describes it to Hugging Face: a `LlamaForCausalLM` whose head is its embedding. */
export function huggingFaceConfig(config: ModelConfig, special: SpecialTokens): Record<string, unknown> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    ...config,
    head_dim: headDim(config),
    hidden_act: 'silu',
    attention_bias: false,
    attention_dropout: 0,
    mlp_bias: false,
    rope_scaling: null,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: special.eos,
    pad_token_id: special.pad,
    torch_dtype: 'float32',
    use_cache: true,
  };
}

/**
 * A checkpoint's files, model.safetensors and config.json, for Hugging Face's `from_pretrained` (with the tokenizer's own
 * tokenizer.json beside them).
 * @param pool the flat pool of `parameterTable(config)`
 */
export function exportModel(
  config: ModelConfig,
  pool: Float32Array,
  special: SpecialTokens,
): { name: string; bytes: Uint8Array<ArrayBuffer> }[] {
  const tensors = parameterTable(config).parameters.map(({ name, shape, offset, size }) => ({
    name,
    shape,
    data: pool.subarray(offset, offset + size),
  }));
  const json = `${JSON.stringify(huggingFaceConfig(config, special), null, 2)}\n`;
  return [
    { name: 'model.safetensors', bytes: writeSafetensors(tensors, { format: 'pt' }) },
    { name: 'config.json', bytes: new TextEncoder().encode(json) },
  ];
}

/**
 * The flat pool of a model of this shape out of its model.safetensors.
 * @throws SafetensorsError when the file is damaged or holds another model
 */
export function importParameters(config: ModelConfig, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const { parameters, poolSize } = parameterTable(config);
  const tensors = new Map(readSafetensors(bytes).tensors.map((tensor) => [tensor.name, tensor]));
  const pool = new Float32Array(poolSize);
  for (const { name, shape, offset } of parameters) {
    const tensor = tensors.get(name);
    if (!tensor) throw new SafetensorsError(`The file has no tensor "${name}", which this model needs.`);
    if (tensor.shape.join() !== shape.join()) {
      throw new SafetensorsError(
        `Tensor "${name}" has shape [${tensor.shape}], but this model needs [${shape}].`,
      );
    }
    pool.set(tensor.data, offset);
  }
  return pool;
}
