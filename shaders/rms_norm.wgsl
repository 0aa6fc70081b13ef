// Root-mean-square normalisation (Zhang and Sennrich, 2019) over the D features of a row.
//
//   forward          s = 1 / √(mean(x²) + eps),  y = x · s · w;  s is kept
//   backward         g = dy · w,  x̂ = x · s,  dx += s · (g − x̂ · mean(g · x̂))      dx holds the residual branch's gradient
//   backward_weight  dw[slice, d] = Σ_{rows of the slice} dy · x · s
//
// LANES threads share a row, ROWS rows share a workgroup; a row's sum is taken over each thread's vec4s in order, then over the
// threads by halving. backward_weight: RUNS threads per vec4 of d and slice, each with every RUNS-th row of the slice in order; what
// they found is added up by halving.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> x : array<vec4f>;            // [rows, D]
@group(0) @binding(1) var<storage, read> weight : array<vec4f>;       // [D]
@group(0) @binding(2) var<storage, read_write> scale : array<f32>;    // [rows]
@group(0) @binding(3) var<storage, read> dy : array<vec4f>;           // [rows, D]
@group(0) @binding(4) var<storage, read_write> out : array<vec4f>;    // y or dx [rows, D] | dw [SPLITS, D], SLICE floats apart
@group(0) @binding(5) var<uniform> shape : Shape;

const D4 = D / 4u;
const EPS = f32(EPS_NANO) * 1e-9;

var<workgroup> partial : array<f32, LANES * ROWS>;

fn row_sum(value : f32, lane : u32, y : u32) -> f32 {
  if (LANES == 1u) { return value; }
  partial[y * LANES + lane] = value;
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { partial[y * LANES + lane] += partial[y * LANES + lane + width]; }
  }
  workgroupBarrier();
  return partial[y * LANES];
}

// D4, said so that no compiler can tell: Mesa's lavapipe unrolls loops of known length, which takes it 10 s and more
// where a thread has a row to itself. There are never 2³¹ rows.
fn vectors() -> u32 { return D4 | (shape.rows >> 31u); }

@compute @workgroup_size(LANES, ROWS)
fn forward(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  let inside = row < shape.rows;
  let base = min(row, shape.rows - 1u) * D4;
  let features = vectors();
  var square = 0.0;
  for (var d = local.x; d < features; d += LANES) { square += dot(x[base + d], x[base + d]); }
  let s = inverseSqrt(row_sum(square, local.x, local.y) / f32(D) + EPS);
  if (!inside) { return; }
  if (local.x == 0u) { scale[row] = s; }
  for (var d = local.x; d < features; d += LANES) { out[base + d] = x[base + d] * s * weight[d]; }
}

@compute @workgroup_size(LANES, ROWS)
fn backward(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  let inside = row < shape.rows;
  let base = min(row, shape.rows - 1u) * D4;
  let s = scale[min(row, shape.rows - 1u)];
  let features = vectors();
  var product = 0.0;
  for (var d = local.x; d < features; d += LANES) { product += dot(dy[base + d] * weight[d], x[base + d] * s); }
  let mean = row_sum(product, local.x, local.y) / f32(D);
  if (!inside) { return; }
  for (var d = local.x; d < features; d += LANES) {
    out[base + d] += s * (dy[base + d] * weight[d] - x[base + d] * s * mean);
  }
}

const COLUMNS = select(8u, 64u, RUNS == 1u);

var<workgroup> run_sums : array<vec4f, COLUMNS * RUNS>;

@compute @workgroup_size(COLUMNS, RUNS)
fn backward_weight(@builtin(global_invocation_id) id : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let slice = id.x / D4;
  let d = id.x % D4;
  let run = (shape.rows + SPLITS - 1u) / SPLITS;
  let begin = min(slice * run, shape.rows);
  let end = select(begin, min(begin + run, shape.rows), slice < SPLITS);
  var sum = vec4f();
  for (var row = begin + local.y; row < end; row += RUNS) { sum += dy[row * D4 + d] * x[row * D4 + d] * scale[row]; }
  if (RUNS > 1u) {
    run_sums[local.y * COLUMNS + local.x] = sum;
    for (var width = RUNS / 2u; width > 0u; width /= 2u) {
      workgroupBarrier();
      if (local.y < width) { run_sums[local.y * COLUMNS + local.x] += run_sums[(local.y + width) * COLUMNS + local.x]; }
    }
    sum = run_sums[local.x];
  }
  if (slice >= SPLITS || local.y > 0u) { return; }
  out[slice * (SLICE / 4u) + d] = sum;
}
