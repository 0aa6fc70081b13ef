// The products of matmul.wgsl for a GPU with fast workgroup memory: out[m, n] = end(Σ_k a[m, k] · b[k, n]).
//
// Layouts, slices and GOES_ON are matmul.wgsl's; LAYOUT is 0 nt, 1 nn, 2 tn. Every sum runs over k in ascending order. Where nt or nn has
// SPLITS, k is cut into as many runs of whole steps, and each makes a slice of its own (reduce_splits.wgsl adds them up).
// A workgroup makes a tile of TILE_M × TILE_N outputs. It walks k in steps of STEP through tiles of `a` and `b` in workgroup memory.
// While it multiplies one step, each thread holds its share of the next in registers. A thread makes BLOCKS_M × BLOCKS_N blocks
// of 4 × 4 outputs. They lie apart, so that neighbouring threads read neighbouring vec4s.
//
// What a thread loads are blocks of 4 × 4 too, as four vec4s along the operand's rows. Where rows run along k, the block is
// turned in registers. Rows and columns past an edge are clamped on load and dropped on store; past the end of k there are
// zeros. Lines that end in `// each h i c` are repeated (gpu/unroll.ts): h < BLOCKS_M, c < BLOCKS_N, i and j < 4, k < UNROLLED,
// and p counts the turns in which blocks are loaded.
//
// What becomes of a sum is said by the shader that is put behind this one, as matmul_stored.wgsl: `store` takes four neighbouring outputs.
// Where outputs belong together in pairs (lines of z; those of w are for all others), a tile has as many of the first of a pair as of the second,
// and `store_pair` takes four of each. In nt the rows of `a` may be normalised first (lines of o), as rms_norm.wgsl does it, sums in its order.
// An operand may be stored in f16 (`a`: lines of u, not t; `b`: lines of f, not s); from its load on it is f32.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<vec4f>; // [rows, K] | tn: [rows, M] // each t
@group(0) @binding(0) var<storage, read> a : array<vec2u>; // [rows, K] | tn: [rows, M] // each u
@group(0) @binding(1) var<storage, read> b : array<vec4f>; // nn: [K, N] | nt: [N, K] | tn: [rows, N] // each s
@group(0) @binding(1) var<storage, read> b : array<vec2u>; // nn: [K, N] | nt: [N, K] | tn: [rows, N] // each f
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;    // [rows, N] | in slices: [SPLITS, rows, N] | tn: [SPLITS, M, N]
@group(0) @binding(4) var<uniform> shape : Shape;
@group(0) @binding(6) var<storage, read> weight : array<vec4f>;       // [K], of the norm

fn quad_of_a(quad : u32) -> vec4f {
  return a[quad]; // each t
  return unpacked(a[quad]); // each u
}

// A window of f16 may begin where none may be bound: B_FROM quads after the binding's own beginning.
fn quad_of_b(quad : u32) -> vec4f {
  return b[quad]; // each s
  return unpacked(b[B_FROM + quad]); // each f
}

const NT = LAYOUT == 0u;
const TN = LAYOUT == 2u;
// Threads side by side along m, and along n.
const SIDE_M = TILE_M / (4u * BLOCKS_M);
const SIDE_N = TILE_N / (4u * BLOCKS_N);
const THREADS = SIDE_M * SIDE_N;
// Quads, of four neighbours of m or n, of a tile for one k.
const QUADS_A = TILE_M / 4u;
const QUADS_B = TILE_N / 4u;
// Blocks of 4 × 4 one above the other along k, and in a tile.
const LOADS_K = STEP / 4u;
const LOADS_A = QUADS_A * LOADS_K;
const LOADS_B = QUADS_B * LOADS_K;
// The last step along k may be short. Where it never is, no load asks.
const SHORT = TN || K % STEP != 0u;

// [k, quad ^ swizzle]. The swizzle sends threads that store blocks one above the other to different memory banks. A thread stores
// whole vec4s, since stores to the components of one by several threads would race.
var<workgroup> a_tile : array<array<vec4f, QUADS_A>, STEP>;
var<workgroup> b_tile : array<array<vec4f, QUADS_B>, STEP>;

fn swizzle(k : u32, quads : u32) -> u32 { return k / 4u * (32u / STEP) % quads; }
fn in_a(k : u32, quad : u32) -> u32 { return quad ^ swizzle(k, QUADS_A); }
fn in_b(k : u32, quad : u32) -> u32 { return quad ^ swizzle(k, QUADS_B); }

// Of the tile's rows: the sum of squares of each of NORM_LANES threads, and then the scale in the place of the first.
var<workgroup> squares : array<f32, TILE_M * NORM_LANES>;

// A count of turns, so said that no compiler can tell: lavapipe would write the loop out and take seconds.
fn turns(count : u32) -> u32 { return count | (shape.rows >> 31u); }

fn find_scales(thread : u32, m0 : u32, m_extent : u32) {
  for (var i = thread; i < turns(TILE_M * NORM_LANES); i += THREADS) {
    let row = min(m0 + i / NORM_LANES, m_extent - 1u) * (K / 4u);
    var square = 0.0;
    for (var k = i % NORM_LANES; k < turns(K / 4u); k += NORM_LANES) { square += dot(quad_of_a(row + k), quad_of_a(row + k)); }
    squares[i] = square;
  }
  for (var width = NORM_LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    for (var i = thread; i < turns(TILE_M * width); i += THREADS) {
      let at = i / width * NORM_LANES + i % width;
      squares[at] += squares[at + width];
    }
  }
  workgroupBarrier();
  for (var i = thread; i < turns(TILE_M); i += THREADS) {
    squares[i * NORM_LANES] = inverseSqrt(squares[i * NORM_LANES] / f32(K) + f32(EPS_NANO) * 1e-9);
  }
  workgroupBarrier();
}

// Four of a row of `a`, in nt and nn.
fn of_a(row : u32, quad : u32) -> vec4f {
  let x = quad_of_a(row * (K / 4u) + quad);
  return x * squares[row % TILE_M * NORM_LANES] * weight[quad]; // each o
  return x; // each e
}

// The column of the product that a quad of the tile begins with. Of a pair, the first is in the lower half of a block's threads.
fn column(n0 : u32, quad : u32) -> u32 {
  return n0 + quad * 4u; // each w
  return pair_column(pair_of(n0, quad), quad % SIDE_N >= SIDE_N / 2u); // each z
}

// Pairs are numbered as their first columns are.
fn pair_of(n0 : u32, quad : u32) -> u32 {
  return n0 / 2u + (quad / SIDE_N * (SIDE_N / 2u) + quad % (SIDE_N / 2u)) * 4u;
}

// STEP, and a GPU has its turns written out.
fn steps() -> u32 { return select(turns(STEP), STEP, UNROLLED == STEP); }

// Where a block lies in a tile, as (block along k, quad). Neighbouring threads take neighbouring addresses.
fn place(block : u32, quads : u32, rows_along_k : bool) -> vec2u {
  return select(vec2u(block / quads, block % quads), vec2u(block % LOADS_K, block / LOADS_K), rows_along_k);
}

// a[m … m + 3, k … k + 3]: column j is k + j.
fn block_of_a(m : u32, k : u32, m_extent : u32, end : u32) -> mat4x4f {
  if (TN) {
    let at = min(m, max(M, 4u) - 4u) / 4u;
    var v{j} = vec4f(); // each j
    if (k + {j}u < end) { v{j} = quad_of_a((k + {j}u) * (M / 4u) + at); } // each j
    return mat4x4f(v0, v1, v2, v3);
  }
  if (SHORT && k >= end) { return mat4x4f(); }
  let v{j} = of_a(min(m + {j}u, m_extent - 1u), k / 4u); // each j
  return transpose(mat4x4f(v0, v1, v2, v3));
}

// b[k … k + 3, n … n + 3]: column j is k + j.
fn block_of_b(n : u32, k : u32, end : u32) -> mat4x4f {
  if (NT) {
    if (SHORT && k >= end) { return mat4x4f(); }
    let v{j} = quad_of_b(min(n + {j}u, N - 1u) * (K / 4u) + k / 4u); // each j
    return transpose(mat4x4f(v0, v1, v2, v3));
  }
  let at = min(n, N - 4u) / 4u;
  var v{j} = vec4f(); // each j
  if (!SHORT || k + {j}u < end) { v{j} = quad_of_b((k + {j}u) * (N / 4u) + at); } // each j
  return mat4x4f(v0, v1, v2, v3);
}

// The blocks of `a` and then those of `b` are dealt to the threads, a block in a turn. Where a whole turn is of one, no thread asks.
fn is_of_a(thread : u32, turn : u32) -> bool {
  return (turn + 1u) * THREADS <= LOADS_A || (turn * THREADS < LOADS_A && turn * THREADS + thread < LOADS_A);
}

// The last turn may have no block for some.
fn is_idle(thread : u32, turn : u32) -> bool {
  return (turn + 1u) * THREADS > LOADS_A + LOADS_B && turn * THREADS + thread >= LOADS_A + LOADS_B;
}

fn load(thread : u32, turn : u32, m0 : u32, n0 : u32, k0 : u32, m_extent : u32, end : u32) -> mat4x4f {
  if (is_idle(thread, turn)) { return mat4x4f(); }
  let block = turn * THREADS + thread;
  if (is_of_a(thread, turn)) {
    let at = place(block, QUADS_A, !TN);
    return block_of_a(m0 + at.y * 4u, k0 + at.x * 4u, m_extent, end);
  }
  let at = place(block - LOADS_A, QUADS_B, NT);
  return block_of_b(column(n0, at.y), k0 + at.x * 4u, end);
}

fn keep(thread : u32, turn : u32, columns : mat4x4f) {
  if (is_idle(thread, turn)) { return; }
  let block = turn * THREADS + thread;
  if (is_of_a(thread, turn)) {
    let at = place(block, QUADS_A, !TN);
    a_tile[at.x * 4u + {j}u][in_a(at.x * 4u, at.y)] = columns[{j}]; // each j
  } else {
    let at = place(block - LOADS_A, QUADS_B, NT);
    b_tile[at.x * 4u + {j}u][in_b(at.x * 4u, at.y)] = columns[{j}]; // each j
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) thread : u32) {
  let m_extent = select(shape.rows, M, TN);
  let m0 = group.y * TILE_M;
  let n0 = group.x * TILE_N;
  var begin = 0u;
  var end = K;
  if (TN) {
    let run = (shape.rows + SPLITS - 1u) / SPLITS;
    begin = min(group.z * run, shape.rows);
    end = min(begin + run, shape.rows);
  } else if (SPLITS > 1u) {
    let run = (K + STEP * SPLITS - 1u) / (STEP * SPLITS) * STEP;
    begin = min(group.z * run, K);
    end = min(begin + run, K);
  }

  // The 32 threads that go in step lie as 8 × 4: so they read the fewest different vec4s.
  let x = thread % 8u + thread / 32u % (SIDE_N / 8u) * 8u;
  let y = thread / 8u % 4u + thread / 32u / (SIDE_N / 8u) * 4u;

  let m = m0 + y * 4u;
  let n = n0 + x * 4u;
  var s{h}{i}{c} = vec4f(); // each h i c
  if (GOES_ON == 1u) { s{h}{i}{c} = begun(m + {h}u * SIDE_M * 4u + {i}u, n + {c}u * SIDE_N * 4u, m_extent); } // each w h i c
  find_scales(thread, m0, m_extent); // each o
  var next{p} = mat4x4f(); // each p
  // A step is loaded, the one before it is multiplied, and then the tiles are written anew.
  for (var k0 = begin; k0 < end + STEP; k0 += STEP) {
    if (k0 < end) { next{p} = load(thread, {p}u, m0, n0, k0, m_extent, end); } // each p
    if (k0 > begin) {
      for (var q = 0u; q < steps(); q += UNROLLED) {
        let first = select(q, 0u, UNROLLED == STEP);
        { // each k
          let k = first + {k}u;
          let u{h} = a_tile[k][in_a(k, y + {h}u * SIDE_M)]; // each h
          let v{c} = b_tile[k][in_b(k, x + {c}u * SIDE_N)]; // each c
          s{h}{i}{c} += u{h}[{i}] * v{c}; // each h i c
        }
      }
    }
    workgroupBarrier();
    keep(thread, {p}u, next{p}); // each p
    workgroupBarrier();
  }

  let slice = group.z * (SLICE / 4u);
  store(m + {h}u * SIDE_M * 4u + {i}u, n + {c}u * SIDE_N * 4u, m_extent, slice, s{h}{i}{c}); // each w h i c
  { // each z
    // The second of a pair is handed to the thread that has the first, through what was a tile.
    let is_second = x >= SIDE_N / 2u;
    let side = y * (SIDE_N / 2u) + x % (SIDE_N / 2u);
    let at{i} = {i}u * (THREADS / 2u) + side; // each i
    { // each h
      { // each c
        workgroupBarrier();
        if (is_second) { a_tile[at{i} / QUADS_A][at{i} % QUADS_A] = s{h}{i}{c}; } // each i
        workgroupBarrier();
        let pair = pair_of(n0, x + {c}u * SIDE_N);
        if (!is_second) { store_pair(m + {h}u * SIDE_M * 4u + {i}u, pair, m_extent, s{h}{i}{c}, a_tile[at{i} / QUADS_A][at{i} % QUADS_A]); } // each i
      }
    }
  }
}
