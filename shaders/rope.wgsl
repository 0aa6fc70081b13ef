// Rotary positions (Su et al., 2021) in Hugging Face's half-split convention, in place on the query and key heads of qkv:
//
//   (x_i, x_{i+h/2}) ← (x_i cos − x_{i+h/2} sin,  x_{i+h/2} cos + x_i sin),   angle = position · theta^(−2i/h)
//
// INVERSE rotates back, which is the gradient. The angles' cosines and sines come from a table made in f64: WGSL promises
// little about sin and cos of large arguments. One thread per pair.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read_write> qkv : array<f32>;       // [rows, ROW_WIDTH]
@group(0) @binding(1) var<storage, read> rotation : array<vec2f>;      // [positions, HEAD_DIM / 2] of (cos, sin)
@group(0) @binding(2) var<uniform> shape : Shape;
@group(0) @binding(3) var<storage, read> spans : array<vec4u>;         // [rows], position first

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let half = HEAD_DIM / 2u;
  let pairs = ROTATED_HEADS * half;
  let row = thread / pairs;
  if (row >= shape.rows) { return; }
  let i = thread % half;
  let head = (thread % pairs) / half;
  let turn = rotation[spans[row].x * half + i];
  let sine = select(turn.y, -turn.y, INVERSE == 1u);
  let at = row * ROW_WIDTH + head * HEAD_DIM + i;
  let first = qkv[at];
  let second = qkv[at + half];
  qkv[at] = first * turn.x - second * sine;
  qkv[at + half] = second * turn.x + first * sine;
}
