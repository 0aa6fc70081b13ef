// Cross-entropy where logits are never whole: they are made for SIZE columns of the vocabulary from FROM on, and made again when
// they are needed again. For the row (b, t) and z = logits / temperature, chunk after chunk from the first column on:
//
//   highest    maxima[lane] = max_v z_v                                over the lane's columns
//   add        sums[lane] = (Σ_v exp(z_v − m), Σ_v exp(z_v − m)(z_v − m), z_token where the lane has it, m),   m = max of all maxima
//   gradient   dlogits_v = factor · (1[v = token] − exp(z_v − m − log Σ))       in place, after `loss_of_sums` of cross_entropy.wgsl
//
// A lane takes the columns v with v % LANES = lane, FROM being a multiple of LANES: so its sums go on over the very columns and in the
// very order of cross_entropy.wgsl, and all results have the bits of logits that are whole. (Sums relative to the highest so far, scaled
// anew where it rises, would need the logits once less, and come to other bits.)

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }
struct Objective { mode : u32, use_old : u32, accumulate : u32, unused : u32, beta : f32, epsilon_low : f32, epsilon_high : f32, inverse_temperature : f32 }

@group(0) @binding(0) var<storage, read_write> logits : array<f32>;    // [rows, SIZE], gradient: then dlogits
@group(0) @binding(1) var<storage, read> tokens : array<u32>;          // [rows]
@group(0) @binding(2) var<storage, read_write> maxima : array<f32>;    // [rows, LANES]
@group(0) @binding(3) var<storage, read_write> sums : array<vec4f>;    // [rows, LANES]
@group(0) @binding(4) var<uniform> shape : Shape;
@group(0) @binding(5) var<uniform> objective : Objective;

fn tempered(at : u32) -> f32 { return logits[at] * objective.inverse_temperature; }

// What a row predicts, counted from the chunk's first column on; the next row's token.
fn token_of(row : u32) -> u32 { return tokens[min(row + 1u, shape.rows - 1u)] - extents.FROM; }

@compute @workgroup_size(LANES, ROWS)
fn highest(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  if (row >= shape.rows) { return; }
  let at = row * LANES + local.x;
  var found = -3.0e38;
  if (extents.FROM > 0u) { found = maxima[at]; }
  for (var v = local.x; v < extents.SIZE; v += LANES) { found = max(found, tempered(row * extents.SIZE + v)); }
  maxima[at] = found;
}

@compute @workgroup_size(LANES, ROWS)
fn add(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  if (row >= shape.rows) { return; }
  var m = maxima[row * LANES];
  for (var lane = 1u; lane < LANES; lane++) { m = max(m, maxima[row * LANES + lane]); }
  let at = row * LANES + local.x;
  var total = 0.0;
  var moment = 0.0;
  var logit = 0.0;
  if (extents.FROM > 0u) {
    total = sums[at].x;
    moment = sums[at].y;
    logit = sums[at].z;
  }
  for (var v = local.x; v < extents.SIZE; v += LANES) {
    let shifted = tempered(row * extents.SIZE + v) - m;
    let p = exp(shifted);
    total += p;
    moment += p * shifted;
  }
  let token = token_of(row);
  if (token < extents.SIZE && token % LANES == local.x) { logit = tempered(row * extents.SIZE + token); }
  sums[at] = vec4f(total, moment, logit, m);
}

@compute @workgroup_size(LANES, ROWS)
fn gradient(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  if (row >= shape.rows) { return; }
  let z = sums[row * LANES];
  let token = token_of(row);
  for (var v = local.x; v < extents.SIZE; v += LANES) {
    let at = row * extents.SIZE + v;
    var value = 0.0;
    if (z.w != 0.0) { value = z.x * (select(0.0, 1.0, v == token) - exp(tempered(at) - z.y - z.z)); }
    logits[at] = value;
  }
}
