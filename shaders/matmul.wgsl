// Matrix products of the decoder, one entry point per layout; every sum runs over k in ascending order.
//
//   nn  out[m, n] = Σ_k a[m, k] · b[k, n] (+ residual[m, n])      dx = dy W    m runs over rows
//   tn  out[s, m, n] = Σ_{k in split s} a[k, m] · b[k, n]         dW = dyᵀ x   k runs over rows
//
// Where GOES_ON, nn's sums begin with what is in `out`: further k of the same sums, so that they keep their order.
//
// y = x Wᵀ is nn of a transposed copy of W (transpose.wgsl): threads side by side then read b from the same cache lines, which
// on software adapters is worth far more than the copy costs.
//
// All extents come at run time (gpu/plan.ts), so that every shape shares one pipeline: a software adapter takes a second or more to
// compile it. M, K and N are multiples of 4. A thread makes 8 × 8
// outputs in registers: on a software adapter every load is a gather over its SIMD lanes, so what counts is arithmetic per load,
// and named registers, since indexed arrays live in memory there. Tiles are numbered through, n fastest, so that the LANES
// threads of a workgroup are all at work whatever N is. tn cuts the rows into SPLITS runs, each written to a slice of its
// own (SLICE floats apart) that reduce_slices adds up in order.
//
// Row 4h + i of a tile is two vec4s wide: s{h}{i}{c} with h, c = 0, 1 and i = 0 … 3, by the macro of gpu/unroll.ts.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<f32>;              // nn: [rows, K]
@group(0) @binding(0) var<storage, read> a4 : array<vec4f>;           // tn: [rows, M]
@group(0) @binding(1) var<storage, read> b4 : array<vec4f>;           // nn: [K, N] | tn: [rows, N]
@group(0) @binding(2) var<storage, read> residual : array<vec4f>;     // [rows, N]
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;    // nn: [rows, N] | tn: [SPLITS, M, N]
@group(0) @binding(4) var<uniform> shape : Shape;

fn store(inside : bool, index : u32, value : vec4f) {
  if (!inside) { return; }
  if (RESIDUAL == 1u) {
    out[index] = value + residual[index];
  } else {
    out[index] = value;
  }
}

@compute @workgroup_size(LANES)
fn nn(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let N = extents.N;
  let K = extents.K;
  let tiles_n = (N + 7u) / 8u;
  let m_extent = shape.rows;
  let tile = (group.y * ROW_OF_GROUPS + group.x) * LANES + local.x;
  let m0 = tile / tiles_n * 8u;
  let n0 = tile % tiles_n * 8u;
  if (m0 >= m_extent) { return; }
  var s{h}{i}{c} = vec4f(); // each h i c
  let at = (m0 * N + n0) / 4u;
  let inside{c} = n0 + {c}u * 4u < N; // each c
  if (GOES_ON == 1u && inside{c} && m0 + {h}u * 4u + {i}u < m_extent) { s{h}{i}{c} = out[at + ({h}u * 4u + {i}u) * (N / 4u) + {c}u]; } // each h i c
  // Rows and columns past the edge are clamped on load and dropped on store.
  let p{h}{i} = min(m0 + {h}u * 4u + {i}u, m_extent - 1u) * K; // each h i
  for (var k = 0u; k < K; k++) {
    let y = (k * N + n0) / 4u;
    let y{c} = b4[y + {c}u]; // each c
    let x{h}{i} = a[p{h}{i} + k]; s{h}{i}0 += x{h}{i} * y0; s{h}{i}1 += x{h}{i} * y1; // each h i
  }
  store(inside{c} && m0 + {h}u * 4u + {i}u < m_extent, at + ({h}u * 4u + {i}u) * (N / 4u) + {c}u, s{h}{i}{c}); // each h i c
}

@compute @workgroup_size(LANES)
fn tn(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let N = extents.N;
  let M = extents.M;
  let tiles_n = (N + 7u) / 8u;
  let m_extent = M;
  let tile = (group.y * ROW_OF_GROUPS + group.x) * LANES + local.x;
  let m0 = tile / tiles_n * 8u;
  let n0 = tile % tiles_n * 8u;
  if (m0 >= m_extent) { return; }
  var s{h}{i}{c} = vec4f(); // each h i c
  let run = (shape.rows + extents.SPLITS - 1u) / extents.SPLITS;
  let begin = min(group.z * run, shape.rows);
  let end = min(begin + run, shape.rows);
  for (var k = begin; k < end; k++) {
    let x = (k * M + m0) / 4u;
    let x{h} = a4[x + {h}u]; // each h
    let y = (k * N + n0) / 4u;
    let y{c} = b4[y + {c}u]; // each c
    s{h}{i}{c} += x{h}[{i}] * y{c}; // each h i c
  }
  let at = group.z * (extents.SLICE / 4u) + (m0 * N + n0) / 4u;
  let inside{c} = n0 + {c}u * 4u < N; // each c
  store(inside{c} && m0 + {h}u * 4u + {i}u < m_extent, at + ({h}u * 4u + {i}u) * (N / 4u) + {c}u, s{h}{i}{c}); // each h i c
}
