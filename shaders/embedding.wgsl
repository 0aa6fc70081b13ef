// Token embedding and its gradient.
//
//   gather        out[r, :] = table[tokens[r], :]
//   partial_sums  partial[i, :] = Σ_{j in item i} dx[positions[j], :]          an item: at most 64 positions of one token
//   accumulate    gradient[v, :] += Σ_{items i of token v} partial[i, :]
//
// The CPU sorts the positions by token, so the gradient needs no atomics: both sums run in ascending order. A thread moves
// one vec4 of one row; D is a multiple of 4. The table may be stored in f16 (lines of f, not s; see half.wgsl).

struct Shape { rows : u32, length : u32, batch : u32, items : u32 }

@group(0) @binding(0) var<storage, read> source : array<vec4f>; // table [V, D] | dx [rows, D] | partial [items, D] // each s
@group(0) @binding(0) var<storage, read> source : array<vec2u>; // table [V, D] // each f
@group(0) @binding(1) var<storage, read> index : array<u32>;          // tokens [rows] | positions [rows] | first item of each token [V + 1]
@group(0) @binding(2) var<storage, read> items : array<vec2u>;        // [items] of (first entry of `positions`, their number)
@group(0) @binding(3) var<storage, read_write> out : array<vec4f>;    // gather [rows, D] | partial_sums [items, D] | accumulate [V, D]
@group(0) @binding(4) var<uniform> shape : Shape;

const D4 = D / 4u;

fn quad_of_source(quad : u32) -> vec4f {
  return source[quad]; // each s
  return unpacked(source[quad]); // each f
}

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let row = thread / D4;
  if (row >= shape.rows) { return; }
  out[thread] = quad_of_source(index[row] * D4 + thread % D4);
}

@compute @workgroup_size(64)
fn partial_sums(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let item = thread / D4;
  if (item >= shape.items) { return; }
  let span = items[item];
  var sum = vec4f();
  for (var j = span.x; j < span.x + span.y; j++) {
    sum += quad_of_source(index[j] * D4 + thread % D4);
  }
  out[thread] = sum;
}

@compute @workgroup_size(64)
fn accumulate(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let token = thread / D4;
  if (token >= V) { return; }
  var sum = vec4f();
  for (var i = index[token]; i < index[token + 1u]; i++) {
    sum += quad_of_source(i * D4 + thread % D4);
  }
  out[thread] += sum;
}
