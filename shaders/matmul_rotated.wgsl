// The end of matmul_tiled.wgsl that turns queries and keys to their positions, as rope.wgsl does: with x = Σ_k a[m, k] · b[k, n],
//
//   out = (x_i cos − x_{i+h/2} sin,  x_{i+h/2} cos + x_i sin),  values as they are
//
// The pairs are of a head's two halves.

@group(0) @binding(2) var<storage, read> spans : array<vec4u>;        // [rows], position first
@group(0) @binding(5) var<storage, read> rotation : array<vec4f>;     // [positions, HEAD_DIM / 2] of (cos, sin)

const HALF = HEAD_DIM / 2u;

// A head's place in the row, and the place in its half.
fn pair_column(pair : u32, is_second : bool) -> u32 {
  return pair / HALF * HEAD_DIM + pair % HALF + select(0u, HALF, is_second);
}

fn store_pair(m : u32, pair : u32, m_extent : u32, first : vec4f, second : vec4f) {
  if (m >= m_extent || pair >= N / 2u) { return; }
  let at = (m * N + pair_column(pair, false)) / 4u;
  if (pair >= ROTATED_HEADS * HALF) {
    out[at] = first;
    out[at + HALF / 4u] = second;
    return;
  }
  let turn = (spans[m].x * HALF + pair % HALF) / 2u;
  let low = rotation[turn];
  let high = rotation[turn + 1u];
  let cosine = vec4f(low.xz, high.xz);
  let sine = vec4f(low.yw, high.yw);
  out[at] = first * cosine - second * sine;
  out[at + HALF / 4u] = second * cosine + first * sine;
}
