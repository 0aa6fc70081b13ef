// SwiGLU (Shazeer, 2020): h = silu(gate) · up, with gate and up side by side in a row of gate_up [rows, 2F].
//
//   forward   h = g σ(g) u
//   backward  dg = dh · u · σ(g) (1 + g (1 − σ(g))),  du = dh · g σ(g)
//
// One thread per vec4 of F. backward_in_place finds gate_up where it leaves its gradient.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> gate_up : array<vec4f>;      // [rows, 2F]
@group(0) @binding(1) var<storage, read> dh : array<vec4f>;           // [rows, F]
@group(0) @binding(2) var<storage, read_write> out : array<vec4f>;    // h [rows, F] | d gate_up [rows, 2F]
@group(0) @binding(3) var<uniform> shape : Shape;

const F4 = F / 4u;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let row = thread / F4;
  if (row >= shape.rows) { return; }
  let at = row * 2u * F4 + thread % F4;
  let gate = gate_up[at];
  out[thread] = gate / (1.0 + exp(-gate)) * gate_up[at + F4];
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let row = thread / F4;
  if (row >= shape.rows) { return; }
  let at = row * 2u * F4 + thread % F4;
  let gate = gate_up[at];
  let up = gate_up[at + F4];
  let sigmoid = 1.0 / (1.0 + exp(-gate));
  out[at] = dh[thread] * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
  out[at + F4] = dh[thread] * gate * sigmoid;
}

@compute @workgroup_size(64)
fn backward_in_place(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let row = thread / F4;
  if (row >= shape.rows) { return; }
  let at = row * 2u * F4 + thread % F4;
  let gate = out[at];
  let up = out[at + F4];
  let sigmoid = 1.0 / (1.0 + exp(-gate));
  out[at] = dh[thread] * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
  out[at + F4] = dh[thread] * gate * sigmoid;
}
