// The influence of every reward at once, I_i = ⟨∇L_i, u⟩ (u = Σ_k ∇L_k in the paper), without the gradients ∇L_i: it is the
// derivative of L_i along u, so one forward pass at θ + h u gives all of them,
//
//     I_i ≈ −1/h · Σ_rows A_i[row] · Σ_t weight_t (logp_t(θ + h u) − logp_t(θ)),     h = ε ‖θ‖ / ‖u‖
//
// θ is what the forward pass reads: where that is rounded to f16 (the first ROUNDED floats; half.wgsl), so is it here. θ + h u is not, since
// h u is smaller than what rounding loses.
//
// At θ itself ρ = 1, so L_i moves as −A_i · Δlogp. The error is the difference quotient's, tested to be below 1 %.
//
//   squares     workgroup (x, y) sums θ² and u² over 1024 floats of the scope [begin, end) of the pools, tile y · ROW_OF_GROUPS + x
//   step_size   h from those sums; 0 where u vanishes
//   displace    θ + h u inside the scope, θ outside
//   changes     workgroup (packed row), thread g: Σ_t weight_t Δlogp_t over the tokens of completion g
//   influences  workgroup i: −1/h · correction · Σ A_i[row] · change[row]
//
// Both over the prompts that give the slopes, of which `first` is the first: only these are scored at θ + h u.
//
// Orders of summation: threads stride their range by 64, then fold in a binary tree; `changes` walks a row in order.

struct Options {
  count: u32,        // floats of a pool
  begin: u32,
  end: u32,
  tiles: u32,        // ⌈(end − begin) / 1024⌉
  first: u32,        // prompt of the slopes
  groups: u32,       // prompts of the slopes, from the first on
  group_size: u32,   // G ≤ 64
  length: u32,       // T of a packed row
  stride: u32,       // floats from one advantage vector to the next
  epsilon: f32,
  correction: f32,   // see influenceCorrection of popo/policy.ts
}

@group(0) @binding(0) var<uniform> options: Options;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;         // [count] θ
@group(0) @binding(2) var<storage, read> direction: array<f32>;          // [count] u
@group(0) @binding(3) var<storage, read_write> displaced: array<f32>;    // [count] θ + h u
@group(0) @binding(4) var<storage, read_write> partials: array<vec2f>;   // [tiles] of (Σθ², Σu²)
@group(0) @binding(5) var<storage, read_write> step: array<f32>;         // [1] h
@group(0) @binding(6) var<storage, read> before: array<vec2f>;           // [P·T] of (logp, entropy) at θ, over all prompts
@group(0) @binding(7) var<storage, read> after: array<vec2f>;            // [groups·T] at θ + h u
@group(0) @binding(8) var<storage, read> weights: array<vec2f>;          // [P·T] of (weight, index of its completion)
@group(0) @binding(9) var<storage, read_write> change: array<f32>;       // [P·G]
@group(0) @binding(10) var<storage, read> advantages: array<f32>;        // [K, stride]
@group(0) @binding(11) var<storage, read_write> influence: array<f32>;   // [K]

const THREADS = 64u;
const TILE = 1024u;

var<workgroup> lanes: array<vec2f, THREADS>;

fn weight_at(i: u32) -> f32 {
  if (i < ROUNDED) { return unpack2x16float(half_of(parameters[i])).x; }
  return parameters[i];
}

fn sum_over_threads(value: vec2f, thread: u32) -> vec2f {
  lanes[thread] = value;
  for (var span = THREADS / 2u; span > 0u; span /= 2u) {
    workgroupBarrier();
    if (thread < span) {
      lanes[thread] += lanes[thread + span];
    }
  }
  workgroupBarrier();
  return lanes[0];
}

@compute @workgroup_size(THREADS)
fn squares(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tile = workgroup.y * ROW_OF_GROUPS + workgroup.x;
  let first = options.begin + tile * TILE;
  let last = min(first + TILE, options.end);
  var sum = vec2f();
  for (var i = first + thread; i < last; i += THREADS) {
    let pair = vec2f(weight_at(i), direction[i]);
    sum += pair * pair;
  }
  let total = sum_over_threads(sum, thread);
  // The last row of groups may be longer than there are tiles.
  if (thread == 0u && tile < options.tiles) {
    partials[tile] = total;
  }
}

@compute @workgroup_size(THREADS)
fn step_size(@builtin(local_invocation_index) thread: u32) {
  var sum = vec2f();
  for (var tile = thread; tile < options.tiles; tile += THREADS) {
    sum += partials[tile];
  }
  let total = sum_over_threads(sum, thread);
  if (thread == 0u) {
    step[0] = 0.0;
    if (total.y > 0.0) {
      step[0] = options.epsilon * sqrt(total.x) / sqrt(total.y);
    }
  }
}

@compute @workgroup_size(THREADS)
fn displace(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let h = step[0];
  for (var i = id.x; i < options.count; i += workgroups.x * THREADS) {
    displaced[i] = weight_at(i);
    if (i >= options.begin && i < options.end) {
      displaced[i] += h * direction[i];
    }
  }
}

@compute @workgroup_size(THREADS)
fn changes(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  if (thread >= options.group_size) {
    return;
  }
  let completion = (options.first + workgroup.x) * options.group_size + thread;
  let skipped = options.first * options.length;
  var sum = 0.0;
  for (var at = workgroup.x * options.length; at < (workgroup.x + 1u) * options.length; at++) {
    let weight = weights[skipped + at];
    if (weight.x != 0.0 && u32(weight.y) == completion) {
      sum += weight.x * (after[at].x - before[skipped + at].x);
    }
  }
  change[completion] = sum;
}

@compute @workgroup_size(THREADS)
fn influences(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  var sum = 0.0;
  let end = (options.first + options.groups) * options.group_size;
  for (var row = options.first * options.group_size + thread; row < end; row += THREADS) {
    sum += advantages[workgroup.x * options.stride + row] * change[row];
  }
  let total = sum_over_threads(vec2f(sum, 0.0), thread).x;
  if (thread == 0u) {
    influence[workgroup.x] = 0.0;
    if (step[0] > 0.0) {
      influence[workgroup.x] = -total * options.correction / step[0];
    }
  }
}
