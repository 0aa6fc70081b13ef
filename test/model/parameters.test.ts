import { describe, expect, it } from 'vitest';
import {
  initialParameters,
  lastLayerWindow,
  parameterCount,
  parameterTable,
} from '../../src/model/parameters';
import { grouped, multiHead } from './shapes';

const table = parameterTable(grouped);
const find = (name: string) => table.parameters.find((parameter) => parameter.name === name)!;

describe('parameterTable', () => {
  it("has Hugging Face's shapes, keys and values as wide as their heads", () => {
    const shapes = Object.fromEntries(
      table.parameters.slice(0, 8).map(({ name, shape }) => [name.replace('model.layers.0.', ''), shape]),
    );
    expect(shapes).toEqual({
      'model.embed_tokens.weight': [36, 36],
      'self_attn.q_proj.weight': [36, 36],
      'self_attn.k_proj.weight': [12, 36],
      'self_attn.v_proj.weight': [12, 36],
      'self_attn.o_proj.weight': [36, 36],
      'mlp.gate_proj.weight': [44, 36],
      'mlp.up_proj.weight': [44, 36],
      'mlp.down_proj.weight': [36, 44],
    });
    expect(table.parameters).toHaveLength(1 + 3 * 9 + 1);
  });

  it('puts q, k, v and gate, up side by side, and all else at multiples of 64 without overlaps', () => {
    let end = 0;
    for (const { name, offset, size, shape } of table.parameters) {
      expect(size, name).toBe(shape.reduce((a, b) => a * b, 1));
      const follows = /k_proj|v_proj|up_proj/.test(name);
      expect(offset, name).toBe(follows ? end : Math.ceil(end / 64) * 64);
      end = offset + size;
    }
    expect(table.poolSize).toBe(Math.ceil(end / 64) * 64);
    expect(parameterCount(grouped)).toBe(table.parameters.reduce((sum, { size }) => sum + size, 0));
  });

  it('decays matrices and not norms', () => {
    for (const { name, shape, offset, size } of table.parameters) {
      if (shape.length === 2) expect(offset + size, name).toBeLessThanOrEqual(table.decayedSize);
      else expect(offset, name).toBeGreaterThanOrEqual(table.decayedSize);
    }
    expect(find('model.norm.weight').shape).toEqual([36]);
  });
});

it('takes the matrices of the last block for its window', () => {
  const { from, to } = lastLayerWindow(table);
  expect(from).toBe(find('model.layers.2.self_attn.q_proj.weight').offset);
  expect(to).toBe(table.decayedSize);
  expect(() => lastLayerWindow({ parameters: [], poolSize: 0, decayedSize: 0 })).toThrow('without layers');
});

describe('initialParameters', () => {
  const wide = { ...multiHead, vocab_size: 200, hidden_size: 64, intermediate_size: 256 };
  const pool = initialParameters(wide, 3);
  const { parameters, poolSize } = parameterTable(wide);
  const valuesOf = (ending: string) => {
    const found = parameters.find(({ name }) => name.endsWith(ending))!;
    return pool.subarray(found.offset, found.offset + found.size);
  };
  const deviation = (values: Float32Array) =>
    Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

  it('draws matrices of deviation 1/√in, smaller where they write to the residual stream', () => {
    expect(deviation(valuesOf('embed_tokens.weight'))).toBeCloseTo(1 / 8, 2);
    expect(deviation(valuesOf('q_proj.weight'))).toBeCloseTo(1 / 8, 2);
    expect(deviation(valuesOf('o_proj.weight'))).toBeCloseTo(1 / 8 / 2, 2);
    expect(deviation(valuesOf('down_proj.weight'))).toBeCloseTo(1 / 16 / 2, 3);
    const mean = pool.reduce((sum, value) => sum + value, 0) - 64 * 5;
    expect(Math.abs(mean / poolSize)).toBeLessThan(0.01);
  });

  it('starts norms at 1, leaves gaps at 0, and gives every matrix a stream of its own', () => {
    for (const { name, shape, offset, size } of parameters) {
      if (shape.length === 1)
        expect(new Set(pool.subarray(offset, offset + size)), name).toEqual(new Set([1]));
    }
    const inside = new Uint8Array(poolSize);
    for (const { offset, size } of parameters) inside.fill(1, offset, offset + size);
    expect(pool.every((value, at) => inside[at] === 1 || value === 0)).toBe(true);
    expect(valuesOf('gate_proj.weight').slice(0, 8)).not.toEqual(valuesOf('up_proj.weight').slice(0, 8));
  });

  it('depends on the seed alone', () => {
    expect(initialParameters(wide, 3)).toEqual(pool);
    expect(initialParameters(wide, 4)).not.toEqual(pool);
  });
});
