// The products of matmul.wgsl for a GPU with fast workgroup memory: a workgroup of 16 × 16 threads makes a 64 × 64 tile of
// `out`, each thread 4 × 4 of it, walking k in steps of 16 through tiles of `a` and `b` that all threads load together.
// Layouts, splits and slices are matmul.wgsl's; LAYOUT is 0 nt, 1 nn, 2 tn. Every sum runs over k in ascending order. Elements past
// an edge are loaded as zeros and dropped on store.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<f32>;
@group(0) @binding(1) var<storage, read> b : array<f32>;
@group(0) @binding(2) var<storage, read> residual : array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;
@group(0) @binding(4) var<uniform> shape : Shape;

const TILE = 64u;
const STEP = 16u;
const THREADS = 256u;

// [k, m] and [k, n], four neighbours of m or n to a vec4.
var<workgroup> a_tile : array<vec4f, STEP * TILE / 4u>;
var<workgroup> b_tile : array<vec4f, STEP * TILE / 4u>;

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

  var s0 = vec4f();
  var s1 = vec4f();
  var s2 = vec4f();
  var s3 = vec4f();
  for (var k0 = begin; k0 < end; k0 += STEP) {
    // Neighbouring threads take neighbouring addresses: along k where rows are contiguous in k, else along m or n.
    for (var i = thread; i < STEP * TILE; i += THREADS) {
      let along_k = vec2u(i % STEP, i / STEP);
      let across_k = vec2u(i / TILE, i % TILE);
      let pa = select(along_k, across_k, LAYOUT == 2u);
      let m = m0 + pa.y;
      var value = 0.0;
      if (m < m_extent && k0 + pa.x < end) {
        value = a[select(m * K + k0 + pa.x, (k0 + pa.x) * M + m, LAYOUT == 2u)];
      }
      a_tile[(pa.x * TILE + pa.y) / 4u][pa.y % 4u] = value;
      let pb = select(across_k, along_k, LAYOUT == 0u);
      let n = n0 + pb.y;
      value = 0.0;
      if (n < N && k0 + pb.x < end) {
        value = b[select((k0 + pb.x) * N + n, n * K + k0 + pb.x, LAYOUT == 0u)];
      }
      b_tile[(pb.x * TILE + pb.y) / 4u][pb.y % 4u] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let x = a_tile[k * (TILE / 4u) + local.y];
      let y = b_tile[k * (TILE / 4u) + local.x];
      s0 += x.x * y;
      s1 += x.y * y;
      s2 += x.z * y;
      s3 += x.w * y;
    }
    workgroupBarrier();
  }

  let m = m0 + local.y * 4u;
  let n = n0 + local.x * 4u;
  if (n >= N) { return; }
  let slice = select(0u, group.z * (SLICE / 4u), LAYOUT == 2u);
  store(m, n, m_extent, slice, s0);
  store(m + 1u, n, m_extent, slice, s1);
  store(m + 2u, n, m_extent, slice, s2);
  store(m + 3u, n, m_extent, slice, s3);
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
