// metrics[0..8) = Σ_row statistics[row], which cross_entropy left: one workgroup, thread i takes rows i, i + 64, … in order, then
// the threads are added by halving. With `accumulate` the micro-batch is added to those before it.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }
struct Objective { mode : u32, use_old : u32, accumulate : u32, unused : u32, beta : f32, epsilon_low : f32, epsilon_high : f32, inverse_temperature : f32 }

@group(0) @binding(0) var<storage, read> statistics : array<vec4f>;       // [rows, 2]
@group(0) @binding(1) var<storage, read_write> metrics : array<vec4f>;    // [2], the first 8 floats of them
@group(0) @binding(2) var<uniform> shape : Shape;
@group(0) @binding(3) var<uniform> objective : Objective;

var<workgroup> first : array<vec4f, 64>;
var<workgroup> second : array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_id) local : vec3u) {
  var a = vec4f();
  var b = vec4f();
  for (var row = local.x; row < shape.rows; row += 64u) {
    a += statistics[2u * row];
    b += statistics[2u * row + 1u];
  }
  first[local.x] = a;
  second[local.x] = b;
  // 32, so said that no compiler can tell: lavapipe would write the loop out and take seconds.
  for (var width = 32u | (shape.rows >> 31u); width > 0u; width /= 2u) {
    workgroupBarrier();
    if (local.x < width) {
      first[local.x] += first[local.x + width];
      second[local.x] += second[local.x + width];
    }
  }
  if (local.x == 0u) {
    if (objective.accumulate == 1u) {
      metrics[0] += first[0];
      metrics[1] += second[0];
    } else {
      metrics[0] = first[0];
      metrics[1] = second[0];
    }
  }
}
