// The end of matmul_tiled.wgsl that gates, as swiglu.wgsl does: with gate and up side by side in Σ_k a[m, k] · b[k, n],
//
//   out = gate σ(gate) up;  lines of g keep gate and up too, and lines of v all three in f16
//
// The pairs are a gate and its up.

@group(0) @binding(2) var<storage, read_write> kept : array<vec2u>; // [rows, N / 2] // each v
@group(0) @binding(5) var<storage, read_write> gate_up : array<vec4f>; // [rows, N] // each g
@group(0) @binding(5) var<storage, read_write> gate_up : array<vec2u>; // [rows, N] // each v

fn pair_column(pair : u32, is_second : bool) -> u32 {
  return pair + select(0u, N / 2u, is_second);
}

fn store_pair(m : u32, pair : u32, m_extent : u32, gate : vec4f, up : vec4f) {
  if (m >= m_extent || pair >= N / 2u) { return; }
  let h = gate / (1.0 + exp(-gate)) * up;
  out[(m * (N / 2u) + pair) / 4u] = h;
  gate_up[(m * N + pair) / 4u] = gate; // each g
  gate_up[(m * N + pair + N / 2u) / 4u] = up; // each g
  kept[(m * (N / 2u) + pair) / 4u] = packed(h); // each v
  gate_up[(m * N + pair) / 4u] = packed(gate); // each v
  gate_up[(m * N + pair + N / 2u) / 4u] = packed(up); // each v
}
