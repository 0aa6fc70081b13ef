/**
 * A product of small matrices in WebAssembly, in the order of sums of TensorFlow.js's own for transposed ones (tfjs-backend-wasm 4.22.0,
 * `slow_batch_mat_mul`), so with its bits:
 *
 *     out[i, j] = ((0 + S₀) + S₁) + …,   Sₙ = Σ a[i, k] · b[k, j] over the n-th 48 of k, from 0 upwards, in f32
 *
 * That one takes an element of `out` after another. Here sixteen of a row are summed side by side, which changes no sum, and an a[i, k] of 0
 * is passed over: most of what judges multiply is bags, and a sum that began at +0 is what it was when ±0 is added to it. The module is
 * written out as instructions, so that nothing has to be assembled when the page is built.
 */

/** Of k, summed apart. */
const BLOCK = 48;
const LANES = 4;
/** Vectors of a row of `out` that are summed side by side. */
const WIDE = 4;
const PAGE = 65_536;

/** Numbers in the encoding of WebAssembly; LEB128, which is the same byte below 64. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const isLast = rest >= -64 && rest < 64;
    bytes.push((rest & 127) | (isLast ? 0 : 128));
    if (isLast) return bytes;
  }
}

const [I32, F32, V128, EMPTY] = [0x7f, 0x7d, 0x7b, 0x40];
const get = (local: number) => [0x20, ...leb(local)];
const set = (local: number) => [0x21, ...leb(local)];
const number = (value: number) => [0x41, ...leb(value)];
const sum = (...[first, ...rest]: number[][]) => [...first, ...rest.flatMap((term) => [...term, 0x6a])];
const times = (a: number[], b: number[]) => [...a, ...b, 0x6c];
const advance = (local: number, by: number[]) => [...sum(get(local), by), ...set(local)];
/** Does `body` until it does not ask for more. */
const loop = (body: number[], isMore: number[]) => [0x03, EMPTY, ...body, ...isMore, 0x0d, 0, 0x0b];
const when = (condition: number[], body: number[]) => [...condition, 0x04, EMPTY, ...body, 0x0b];
const isBelow = (a: number[], b: number[]) => [...a, ...b, 0x48];
const simd = (code: number) => [0xfd, ...(code < 128 ? [code] : [(code & 127) | 128, code >> 7])];
const loadVector = (address: number[], offset: number) => [...address, ...simd(0), 4, ...leb(offset)];
const storeVector = (address: number[], offset: number, value: number[]) => [
  ...address,
  ...value,
  ...simd(11),
  4,
  ...leb(offset),
];
const addVectors = (a: number[], b: number[]) => [...a, ...b, ...simd(0xe4)];
const timesVector = (scalar: number[], vector: number[]) => [
  ...scalar,
  ...simd(0x13),
  ...vector,
  ...simd(0xe6),
];
const ZERO_VECTOR = [...simd(12), ...new Array<number>(16).fill(0)];

/** Parameters, in bytes where they are addresses or strides: a row of `b` and of `out` has `width`, a whole number of vectors. */
const [A, B, OUT, ROWS, K, WIDTH, A_ROW, A_COLUMN] = Array.from({ length: 8 }, (_, local) => local);
/** Locals: what is left of the block; rows, bytes and terms that were taken; where they lie; a[i, k]; sums. */
const [TERMS, ROW, AT, LEFT, A_AT, B_AT, A_FROM, OUT_AT, VALUE, SUMS] = Array.from(
  { length: 10 },
  (_, local) => local + 8,
);

/** A block's part of `vectors` vectors of `out`, and on to the next. */
function columns(vectors: number): number[] {
  const each = <T>(of: (vector: number) => T) => Array.from({ length: vectors }, (_, vector) => of(vector));
  const address = sum(get(OUT_AT), get(AT));
  return [
    ...each((vector) => [...ZERO_VECTOR, ...set(SUMS + vector)]).flat(),
    ...[...get(TERMS), ...set(LEFT), ...get(A_FROM), ...set(A_AT), ...sum(get(B), get(AT)), ...set(B_AT)],
    ...loop(
      [
        ...[...get(A_AT), 0x2a, 2, 0, ...set(VALUE)],
        ...when(
          [...get(VALUE), 0x43, 0, 0, 0, 0, 0x5c],
          each((vector) => [
            ...addVectors(get(SUMS + vector), timesVector(get(VALUE), loadVector(get(B_AT), 16 * vector))),
            ...set(SUMS + vector),
          ]).flat(),
        ),
        ...advance(A_AT, get(A_COLUMN)),
        ...advance(B_AT, get(WIDTH)),
        ...advance(LEFT, number(-1)),
      ],
      get(LEFT),
    ),
    ...each((vector) =>
      storeVector(address, 16 * vector, addVectors(loadVector(address, 16 * vector), get(SUMS + vector))),
    ).flat(),
    ...advance(AT, number(16 * vectors)),
  ];
}

function body(): number[] {
  const wide = 16 * WIDE;
  const row = [
    ...[...number(0), ...set(AT)],
    ...when(
      isBelow(number(wide - 1), get(WIDTH)),
      loop(columns(WIDE), isBelow(sum(get(AT), number(wide - 1)), get(WIDTH))),
    ),
    ...when(isBelow(get(AT), get(WIDTH)), loop(columns(1), isBelow(get(AT), get(WIDTH)))),
    ...advance(A_FROM, get(A_ROW)),
    ...advance(OUT_AT, get(WIDTH)),
    ...advance(ROW, number(-1)),
  ];
  const block = [
    // The lesser of what is left of k and of a block.
    ...[...get(K), ...number(BLOCK), ...isBelow(get(K), number(BLOCK)), 0x1b, ...set(TERMS)],
    ...[...get(ROWS), ...set(ROW), ...get(A), ...set(A_FROM), ...get(OUT), ...set(OUT_AT)],
    ...loop(row, get(ROW)),
    ...advance(A, times(get(A_COLUMN), number(BLOCK))),
    ...advance(B, times(get(WIDTH), number(BLOCK))),
    ...advance(K, number(-BLOCK)),
  ];
  return loop(block, isBelow(number(0), get(K)));
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: number[]) => [id, ...unsigned(content.length), ...content];
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  const locals = [3, 8, I32, 1, F32, WIDE, V128];
  const code = [...locals, ...body(), 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 8, ...new Array<number>(8).fill(I32), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('product'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)];
}

/** Matrices of one shape, one behind the other, as they lie, and whether they are meant transposed. */
export interface LaidMatrices {
  values: Float32Array;
  /** Of each, as it lies. */
  rows: number;
  columns: number;
  isTransposed: boolean;
}

/** Writes each a · b into `out`, [batches × rows of a × columns of b] of what is meant. */
export type BlockedProduct = (a: LaidMatrices, b: LaidMatrices, out: Float32Array, batches: number) => void;

/** Null where WebAssembly has no vectors. */
export function openBlockedProduct(): BlockedProduct | null {
  const bytes = moduleBytes();
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return null;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const memory = exports.memory as WebAssembly.Memory;
  const product = exports.product as (...parameters: number[]) => void;
  return (a, b, out, batches) => {
    const [rows, terms] = a.isTransposed ? [a.columns, a.rows] : [a.rows, a.columns];
    const count = b.isTransposed ? b.rows : b.columns;
    const padded = Math.ceil(count / LANES) * LANES;
    const bFrom = Math.ceil(a.values.length / LANES) * LANES;
    const outFrom = bFrom + batches * terms * padded;
    const end = outFrom + batches * rows * padded;
    const missing = 4 * end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    const numbers = new Float32Array(memory.buffer, 0, end);
    numbers.set(a.values);
    lay(b, numbers, bFrom, padded);
    numbers.fill(0, outFrom);
    const [aRow, aColumn] = a.isTransposed ? [4, 4 * a.columns] : [4 * a.columns, 4];
    for (let at = 0; at < batches; at++) {
      const from = [at * rows * terms, bFrom + at * terms * padded, outFrom + at * rows * padded];
      product(4 * from[0], 4 * from[1], 4 * from[2], rows, terms, 4 * padded, aRow, aColumn);
    }
    if (padded === count) out.set(numbers.subarray(outFrom));
    else
      for (let row = 0; row < batches * rows; row++)
        for (let column = 0; column < count; column++)
          out[row * count + column] = numbers[outFrom + row * padded + column];
  };
}

/** Matrices as they are meant, in rows of `padded` numbers; what fills these up is multiplied, and read by nobody. */
function lay(
  { values, rows, columns, isTransposed }: LaidMatrices,
  to: Float32Array,
  from: number,
  padded: number,
): void {
  if (!isTransposed && columns === padded) {
    to.set(values, from);
    return;
  }
  const [rowStep, columnStep] = isTransposed ? [1, padded] : [padded, 1];
  const size = isTransposed ? columns * padded : rows * padded;
  let at = 0;
  for (let start = from; at < values.length; start += size)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        to[start + row * rowStep + column * columnStep] = values[at++];
}
