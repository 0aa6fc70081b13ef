// The end of matmul_tiled.wgsl that stores: out[m, n] = Σ_k a[m, k] · b[k, n] (+ residual[m, n]).

@group(0) @binding(2) var<storage, read> residual : array<vec4f>;     // [rows, N]

// What the sums of four outputs begin with, where they go on.
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
