// The products of matmul.wgsl for a GPU with fast workgroup memory: a workgroup of 16 × 16 threads makes a 64 × 64 tile of
// `out`, each thread 4 × 4 of it, walking k in steps of 16 through tiles of `a` and `b` that all threads load together.
// Layouts, splits and slices are matmul.wgsl's; LAYOUT is 0 nt, 1 nn, 2 tn. Every sum runs over k in ascending order. Elements past
// an edge are loaded as zeros and dropped on store. Lines that end in `// each r` are repeated for r = 0 … 3 (gpu/unroll.ts).

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<f32>;              // [rows, K] | tn: [rows, M]
@group(0) @binding(1) var<storage, read> b : array<f32>;              // nn: [K, N] | nt: [N, K] | tn: [rows, N]
@group(0) @binding(2) var<storage, read> residual : array<vec4f>;     // [rows, N]
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;    // [rows, N] | tn: [SPLITS, M, N]
@group(0) @binding(4) var<uniform> shape : Shape;

const TILE = 64u;
const STEP = 16u;
const QUADS = TILE / 4u;

// [k, m] and [k, n], four neighbours of m or n to a vec4: one for each of the 256 threads. A thread writes its vec4 whole, since
// stores to the components of one by several threads would race.
var<workgroup> a_tile : array<vec4f, STEP * QUADS>;
var<workgroup> b_tile : array<vec4f, STEP * QUADS>;

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group : vec3u,
  @builtin(local_invocation_id) local : vec3u,
  @builtin(local_invocation_index) thread : u32,
) {
  let m_extent = select(shape.rows, M, LAYOUT == 2u);
  let m0 = group.y * TILE;
  let n0 = group.x * TILE;
  var begin = 0u;
  var end = K;
  if (LAYOUT == 2u) {
    let run = (shape.rows + SPLITS - 1u) / SPLITS;
    begin = min(group.z * run, shape.rows);
    end = min(begin + run, shape.rows);
  }

  // (k, quad) of this thread's vec4. Neighbours take neighbouring addresses: along k where rows are contiguous in k, else along
  // m or n.
  let along_k = vec2u(thread % STEP, thread / STEP);
  let across_k = vec2u(thread / QUADS, thread % QUADS);
  let pa = select(along_k, across_k, LAYOUT == 2u);
  let pb = select(across_k, along_k, LAYOUT == 0u);

  var s{r} = vec4f(); // each r
  for (var k0 = begin; k0 < end; k0 += STEP) {
    let ka = k0 + pa.x;
    let kb = k0 + pb.x;
    let ma{r} = m0 + pa.y * 4u + {r}u; // each r
    let nb{r} = n0 + pb.y * 4u + {r}u; // each r
    var mine = vec4f();
    if (ka < end && ma{r} < m_extent) { mine[{r}] = a[select(ma{r} * K + ka, ka * M + ma{r}, LAYOUT == 2u)]; } // each r
    a_tile[pa.x * QUADS + pa.y] = mine;
    mine = vec4f();
    if (kb < end && nb{r} < N) { mine[{r}] = b[select(kb * N + nb{r}, nb{r} * K + kb, LAYOUT == 0u)]; } // each r
    b_tile[pb.x * QUADS + pb.y] = mine;
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let x = a_tile[k * QUADS + local.y];
      let y = b_tile[k * QUADS + local.x];
      s{r} += x[{r}] * y; // each r
    }
    workgroupBarrier();
  }

  let m = m0 + local.y * 4u;
  let n = n0 + local.x * 4u;
  if (n >= N) { return; }
  let slice = select(0u, group.z * (SLICE / 4u), LAYOUT == 2u);
  store(m + {r}u, n, m_extent, slice, s{r}); // each r
}

fn store(m : u32, n : u32, m_extent : u32, slice : u32, value : vec4f) {
  if (m >= m_extent) { return; }
  let index = (m * N + n) / 4u;
  if (RESIDUAL == 1u) {
    out[slice + index] = value + residual[index];
  } else {
    out[slice + index] = value;
  }
}
