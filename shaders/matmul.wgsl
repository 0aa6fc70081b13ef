// Matrix products of the decoder, one entry point per layout; every sum runs over k in ascending order.
//
//   nn  out[m, n] = Σ_k a[m, k] · b[k, n] (+ residual[m, n])      dx = dy W    m runs over rows
//   tn  out[s, m, n] = Σ_{k in split s} a[k, m] · b[k, n]         dW = dyᵀ x   k runs over rows
//
// y = x Wᵀ is nn of a transposed copy of W (transpose.wgsl): threads side by side then read b from the same cache lines, which
// on software adapters is worth far more than the copy costs.
//
// The number of rows (tokens) comes at run time; the other extents are constants and multiples of 4. A thread makes 8 × 8
// outputs in registers: on a software adapter every load is a gather over its SIMD lanes, so what counts is arithmetic per load,
// and named registers, since indexed arrays live in memory there. Tiles are numbered through, n fastest, so that the LANES
// threads of a workgroup are all at work whatever N is. tn cuts the rows into SPLITS runs, each written to a slice of its
// own (SLICE floats apart) that reduce_slices adds up in order.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<f32>;
@group(0) @binding(0) var<storage, read> a4 : array<vec4f>;
@group(0) @binding(1) var<storage, read> b : array<f32>;
@group(0) @binding(1) var<storage, read> b4 : array<vec4f>;
@group(0) @binding(2) var<storage, read> residual : array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;
@group(0) @binding(4) var<uniform> shape : Shape;

const TILES_N = (N + 7u) / 8u;

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
  let m_extent = shape.rows;
  let tile = (group.y * ROW_OF_GROUPS + group.x) * LANES + local.x;
  let m0 = tile / TILES_N * 8u;
  let n0 = tile % TILES_N * 8u;
  if (m0 >= m_extent) { return; }
  var s00 = vec4f(); var s01 = vec4f();
  var s10 = vec4f(); var s11 = vec4f();
  var s20 = vec4f(); var s21 = vec4f();
  var s30 = vec4f(); var s31 = vec4f();
  var s40 = vec4f(); var s41 = vec4f();
  var s50 = vec4f(); var s51 = vec4f();
  var s60 = vec4f(); var s61 = vec4f();
  var s70 = vec4f(); var s71 = vec4f();
  // Rows and columns past the edge are clamped on load and dropped on store.
  let p0 = min(m0 + 0u, m_extent - 1u) * K;
  let p1 = min(m0 + 1u, m_extent - 1u) * K;
  let p2 = min(m0 + 2u, m_extent - 1u) * K;
  let p3 = min(m0 + 3u, m_extent - 1u) * K;
  let p4 = min(m0 + 4u, m_extent - 1u) * K;
  let p5 = min(m0 + 5u, m_extent - 1u) * K;
  let p6 = min(m0 + 6u, m_extent - 1u) * K;
  let p7 = min(m0 + 7u, m_extent - 1u) * K;
  for (var k = 0u; k < K; k++) {
    let y = (k * N + n0) / 4u;
    let y0 = b4[y];
    let y1 = b4[y + 1u];
    let x0 = a[p0 + k];
    s00 += x0 * y0; s01 += x0 * y1;
    let x1 = a[p1 + k];
    s10 += x1 * y0; s11 += x1 * y1;
    let x2 = a[p2 + k];
    s20 += x2 * y0; s21 += x2 * y1;
    let x3 = a[p3 + k];
    s30 += x3 * y0; s31 += x3 * y1;
    let x4 = a[p4 + k];
    s40 += x4 * y0; s41 += x4 * y1;
    let x5 = a[p5 + k];
    s50 += x5 * y0; s51 += x5 * y1;
    let x6 = a[p6 + k];
    s60 += x6 * y0; s61 += x6 * y1;
    let x7 = a[p7 + k];
    s70 += x7 * y0; s71 += x7 * y1;
  }
  let at = (m0 * N + n0) / 4u;
  let wide = n0 + 4u < N;
  store(m0 + 0u < m_extent, at + 0u * (N / 4u), s00);
  store(wide && m0 + 0u < m_extent, at + 0u * (N / 4u) + 1u, s01);
  store(m0 + 1u < m_extent, at + 1u * (N / 4u), s10);
  store(wide && m0 + 1u < m_extent, at + 1u * (N / 4u) + 1u, s11);
  store(m0 + 2u < m_extent, at + 2u * (N / 4u), s20);
  store(wide && m0 + 2u < m_extent, at + 2u * (N / 4u) + 1u, s21);
  store(m0 + 3u < m_extent, at + 3u * (N / 4u), s30);
  store(wide && m0 + 3u < m_extent, at + 3u * (N / 4u) + 1u, s31);
  store(m0 + 4u < m_extent, at + 4u * (N / 4u), s40);
  store(wide && m0 + 4u < m_extent, at + 4u * (N / 4u) + 1u, s41);
  store(m0 + 5u < m_extent, at + 5u * (N / 4u), s50);
  store(wide && m0 + 5u < m_extent, at + 5u * (N / 4u) + 1u, s51);
  store(m0 + 6u < m_extent, at + 6u * (N / 4u), s60);
  store(wide && m0 + 6u < m_extent, at + 6u * (N / 4u) + 1u, s61);
  store(m0 + 7u < m_extent, at + 7u * (N / 4u), s70);
  store(wide && m0 + 7u < m_extent, at + 7u * (N / 4u) + 1u, s71);
}

@compute @workgroup_size(LANES)
fn tn(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let m_extent = M;
  let tile = (group.y * ROW_OF_GROUPS + group.x) * LANES + local.x;
  let m0 = tile / TILES_N * 8u;
  let n0 = tile % TILES_N * 8u;
  if (m0 >= m_extent) { return; }
  var s00 = vec4f(); var s01 = vec4f();
  var s10 = vec4f(); var s11 = vec4f();
  var s20 = vec4f(); var s21 = vec4f();
  var s30 = vec4f(); var s31 = vec4f();
  var s40 = vec4f(); var s41 = vec4f();
  var s50 = vec4f(); var s51 = vec4f();
  var s60 = vec4f(); var s61 = vec4f();
  var s70 = vec4f(); var s71 = vec4f();
  let run = (shape.rows + SPLITS - 1u) / SPLITS;
  let begin = min(group.z * run, shape.rows);
  let end = min(begin + run, shape.rows);
  for (var k = begin; k < end; k++) {
    let x = (k * M + m0) / 4u;
    let x0 = a4[x];
    let x1 = a4[x + 1u];
    let y = (k * N + n0) / 4u;
    let y0 = b4[y];
    let y1 = b4[y + 1u];
    s00 += x0.x * y0; s01 += x0.x * y1;
    s10 += x0.y * y0; s11 += x0.y * y1;
    s20 += x0.z * y0; s21 += x0.z * y1;
    s30 += x0.w * y0; s31 += x0.w * y1;
    s40 += x1.x * y0; s41 += x1.x * y1;
    s50 += x1.y * y0; s51 += x1.y * y1;
    s60 += x1.z * y0; s61 += x1.z * y1;
    s70 += x1.w * y0; s71 += x1.w * y1;
  }
  let at = group.z * (SLICE / 4u) + (m0 * N + n0) / 4u;
  let wide = n0 + 4u < N;
  store(m0 + 0u < m_extent, at + 0u * (N / 4u), s00);
  store(wide && m0 + 0u < m_extent, at + 0u * (N / 4u) + 1u, s01);
  store(m0 + 1u < m_extent, at + 1u * (N / 4u), s10);
  store(wide && m0 + 1u < m_extent, at + 1u * (N / 4u) + 1u, s11);
  store(m0 + 2u < m_extent, at + 2u * (N / 4u), s20);
  store(wide && m0 + 2u < m_extent, at + 2u * (N / 4u) + 1u, s21);
  store(m0 + 3u < m_extent, at + 3u * (N / 4u), s30);
  store(wide && m0 + 3u < m_extent, at + 3u * (N / 4u) + 1u, s31);
  store(m0 + 4u < m_extent, at + 4u * (N / 4u), s40);
  store(wide && m0 + 4u < m_extent, at + 4u * (N / 4u) + 1u, s41);
  store(m0 + 5u < m_extent, at + 5u * (N / 4u), s50);
  store(wide && m0 + 5u < m_extent, at + 5u * (N / 4u) + 1u, s51);
  store(m0 + 6u < m_extent, at + 6u * (N / 4u), s60);
  store(wide && m0 + 6u < m_extent, at + 6u * (N / 4u) + 1u, s61);
  store(m0 + 7u < m_extent, at + 7u * (N / 4u), s70);
  store(wide && m0 + 7u < m_extent, at + 7u * (N / 4u) + 1u, s71);
}
