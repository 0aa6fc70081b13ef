import { expect, it } from 'vitest';
import { unroll } from '../../src/gpu/unroll';

it('repeats marked lines with their index and leaves the others alone', () => {
  expect(unroll('a\n  x{c} += y[{c}u]; // each c\nb // each other', { c: 3 })).toBe(
    'a\n  x0 += y[0u];\n  x1 += y[1u];\n  x2 += y[2u];\nb // each other',
  );
});

it('repeats over pairs, the first letter slowest', () => {
  expect(unroll('x{r}_{c} // each r c', { r: 2, c: 2 })).toBe('x0_0\nx0_1\nx1_0\nx1_1');
});

it('repeats marked blocks, and the lines in them', () => {
  expect(unroll('{ // each k\n  x{k}{c} // each c\n}\ny', { k: 2, c: 2 })).toBe(
    '{\n  x00\n  x01\n}\n{\n  x10\n  x11\n}\ny',
  );
});

it('repeats blocks in blocks, and leaves out what is repeated no time', () => {
  const nested = '{ // each h\n  { // each c\n    x{h}{c}\n  }\n}\n{ // each z\n  y\n}\nw{c} // each z c';
  expect(unroll(nested, { h: 1, c: 2, z: 0 })).toBe('{\n  {\n    x00\n  }\n  {\n    x01\n  }\n}\n');
});

it('refuses a letter without a count', () => {
  expect(() => unroll('x{d} // each d', { c: 1 })).toThrow('over d');
});
