// The products of matmul.wgsl for a GPU with fast workgroup memory: out[m, n] = Σ_k a[m, k] · b[k, n] (+ residual[m, n]).
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

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<vec4f>;            // [rows, K] | tn: [rows, M]
@group(0) @binding(1) var<storage, read> b : array<vec4f>;            // nn: [K, N] | nt: [N, K] | tn: [rows, N]
@group(0) @binding(2) var<storage, read> residual : array<vec4f>;     // [rows, N]
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;    // [rows, N] | in slices: [SPLITS, rows, N] | tn: [SPLITS, M, N]
@group(0) @binding(4) var<uniform> shape : Shape;

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

// STEP. Where a loop is left over, it is said so that no compiler can tell: lavapipe would unroll it and take seconds.
fn steps() -> u32 { return select(STEP | (shape.rows >> 31u), STEP, UNROLLED == STEP); }

// Where a block lies in a tile, as (block along k, quad). Neighbouring threads take neighbouring addresses.
fn place(block : u32, quads : u32, rows_along_k : bool) -> vec2u {
  return select(vec2u(block / quads, block % quads), vec2u(block % LOADS_K, block / LOADS_K), rows_along_k);
}

// a[m … m + 3, k … k + 3]: column j is k + j.
fn block_of_a(m : u32, k : u32, m_extent : u32, end : u32) -> mat4x4f {
  if (TN) {
    let at = min(m, max(M, 4u) - 4u) / 4u;
    var v{j} = vec4f(); // each j
    if (k + {j}u < end) { v{j} = a[(k + {j}u) * (M / 4u) + at]; } // each j
    return mat4x4f(v0, v1, v2, v3);
  }
  if (SHORT && k >= end) { return mat4x4f(); }
  let v{j} = a[min(m + {j}u, m_extent - 1u) * (K / 4u) + k / 4u]; // each j
  return transpose(mat4x4f(v0, v1, v2, v3));
}

// b[k … k + 3, n … n + 3]: column j is k + j.
fn block_of_b(n : u32, k : u32, end : u32) -> mat4x4f {
  if (NT) {
    if (SHORT && k >= end) { return mat4x4f(); }
    let v{j} = b[min(n + {j}u, N - 1u) * (K / 4u) + k / 4u]; // each j
    return transpose(mat4x4f(v0, v1, v2, v3));
  }
  let at = min(n, N - 4u) / 4u;
  var v{j} = vec4f(); // each j
  if (!SHORT || k + {j}u < end) { v{j} = b[(k + {j}u) * (N / 4u) + at]; } // each j
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
  return block_of_b(n0 + at.y * 4u, k0 + at.x * 4u, end);
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
  if (GOES_ON == 1u) { s{h}{i}{c} = begun(m + {h}u * SIDE_M * 4u + {i}u, n + {c}u * SIDE_N * 4u, m_extent); } // each h i c
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
  store(m + {h}u * SIDE_M * 4u + {i}u, n + {c}u * SIDE_N * 4u, m_extent, slice, s{h}{i}{c}); // each h i c
}

fn begun(m : u32, n : u32, m_extent : u32) -> vec4f {
  return out[(min(m, m_extent - 1u) * N + min(n, N - 4u)) / 4u];
}

fn store(m : u32, n : u32, m_extent : u32, slice : u32, value : vec4f) {
  if (m >= m_extent || n >= N) { return; }
  let index = (m * N + n) / 4u;
  if (RESIDUAL == 1u) {
    out[slice + index] = value + residual[index];
  } else {
    out[slice + index] = value;
  }
}
