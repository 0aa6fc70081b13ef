// Loss over the vocabulary and its gradient, in one pass over a row of logits, in whose place the gradient is left. Row (b, t)
// predicts token t + 1 of sequence b; everything per token (tokens, weights, logps…) is indexed by the predicted token, p = row + 1.
//
//   z = logits / temperature (as TRL has it; 1 when supervised, which leaves every bit as it is)
//   logp = z[target] − log Σ_v exp(z_v),   entropy = −Σ_v p_v log p_v
//   MODE 0, supervised:  L = Σ w · (−logp)
//   MODE 1, policy:      L = Σ w · (−min(ρA, clip(ρ, 1 − ε_low, 1 + ε_high) A) + β k3)     (clipped GRPO; TRL's GRPOTrainer)
//                        ρ = exp(logp − old),  k3 = exp(ref − logp) − (ref − logp) − 1
//   dlogits_v = w · ∂l/∂logp · (1[v = target] − p_v) / temperature
//
// `old` is the row's own logp (no gradient through it) until old_logps are asked for. `statistics` gets two vec4 per row:
// (w·l, k3, entropy, 1) and (clipped low, clipped high, w·(−logp), −logp), zeros where w = 0; token_statistics sums
// them in a fixed order. Weights beyond a sequence's end are 0, so that `main` needs no lengths: a device need not give more
// than 8 storage buffers. `score` only writes logps and entropies. LANES threads share a row, ROWS rows share a workgroup.
//
// Where logits are never whole, `loss_of_sums` and `score_of_sums` do the same from what cross_entropy_chunks.wgsl has summed. The
// first leaves what the gradient needs in the row's first sums: (w · ∂l/∂logp / temperature, highest, log Σ exp(z − highest), 1[w ≠ 0]).

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }
struct Objective { mode : u32, use_old : u32, accumulate : u32, unused : u32, beta : f32, epsilon_low : f32, epsilon_high : f32, inverse_temperature : f32 }

@group(0) @binding(0) var<storage, read_write> logits : array<f32>;        // [rows, V], main: then dlogits
@group(0) @binding(1) var<storage, read> tokens : array<u32>;              // [rows]
@group(0) @binding(2) var<storage, read> lengths : array<u32>;             // [batch]
@group(0) @binding(3) var<storage, read> weights : array<vec2f>;           // [rows] of (weight, index of its advantage)
@group(0) @binding(4) var<storage, read> advantages : array<f32>;          // [sequences]
@group(0) @binding(5) var<storage, read> baselines : array<vec2f>;         // [rows] of (old logp, reference logp)
@group(0) @binding(6) var<storage, read_write> scores : array<vec2f>;      // [rows] of (logp, entropy)
@group(0) @binding(7) var<storage, read_write> statistics : array<vec4f>;  // [rows, 2]
@group(0) @binding(8) var<storage, read_write> sums : array<vec4f>;        // [rows, LANES]; see cross_entropy_chunks
@group(0) @binding(9) var<uniform> shape : Shape;
@group(0) @binding(10) var<uniform> objective : Objective;

var<workgroup> partial : array<f32, LANES * ROWS>;

fn row_sum(value : f32, lane : u32, y : u32) -> f32 {
  if (LANES == 1u) { return value; }
  workgroupBarrier();
  partial[y * LANES + lane] = value;
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { partial[y * LANES + lane] += partial[y * LANES + lane + width]; }
  }
  workgroupBarrier();
  return partial[y * LANES];
}

fn row_max(value : f32, lane : u32, y : u32) -> f32 {
  if (LANES == 1u) { return value; }
  workgroupBarrier();
  partial[y * LANES + lane] = value;
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) {
      partial[y * LANES + lane] = max(partial[y * LANES + lane], partial[y * LANES + lane + width]);
    }
  }
  workgroupBarrier();
  return partial[y * LANES];
}

fn tempered(at : u32) -> f32 { return logits[at] * objective.inverse_temperature; }

// log Σ exp and the entropy of a row: (highest, log of the sum relative to it, entropy).
fn normaliser(base : u32, lane : u32, y : u32) -> vec3f {
  var highest = -3.0e38;
  for (var v = lane; v < V; v += LANES) { highest = max(highest, tempered(base + v)); }
  highest = row_max(highest, lane, y);
  var total = 0.0;
  var moment = 0.0;
  for (var v = lane; v < V; v += LANES) {
    let shifted = tempered(base + v) - highest;
    let p = exp(shifted);
    total += p;
    moment += p * shifted;
  }
  total = row_sum(total, lane, y);
  moment = row_sum(moment, lane, y);
  return vec3f(highest, log(total), log(total) - moment / total);
}

// The same from the sums of a row's lanes.
fn summed(row : u32, lane : u32, y : u32) -> vec3f {
  let own = sums[row * LANES + lane];
  let total = row_sum(own.x, lane, y);
  let moment = row_sum(own.y, lane, y);
  return vec3f(own.w, log(total), log(total) - moment / total);
}

// The logit of a token, which is with the lane whose it was.
fn summed_logit(row : u32, token : u32) -> f32 { return sums[row * LANES + token % LANES].z; }

// Of a row's token: (logp, entropy), or zeros where it has none.
fn keep_score(row : u32, found : vec2f) {
  let t = row % shape.length;
  if (t == 0u) { scores[row] = vec2f(); }
  if (t + 1u >= shape.length) { return; }
  scores[row + 1u] = select(vec2f(), found, t + 1u < lengths[row / shape.length]);
}

@compute @workgroup_size(LANES, ROWS)
fn score(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  let safe = min(row, shape.rows - 1u);
  let z = normaliser(safe * V, local.x, local.y);
  if (row >= shape.rows || local.x != 0u) { return; }
  let token = tokens[min(row + 1u, shape.rows - 1u)];
  keep_score(row, vec2f(tempered(row * V + min(token, V - 1u)) - z.x - z.y, z.z));
}

@compute @workgroup_size(LANES, ROWS)
fn score_of_sums(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  let z = summed(min(row, shape.rows - 1u), local.x, local.y);
  if (row >= shape.rows || local.x != 0u) { return; }
  keep_score(row, vec2f(summed_logit(row, tokens[min(row + 1u, shape.rows - 1u)]) - z.x - z.y, z.z));
}

// Writes a row's statistics and scores, and gives (w · ∂l/∂logp / temperature, w).
fn loss_of(row : u32, logit : f32, z : vec3f, lane : u32) -> vec2f {
  let t = row % shape.length;
  let p = min(row + 1u, shape.rows - 1u);
  let w = select(0.0, weights[p].x, t + 1u < shape.length);
  let logp = logit - z.x - z.y;

  var loss = -logp;
  var slope = -1.0;  // ∂l/∂logp
  var k3 = 0.0;
  var clipped = vec2f();
  if (objective.mode == 1u) {
    let advantage = advantages[u32(weights[p].y)];
    let old = select(logp, baselines[p].x, objective.use_old == 1u);
    let rho = exp(logp - old);
    let bounded = clamp(rho, 1.0 - objective.epsilon_low, 1.0 + objective.epsilon_high);
    loss = -min(rho * advantage, bounded * advantage);
    slope = select(0.0, -rho * advantage, rho * advantage <= bounded * advantage);
    clipped.x = select(0.0, 1.0, rho < 1.0 - objective.epsilon_low && advantage < 0.0);
    clipped.y = select(0.0, 1.0, rho > 1.0 + objective.epsilon_high && advantage > 0.0);
    // Without a KL term there may be no reference at all.
    let gap = select(0.0, baselines[p].y - logp, objective.beta > 0.0);
    k3 = exp(gap) - gap - 1.0;
    loss += objective.beta * k3;
    slope += objective.beta * (1.0 - exp(gap));
  }

  if (lane == 0u) {
    if (w != 0.0) {
      statistics[2u * row] = vec4f(w * loss, k3, z.z, 1.0);
      statistics[2u * row + 1u] = vec4f(clipped, -w * logp, -logp);
    } else {
      statistics[2u * row] = vec4f();
      statistics[2u * row + 1u] = vec4f();
    }
    if (t == 0u) { scores[row] = vec2f(); }
    if (t + 1u < shape.length) { scores[row + 1u] = select(vec2f(), vec2f(logp, z.z), w != 0.0); }
  }
  return vec2f(w * slope * objective.inverse_temperature, w);
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  let safe = min(row, shape.rows - 1u);
  let z = normaliser(safe * V, local.x, local.y);
  let token = tokens[min(safe + 1u, shape.rows - 1u)];
  let logit = tempered(safe * V + min(token, V - 1u));
  // All of a row's threads have read it before one writes there.
  if (LANES > 1u) { storageBarrier(); }
  if (row >= shape.rows) { return; }

  // A row of weight 0 gets exact zeros, whatever its logits are.
  let factor = loss_of(row, logit, z, local.x);
  for (var v = local.x; v < V; v += LANES) {
    var gradient = 0.0;
    if (factor.y != 0.0) { gradient = factor.x * (select(0.0, 1.0, v == token) - exp(tempered(row * V + v) - z.x - z.y)); }
    logits[row * V + v] = gradient;
  }
}

@compute @workgroup_size(LANES, ROWS)
fn loss_of_sums(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let row = (group.y * ROW_OF_GROUPS + group.x) * ROWS + local.y;
  let z = summed(min(row, shape.rows - 1u), local.x, local.y);
  if (row >= shape.rows || local.x != 0u) { return; }
  let factor = loss_of(row, summed_logit(row, tokens[min(row + 1u, shape.rows - 1u)]), z, 0u);
  sums[row * LANES] = vec4f(factor.x, z.x, z.y, select(0.0, 1.0, factor.y != 0.0));
}
