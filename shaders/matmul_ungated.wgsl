// The end of matmul_tiled.wgsl that is the gradient of a gate, as swiglu.wgsl has it: with dh = Σ_k a[m, k] · b[k, n],
//
//   out = (dh · u · σ(g) (1 + g (1 − σ(g))),  dh · g σ(g))
//
// Gate and up lie side by side, in a buffer of their own (lines of g, or of v in f16) or where their gradient is left (lines of q).

@group(0) @binding(2) var<storage, read> gate_up : array<vec4f>; // [rows, 2N] // each g
@group(0) @binding(2) var<storage, read> gate_up : array<vec2u>; // [rows, 2N] // each v

// No sum goes on here.
fn begun(m : u32, n : u32, m_extent : u32) -> vec4f { return vec4f(); }

fn store(m : u32, n : u32, m_extent : u32, slice : u32, dh : vec4f) {
  if (m >= m_extent || n >= N) { return; }
  let at = (m * 2u * N + n) / 4u;
  let gate = gate_up[at]; // each g
  let up = gate_up[at + N / 4u]; // each g
  let gate = unpacked(gate_up[at]); // each v
  let up = unpacked(gate_up[at + N / 4u]); // each v
  let gate = out[at]; // each q
  let up = out[at + N / 4u]; // each q
  let sigmoid = 1.0 / (1.0 + exp(-gate));
  out[at] = dh * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
  out[at + N / 4u] = dh * gate * sigmoid;
}
