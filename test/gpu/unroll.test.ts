import { expect, it } from 'vitest';
import { unroll } from '../../src/gpu/unroll';

it('repeats marked lines with their index and leaves the others alone', () => {
  expect(unroll('a\n  x{c} += y[{c}u]; // each c\nb // each d', 3)).toBe(
    'a\n  x0 += y[0u];\n  x1 += y[1u];\n  x2 += y[2u];\nb // each d',
  );
});
