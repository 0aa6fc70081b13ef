// Adds the slices of a product up whose sums over k were cut into runs, in the order of k: out[m, n] = Σ_s slices[s · SLICE + m · N + n]
// (+ residual[m, n]), the residual last as in a product that is whole. One thread per vec4.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> slices : array<vec4f>;       // [SPLITS, SLICE]
@group(0) @binding(1) var<storage, read> residual : array<vec4f>;     // [rows, N]
@group(0) @binding(2) var<storage, read_write> out : array<vec4f>;    // [rows, N]
@group(0) @binding(3) var<uniform> shape : Shape;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id : vec3u) {
  let i = id.x;
  if (i >= shape.rows * (N / 4u)) { return; }
  var sum = slices[i];
  for (var s = 1u; s < SPLITS; s++) { sum += slices[s * (SLICE / 4u) + i]; }
  if (RESIDUAL == 1u) {
    out[i] = sum + residual[i];
  } else {
    out[i] = sum;
  }
}
