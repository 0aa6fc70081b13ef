// Matrix products of the decoder: three layouts, one kernel; the sum over k runs in ascending order.
//
//   LAYOUT 0 (NT)  out[m, n] = Σ_k a[m, k] · b[n, k] (+ residual[m, n])    y = x Wᵀ     m runs over rows
//   LAYOUT 1 (NN)  out[m, n] = Σ_k a[m, k] · b[k, n]                       dx = dy W    m runs over rows
//   LAYOUT 2 (TN)  out[s, m, n] = Σ_{k in split s} a[k, m] · b[k, n]       dW = dyᵀ x   k runs over rows
//
// The number of rows (tokens) comes at run time; the other extents are constants and multiples of 4, so that everything
// moves as vec4. A thread makes 4 × 8 outputs in eight vec4 registers, written out by hand because software adapters keep
// indexed arrays in memory. A workgroup is LANES threads side by side in n: its loads of `a` are uniform. TN cuts the rows
// into SPLITS runs, each written to a slice of its own (SLICE floats apart) that reduce_slices adds up in order.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> a : array<vec4f>;
@group(0) @binding(1) var<storage, read> b : array<vec4f>;
@group(0) @binding(2) var<storage, read> residual : array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;
@group(0) @binding(4) var<uniform> shape : Shape;

fn store(index : u32, value : vec4f) {
  if (RESIDUAL == 1u) {
    out[index] = value + residual[index];
  } else {
    out[index] = value;
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let m_extent = select(shape.rows, M, LAYOUT == 2u);
  let m0 = group.y * 4u;
  let n0 = (group.x * LANES + local.x) * 8u;
  if (m0 >= m_extent || n0 >= N) { return; }
  // Rows and columns past the edge are clamped on load and dropped on store.
  let m_last = m_extent - 1u;
  let n_last = N - 1u;

  var s00 = vec4f(); var s01 = vec4f();
  var s10 = vec4f(); var s11 = vec4f();
  var s20 = vec4f(); var s21 = vec4f();
  var s30 = vec4f(); var s31 = vec4f();

  if (LAYOUT == 0u) {
    let a0 = min(m0 + 0u, m_last) * (K / 4u);
    let a1 = min(m0 + 1u, m_last) * (K / 4u);
    let a2 = min(m0 + 2u, m_last) * (K / 4u);
    let a3 = min(m0 + 3u, m_last) * (K / 4u);
    let b0 = min(n0 + 0u, n_last) * (K / 4u);
    let b1 = min(n0 + 1u, n_last) * (K / 4u);
    let b2 = min(n0 + 2u, n_last) * (K / 4u);
    let b3 = min(n0 + 3u, n_last) * (K / 4u);
    let b4 = min(n0 + 4u, n_last) * (K / 4u);
    let b5 = min(n0 + 5u, n_last) * (K / 4u);
    let b6 = min(n0 + 6u, n_last) * (K / 4u);
    let b7 = min(n0 + 7u, n_last) * (K / 4u);
    for (var k = 0u; k < K / 4u; k++) {
      let y0 = b[b0 + k];
      let y1 = b[b1 + k];
      let y2 = b[b2 + k];
      let y3 = b[b3 + k];
      let y4 = b[b4 + k];
      let y5 = b[b5 + k];
      let y6 = b[b6 + k];
      let y7 = b[b7 + k];
      let x0 = a[a0 + k];
      s00 += vec4f(dot(x0, y0), dot(x0, y1), dot(x0, y2), dot(x0, y3));
      s01 += vec4f(dot(x0, y4), dot(x0, y5), dot(x0, y6), dot(x0, y7));
      let x1 = a[a1 + k];
      s10 += vec4f(dot(x1, y0), dot(x1, y1), dot(x1, y2), dot(x1, y3));
      s11 += vec4f(dot(x1, y4), dot(x1, y5), dot(x1, y6), dot(x1, y7));
      let x2 = a[a2 + k];
      s20 += vec4f(dot(x2, y0), dot(x2, y1), dot(x2, y2), dot(x2, y3));
      s21 += vec4f(dot(x2, y4), dot(x2, y5), dot(x2, y6), dot(x2, y7));
      let x3 = a[a3 + k];
      s30 += vec4f(dot(x3, y0), dot(x3, y1), dot(x3, y2), dot(x3, y3));
      s31 += vec4f(dot(x3, y4), dot(x3, y5), dot(x3, y6), dot(x3, y7));
    }
  } else if (LAYOUT == 1u) {
    let a0 = min(m0 + 0u, m_last) * (K / 4u);
    let a1 = min(m0 + 1u, m_last) * (K / 4u);
    let a2 = min(m0 + 2u, m_last) * (K / 4u);
    let a3 = min(m0 + 3u, m_last) * (K / 4u);
    let column = n0 / 4u;
    for (var k = 0u; k < K / 4u; k++) {
      let x0 = a[a0 + k];
      let x1 = a[a1 + k];
      let x2 = a[a2 + k];
      let x3 = a[a3 + k];
      let y0 = (4u * k + 0u) * (N / 4u) + column;
      let y00 = b[y0 + 0u];
      let y01 = b[y0 + 1u];
      s00 = fma(vec4f(x0.x), y00, s00); s01 = fma(vec4f(x0.x), y01, s01);
      s10 = fma(vec4f(x1.x), y00, s10); s11 = fma(vec4f(x1.x), y01, s11);
      s20 = fma(vec4f(x2.x), y00, s20); s21 = fma(vec4f(x2.x), y01, s21);
      s30 = fma(vec4f(x3.x), y00, s30); s31 = fma(vec4f(x3.x), y01, s31);
      let y1 = (4u * k + 1u) * (N / 4u) + column;
      let y10 = b[y1 + 0u];
      let y11 = b[y1 + 1u];
      s00 = fma(vec4f(x0.y), y10, s00); s01 = fma(vec4f(x0.y), y11, s01);
      s10 = fma(vec4f(x1.y), y10, s10); s11 = fma(vec4f(x1.y), y11, s11);
      s20 = fma(vec4f(x2.y), y10, s20); s21 = fma(vec4f(x2.y), y11, s21);
      s30 = fma(vec4f(x3.y), y10, s30); s31 = fma(vec4f(x3.y), y11, s31);
      let y2 = (4u * k + 2u) * (N / 4u) + column;
      let y20 = b[y2 + 0u];
      let y21 = b[y2 + 1u];
      s00 = fma(vec4f(x0.z), y20, s00); s01 = fma(vec4f(x0.z), y21, s01);
      s10 = fma(vec4f(x1.z), y20, s10); s11 = fma(vec4f(x1.z), y21, s11);
      s20 = fma(vec4f(x2.z), y20, s20); s21 = fma(vec4f(x2.z), y21, s21);
      s30 = fma(vec4f(x3.z), y20, s30); s31 = fma(vec4f(x3.z), y21, s31);
      let y3 = (4u * k + 3u) * (N / 4u) + column;
      let y30 = b[y3 + 0u];
      let y31 = b[y3 + 1u];
      s00 = fma(vec4f(x0.w), y30, s00); s01 = fma(vec4f(x0.w), y31, s01);
      s10 = fma(vec4f(x1.w), y30, s10); s11 = fma(vec4f(x1.w), y31, s11);
      s20 = fma(vec4f(x2.w), y30, s20); s21 = fma(vec4f(x2.w), y31, s21);
      s30 = fma(vec4f(x3.w), y30, s30); s31 = fma(vec4f(x3.w), y31, s31);
    }
  } else {
    let run = (shape.rows + SPLITS - 1u) / SPLITS;
    let begin = min(group.z * run, shape.rows);
    let end = min(begin + run, shape.rows);
    for (var k = begin; k < end; k++) {
      let x = a[k * (M / 4u) + group.y];
      let y = k * (N / 4u) + n0 / 4u;
      let y0 = b[y + 0u];
      let y1 = b[y + 1u];
      s00 = fma(vec4f(x.x), y0, s00); s01 = fma(vec4f(x.x), y1, s01);
      s10 = fma(vec4f(x.y), y0, s10); s11 = fma(vec4f(x.y), y1, s11);
      s20 = fma(vec4f(x.z), y0, s20); s21 = fma(vec4f(x.z), y1, s21);
      s30 = fma(vec4f(x.w), y0, s30); s31 = fma(vec4f(x.w), y1, s31);
    }
  }

  let base = select(0u, group.z * (SLICE / 4u), LAYOUT == 2u) + (m0 * N + n0) / 4u;
  let wide = n0 + 4u < N;
  if (m0 + 0u < m_extent) {
    store(base + 0u * (N / 4u), s00);
    if (wide) { store(base + 0u * (N / 4u) + 1u, s01); }
  }
  if (m0 + 1u < m_extent) {
    store(base + 1u * (N / 4u), s10);
    if (wide) { store(base + 1u * (N / 4u) + 1u, s11); }
  }
  if (m0 + 2u < m_extent) {
    store(base + 2u * (N / 4u), s20);
    if (wide) { store(base + 2u * (N / 4u) + 1u, s21); }
  }
  if (m0 + 3u < m_extent) {
    store(base + 3u * (N / 4u), s30);
    if (wide) { store(base + 3u * (N / 4u) + 1u, s31); }
  }
}
