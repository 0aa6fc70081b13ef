import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/model/config';
import { initialParameters, parameterTable } from '../../src/model/parameters';
import {
  exportModel,
  importParameters,
  readSafetensors,
  SafetensorsError,
  writeSafetensors,
} from '../../src/model/safetensors';

const config: ModelConfig = {
  vocab_size: 11,
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  intermediate_size: 13,
  max_position_embeddings: 16,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
};

/** A file with the given header text and so many bytes of data. */
function file(header: string, dataBytes: number, headerLength?: bigint): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (shape: number[], begin: number, end: number, dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('writeSafetensors and readSafetensors', () => {
  it('round-trip any tensors to the bit, from any address, with the data aligned to 8 bytes', () => {
    const tensor = fc.record({
      name: fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 5 }),
        fc.infiniteStream(fc.float({ noNaN: true })),
        fc.integer({ min: 0, max: 7 }),
        (shapes, values, shift) => {
          const tensors = shapes.map(({ name, shape }) => {
            const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
            return { name, shape, data: data.map(() => values.next().value as number) };
          });
          const bytes = writeSafetensors(tensors, { format: 'pt' });
          const dataBytes = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
          expect((bytes.length - dataBytes) % 8).toBe(0);
          const json = new TextDecoder().decode(bytes.subarray(8, bytes.length - dataBytes));
          expect(json.length - json.trimEnd().length).toBeLessThan(8);
          const shifted = new Uint8Array(bytes.length + shift);
          shifted.set(bytes, shift);
          const read = readSafetensors(shifted.subarray(shift));
          expect(read.metadata).toEqual({ format: 'pt' });
          const byName = new Map(read.tensors.map((tensor) => [tensor.name, tensor]));
          expect(byName.size).toBe(tensors.length);
          for (const { name, shape, data } of tensors) {
            expect(byName.get(name)!.shape).toEqual(shape);
            expect(new Uint8Array(byName.get(name)!.data.buffer)).toEqual(new Uint8Array(data.buffer));
          }
        },
      ),
    );
  });

  it('takes tensors in any order of their bytes, empty ones among them', () => {
    const header = { b: entry([1], 8, 12), none: entry([0], 8, 8), a: entry([2], 0, 8) };
    const { tensors, metadata } = readSafetensors(file(JSON.stringify(header), 12));
    expect(tensors.map(({ name, data }) => [name, data.length])).toEqual([
      ['b', 1],
      ['none', 0],
      ['a', 2],
    ]);
    expect(metadata).toEqual({});
  });

  const good = entry([2], 0, 8);
  it.each([
    ['empty', new Uint8Array(), 'too short'],
    ['header longer than the file', file('{}', 0, 9n), 'said to be 9 bytes'],
    ['header of 2^63 bytes', file('{}', 0, 2n ** 63n), 'said to be 9223372036854775808 bytes'],
    ['header no JSON', file('{"a":', 0), 'not JSON'],
    ['header no UTF-8', file('{}', 0).fill(0xff, 8), 'not JSON'],
    ['header a text', file('"a"', 0), 'not a JSON object'],
    ['header null', file('null', 0), 'not a JSON object'],
    ['header an array', file('[]', 0), 'not a JSON object'],
    ['entry a number', file('{"a":1}', 0), '"a" has no proper'],
    ['negative extent', file(JSON.stringify({ a: entry([-2], 0, 8) }), 8), '"a" has no proper'],
    ['half offsets', file(JSON.stringify({ a: { ...good, data_offsets: [0] } }), 8), '"a" has no proper'],
    ['other dtype', file(JSON.stringify({ a: entry([2], 0, 4, 'BF16') }), 4), 'dtype BF16'],
    ['truncated data', file(JSON.stringify({ a: good }), 7), 'truncated'],
    ['end before begin', file(JSON.stringify({ a: entry([2], 8, 0) }), 8), 'bytes 8 to 0'],
    ['wrong size', file(JSON.stringify({ a: entry([3], 0, 8) }), 8), 'does not fill'],
    [
      'product beyond integers',
      file(JSON.stringify({ a: entry([2 ** 40, 2 ** 40, 2 ** 40], 0, 8) }), 8),
      'does not fill',
    ],
    ['overlap', file(JSON.stringify({ a: good, b: entry([2], 4, 12) }), 12), '"b" overlaps'],
    ['gap', file(JSON.stringify({ a: good, b: entry([1], 12, 16) }), 16), '"b" leaves a gap'],
    ['bytes left over', file(JSON.stringify({ a: good }), 12), '4 bytes behind'],
    ['metadata of numbers', file('{"__metadata__":{"a":1}}', 0), 'metadata'],
    ['prototype as a tensor', file('{"__proto__":{"dtype":"F32"}}', 0), '"__proto__" has no proper'],
  ])('refuses a file with %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(SafetensorsError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });
});

describe('exportModel', () => {
  const pool = initialParameters(config, 6);
  const files = exportModel(config, pool, { pad: 0, eos: 4 });
  const weights = files.find(({ name }) => name === 'model.safetensors')!.bytes;

  it('writes what importParameters reads back to the bit', () => {
    expect(importParameters(config, weights)).toEqual(pool);
  });

  it('names every tensor as LlamaForCausalLM does, the head tied', () => {
    const { tensors, metadata } = readSafetensors(weights);
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.map(({ name }) => name)).not.toContain('lm_head.weight');
    expect(tensors.map(({ name, shape }) => `${name} ${shape}`)).toContain(
      'model.layers.1.self_attn.k_proj.weight 4,12',
    );
    expect(tensors.length).toBe(parameterTable(config).parameters.length);
    const json = JSON.parse(
      new TextDecoder().decode(files.find(({ name }) => name === 'config.json')!.bytes),
    );
    expect(json).toMatchObject({
      ...config,
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_act: 'silu',
      head_dim: 2,
      attention_bias: false,
      attention_dropout: 0,
      mlp_bias: false,
      rope_scaling: null,
      tie_word_embeddings: true,
      bos_token_id: null,
      eos_token_id: 4,
      pad_token_id: 0,
      torch_dtype: 'float32',
      use_cache: true,
    });
  });

  it('refuses the weights of another model', () => {
    const deeper = { ...config, num_hidden_layers: 3 };
    expect(() => importParameters(deeper, weights)).toThrow('no tensor "model.layers.2');
    const wider = { ...config, intermediate_size: 14 };
    expect(() => importParameters(wider, weights)).toThrow('has shape [13,12]');
  });
});
