/** A product as launchers hand it to one another, and what may come before and after it in the same dispatch. */
import type { Binding } from '../plan';
import type { ProductExtents } from './matmulFamily';

/** A product as the shaders take it. */
export interface Product extends ProductExtents {
  label: string;
  a: Binding;
  b: Binding;
  residual?: Binding;
  /** Whether sums begin with what is in `out`: in nn alone, by a member that does not split k. */
  goesOn?: boolean;
  out: Binding;
  /** Floats from one slice of `out` to the next. */
  slice: number;
  /** Where k is to be split, at least `MOST_PARTIALS` floats, free to be overwritten. */
  scratch?: Binding;
  shape: GPUBuffer;
}

/** What becomes of sums: a shader of functions that matmul_tiled.wgsl calls. */
export interface End {
  code: string;
  /** Whether outputs belong together in pairs. */
  isPaired: boolean;
  /** Whether it reads or writes f16. No other shader does so in its place, so that k is not split. */
  isHalf?: boolean;
  constants?: Record<string, number>;
  /** Of its lines that are repeated. */
  counts?: Record<string, number>;
  /** What it reads or writes beside `out`: bindings 2 and 5. */
  bindings: readonly [second: Binding | null, fifth?: Binding | null];
}

/** The norm that rows of `a` go through first, in nt: its weight, its eps, and how many threads share a row's sum. */
export interface ProductNorm {
  weight: Binding;
  eps: number;
  lanes: number;
}

/** What a product may have at its ends beside the storing of its sums; a member that splits k can have neither. */
export interface ProductEnds {
  norm?: ProductNorm;
  end?: End;
}
