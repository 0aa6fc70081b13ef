/** A product's sums stored, where nothing else becomes of them. */
import matmulStoredSource from '../../../shaders/matmul_stored.wgsl?raw';
import type { End, Product } from './product';

export function stored({ a, residual }: Product): End {
  return {
    code: matmulStoredSource,
    isPaired: false,
    constants: { RESIDUAL: residual ? 1 : 0 },
    // Auto layouts keep a binding that any branch names.
    bindings: [residual ?? a],
  };
}
