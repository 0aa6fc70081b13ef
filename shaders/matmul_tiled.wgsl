// The products of matmul.wgsl for a GPU with fast workgroup memory: out[m, n] = Σ_k a[m, k] · b[k, n] (+ residual[m, n]).
//
// Layouts, splits and slices are matmul.wgsl's; LAYOUT is 0 nt, 1 nn, 2 tn. Every sum runs over k in ascending order.
// A workgroup makes a tile of TILE × TILE outputs. It walks k in steps of STEP through tiles of `a` and `b` in workgroup memory.
// While it multiplies one step, each thread holds its share of the next in registers. A thread makes BLOCKS × BLOCKS blocks
// of 4 × 4 outputs. They lie apart, so that neighbouring threads read neighbouring vec4s.
//
// What a thread loads are blocks of 4 × 4 too, as four vec4s along the operand's rows. Where rows run along k, the block is
// turned in registers. Rows and columns past an edge are clamped on load and dropped on store; past the end of k there are
// zeros. Lines that end in `// each h i c` are repeated (gpu/unroll.ts): h and c < BLOCKS, i and j < 4, k < UNROLLED, and
// p counts the blocks that a thread loads.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<vec4f>;            // [rows, K] | tn: [rows, M]
@group(0) @binding(1) var<storage, read> b : array<vec4f>;            // nn: [K, N] | nt: [N, K] | tn: [rows, N]
@group(0) @binding(2) var<storage, read> residual : array<vec4f>;     // [rows, N]
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;    // [rows, N] | tn: [SPLITS, M, N]
@group(0) @binding(4) var<uniform> shape : Shape;

const NT = LAYOUT == 0u;
const TN = LAYOUT == 2u;
// Threads side by side along n, and along m.
const SIDE = TILE / (4u * BLOCKS);
const THREADS = SIDE * SIDE;
// Quads, of four neighbours of m or n, of a tile for one k.
const QUADS = TILE / 4u;
// Blocks of 4 × 4 in a tile, and how many of them are one above the other along k.
const LOADS_K = STEP / 4u;
const LOADS = QUADS * LOADS_K;
// The last step along k may be short. Where it never is, no load asks.
const SHORT = TN || K % STEP != 0u;

// [k, quad ^ swizzle(k)]. The swizzle sends threads that store blocks one above the other to different memory banks. A thread stores
// whole vec4s, since stores to the components of one by several threads would race.
var<workgroup> a_tile : array<array<vec4f, QUADS>, STEP>;
var<workgroup> b_tile : array<array<vec4f, QUADS>, STEP>;

fn swizzle(k : u32) -> u32 { return k / 4u * (32u / STEP); }

// STEP. Where a loop is left over, it is said so that no compiler can tell: lavapipe would unroll it and take seconds.
fn steps() -> u32 { return select(STEP | (shape.rows >> 31u), STEP, UNROLLED == STEP); }

// Where a block lies in a tile, as (block along k, quad). Neighbouring threads take neighbouring addresses.
fn place(block : u32, rows_along_k : bool) -> vec2u {
  return select(vec2u(block / QUADS, block % QUADS), vec2u(block % LOADS_K, block / LOADS_K), rows_along_k);
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

// A thread loads a block of `a` and then one of `b`, or where there are twice as many threads, one of either.
fn is_of_a(thread : u32, turn : u32) -> bool { return select(thread < LOADS, turn == 0u, THREADS == LOADS); }

fn load(thread : u32, turn : u32, m0 : u32, n0 : u32, k0 : u32, m_extent : u32, end : u32) -> mat4x4f {
  if (is_of_a(thread, turn)) {
    let at = place(thread % LOADS, !TN);
    return block_of_a(m0 + at.y * 4u, k0 + at.x * 4u, m_extent, end);
  }
  let at = place(thread % LOADS, NT);
  return block_of_b(n0 + at.y * 4u, k0 + at.x * 4u, end);
}

fn keep(thread : u32, turn : u32, columns : mat4x4f) {
  if (is_of_a(thread, turn)) {
    let at = place(thread % LOADS, !TN);
    a_tile[at.x * 4u + {j}u][at.y ^ swizzle(at.x * 4u)] = columns[{j}]; // each j
  } else {
    let at = place(thread % LOADS, NT);
    b_tile[at.x * 4u + {j}u][at.y ^ swizzle(at.x * 4u)] = columns[{j}]; // each j
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) thread : u32) {
  let m_extent = select(shape.rows, M, TN);
  let m0 = group.y * TILE;
  let n0 = group.x * TILE;
  var begin = 0u;
  var end = K;
  if (TN) {
    let run = (shape.rows + SPLITS - 1u) / SPLITS;
    begin = min(group.z * run, shape.rows);
    end = min(begin + run, shape.rows);
  }

  // The 32 threads that go in step lie as 8 × 4: so they read the fewest different vec4s.
  let x = thread % 8u + thread / 32u % (SIDE / 8u) * 8u;
  let y = thread / 8u % 4u + thread / 32u / (SIDE / 8u) * 4u;

  var s{h}{i}{c} = vec4f(); // each h i c
  var next{p} = mat4x4f(); // each p
  // A step is loaded, the one before it is multiplied, and then the tiles are written anew.
  for (var k0 = begin; k0 < end + STEP; k0 += STEP) {
    if (k0 < end) { next{p} = load(thread, {p}u, m0, n0, k0, m_extent, end); } // each p
    if (k0 > begin) {
      for (var q = 0u; q < steps(); q += UNROLLED) {
        let first = select(q, 0u, UNROLLED == STEP);
        { // each k
          let k = first + {k}u;
          let u{h} = a_tile[k][(y + {h}u * SIDE) ^ swizzle(k)]; // each h
          let v{c} = b_tile[k][(x + {c}u * SIDE) ^ swizzle(k)]; // each c
          s{h}{i}{c} += u{h}[{i}] * v{c}; // each h i c
        }
      }
    }
    workgroupBarrier();
    keep(thread, {p}u, next{p}); // each p
    workgroupBarrier();
  }

  let m = m0 + y * 4u;
  let n = n0 + x * 4u;
  let slice = select(0u, group.z * (SLICE / 4u), TN);
  store(m + {h}u * SIDE * 4u + {i}u, n + {c}u * SIDE * 4u, m_extent, slice, s{h}{i}{c}); // each h i c
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
