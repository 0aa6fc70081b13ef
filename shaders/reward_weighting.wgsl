// Rewards → weights → advantages, the decision of a POPO step, without leaving the device. Twin of src/popo/rules,
// weighting.ts and advantages.ts, which say what each formula means.
//
//   objective_advantages   A_k of each reward alone: workgroup k writes advantages[k]. Before anything is measured.
//   direction_advantages   Σ_k A_k into advantages[K + 1], whose gradient is the direction
//   weigh                  w(t-1) → w(t), then Â of r̃ into advantages[K]. One workgroup.
//
//     popo        w_i ∝ w_i · exp(η/μ · I_i), with I from directional_influence.wgsl or I_i = Σ_j gram[i][j]
//     popo-light  w_i ∝ σ_i / (mean_i + ε), σ and mean of max(r, 0), averaged over groups
//     mgda        argmin_w ‖Σ_k w_k g_k‖² on the simplex
//     correlation w_k ∝ w_k · exp(rate · max(0, enough − corr_k)), corr_k of r_k with Σ_j w_j r_j, centred within groups and pooled
//     constraint  λ = max(0, w_s / Σ_{j≠s} w_j + η (b − mean r_s)), then w_s = λ / (1 + λ); the others share 1 / (1 + λ) as before
//     r̃           Σ_k w_k(t) r_k, or Π_k max(r_k, 0)^w_k(t)
//     Â           (r̃ − mean_group) / (std + 1e-4), std with Bessel's correction; or GDPO's z-score of a sum of z-scores;
//                 or Σ_k w_k A_k
//
// P groups of G rollouts with K ≤ 8 rewards. A thread takes whole groups (thread, thread + 64, …) and walks their rows in
// order; sums over groups go through a fixed binary tree over the 64 threads. So every bit is the same in every run.
// All means are of differences to a group's (or the batch's) first row: equal rewards give exactly 0, and rounding
// is relative to the spread, not to the level.

struct Options {
  groups: u32,       // P
  group_size: u32,   // G
  num_rewards: u32,  // K
  stride: u32,       // floats from one vector of `advantages` to the next, ≥ P·G
  weighting: u32,    // KEEP, or a rule below
  aggregation: u32,  // 0 sum_then_normalize, 1 normalize_then_sum, 2 sum_of_advantages, 3 multiply_then_normalize
  scale: u32,        // 0 group, 1 batch, 2 none
  measured: u32,     // what popo goes by: 1 gram, 2 influence
  eta_over_mu: f32,
  max_norm: f32,     // of each gradient in gram; 0 leaves them as they are
  min_weight: f32,
  held: u32,         // s, the reward that constraint holds
  rate: f32,         // of correlation
  enough: f32,       // the correlation that is
  level: f32,        // b of constraint
  ascent: f32,       // η of constraint
}

@group(0) @binding(0) var<uniform> options: Options;
@group(0) @binding(1) var<storage, read> rewards: array<f32>;           // [P·G, K]
@group(0) @binding(2) var<storage, read_write> advantages: array<f32>;  // [K + 2, stride], the first P·G of each row used
@group(0) @binding(3) var<storage, read> gram: array<f32>;              // [K, K] ⟨g_i, g_j⟩
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;     // [K] w(t-1), then w(t)
@group(0) @binding(5) var<storage, read_write> statistics: array<f32>;  // [5, K] w(t-1), w(t), I, mean, σ
@group(0) @binding(6) var<storage, read> influence: array<f32>;         // [K] I_i

// `kernel` of the rules in src/popo/rules; KEEP also where a step has not measured what its rule needs.
const KEEP = 0u;
const POPO = 1u;
const POPO_LIGHT = 2u;
const MGDA = 3u;
const CORRELATION = 4u;
const CONSTRAINT = 5u;

const THREADS = 64u;
const MAX_REWARDS = 8u;
const STD_EPSILON = 1e-4;
const LIGHT_EPSILON = 1e-8;
const MIN_NORM_PASSES = 256u;
const FLAT = 1e-6;
const MAX_MULTIPLIER = 1e4;

var<workgroup> w: array<f32, MAX_REWARDS>;
/// Whether r̃ is a product; a single reward's is itself.
var<private> multiplies = false;
var<workgroup> lanes: array<f32, THREADS>;

/// Sum of `value` over the workgroup, given to every thread.
fn sum_over_threads(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
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

/// Π_k max(r_k, 0)^w_k; 0^0 is 1.
fn product(row: u32) -> f32 {
  let K = options.num_rewards;
  var value = 1.0;
  for (var k = 0u; k < K; k++) {
    let reward = max(rewards[row * K + k], 0.0);
    if (reward == 0.0) {
      value *= select(1.0, 0.0, w[k] > 0.0);
    } else if (w[k] == 1.0) {
      // pow is not exact even here.
      value *= reward;
    } else {
      value *= pow(reward, w[k]);
    }
  }
  return value;
}

/// r̃ of `row` less r̃ of `origin`.
fn difference(row: u32, origin: u32) -> f32 {
  if (multiplies) {
    return product(row) - product(origin);
  }
  var sum = 0.0;
  for (var k = 0u; k < options.num_rewards; k++) {
    sum += w[k] * (rewards[row * options.num_rewards + k] - rewards[origin * options.num_rewards + k]);
  }
  return sum;
}

/// Bessel-corrected deviation; that of a single value is 0.
fn deviation(squares: f32, count: u32) -> f32 {
  if (count < 2u) {
    return 0.0;
  }
  return sqrt(squares / f32(count - 1u));
}

/// Â of r̃ into advantages[base ..]; `w` must be complete and visible.
fn sum_then_normalize(base: u32, thread: u32) {
  let G = options.group_size;
  let rows = options.groups * G;
  var batch_std = 0.0;
  if (options.scale == 1u) {
    var sum = 0.0;
    for (var p = thread; p < options.groups; p += THREADS) {
      for (var row = p * G; row < (p + 1u) * G; row++) {
        sum += difference(row, 0u);
      }
    }
    let mean = sum_over_threads(sum, thread) / f32(rows);
    var squares = 0.0;
    for (var p = thread; p < options.groups; p += THREADS) {
      for (var row = p * G; row < (p + 1u) * G; row++) {
        let centred = difference(row, 0u) - mean;
        squares += centred * centred;
      }
    }
    batch_std = deviation(sum_over_threads(squares, thread), rows);
  }
  for (var p = thread; p < options.groups; p += THREADS) {
    let first = p * G;
    var mean = 0.0;
    for (var row = first; row < first + G; row++) {
      mean += difference(row, first);
    }
    mean /= f32(G);
    var squares = 0.0;
    for (var row = first; row < first + G; row++) {
      let centred = difference(row, first) - mean;
      squares += centred * centred;
    }
    var divisor = 1.0;
    if (options.scale == 0u) {
      divisor = deviation(squares, G) + STD_EPSILON;
    } else if (options.scale == 1u) {
      divisor = batch_std + STD_EPSILON;
    }
    for (var row = first; row < first + G; row++) {
      advantages[base + row] = (difference(row, first) - mean) / divisor;
    }
  }
}

/// GDPO: Σ_k w_k · z-score of reward k within the group, then the z-score of that over the batch.
fn normalize_then_sum(base: u32, thread: u32) {
  let G = options.group_size;
  let K = options.num_rewards;
  let rows = options.groups * G;
  var sum = 0.0;
  for (var p = thread; p < options.groups; p += THREADS) {
    let first = p * G;
    for (var k = 0u; k < K; k++) {
      let origin = rewards[first * K + k];
      var mean = 0.0;
      for (var row = first; row < first + G; row++) {
        mean += rewards[row * K + k] - origin;
      }
      mean /= f32(G);
      var squares = 0.0;
      for (var row = first; row < first + G; row++) {
        let centred = rewards[row * K + k] - origin - mean;
        squares += centred * centred;
      }
      let factor = w[k] / (deviation(squares, G) + STD_EPSILON);
      for (var row = first; row < first + G; row++) {
        let z = (rewards[row * K + k] - origin - mean) * factor;
        if (k == 0u) {
          advantages[base + row] = z;
        } else {
          advantages[base + row] += z;
        }
      }
    }
    for (var row = first; row < first + G; row++) {
      sum += advantages[base + row];
    }
  }
  let mean = sum_over_threads(sum, thread) / f32(rows);
  var squares = 0.0;
  for (var p = thread; p < options.groups; p += THREADS) {
    for (var row = p * G; row < (p + 1u) * G; row++) {
      let centred = advantages[base + row] - mean;
      squares += centred * centred;
    }
  }
  let divisor = deviation(sum_over_threads(squares, thread), rows) + STD_EPSILON;
  for (var p = thread; p < options.groups; p += THREADS) {
    for (var row = p * G; row < (p + 1u) * G; row++) {
      advantages[base + row] = (advantages[base + row] - mean) / divisor;
    }
  }
}

/// Σ_k w_k A_k; after objective_advantages.
fn sum_of_advantages(base: u32, thread: u32) {
  for (var row = thread; row < options.groups * options.group_size; row += THREADS) {
    var sum = 0.0;
    for (var k = 0u; k < options.num_rewards; k++) {
      sum += w[k] * advantages[k * options.stride + row];
    }
    advantages[base + row] = sum;
  }
}

@compute @workgroup_size(THREADS)
fn objective_advantages(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  if (thread < MAX_REWARDS) {
    w[thread] = select(0.0, 1.0, thread == workgroup.x);
  }
  workgroupBarrier();
  if (options.aggregation == 1u) {
    normalize_then_sum(workgroup.x * options.stride, thread);
  } else {
    sum_then_normalize(workgroup.x * options.stride, thread);
  }
}

@compute @workgroup_size(THREADS)
fn direction_advantages(@builtin(local_invocation_index) thread: u32) {
  let base = (options.num_rewards + 1u) * options.stride;
  for (var row = thread; row < options.groups * options.group_size; row += THREADS) {
    var sum = 0.0;
    for (var k = 0u; k < options.num_rewards; k++) {
      sum += advantages[k * options.stride + row];
    }
    advantages[base + row] = sum;
  }
}

/// σ and mean of max(r_k, 0), averaged over groups, into statistics[3] and [4].
fn group_statistics(thread: u32) {
  let G = options.group_size;
  let K = options.num_rewards;
  for (var k = 0u; k < K; k++) {
    var means = 0.0;
    var deviations = 0.0;
    for (var p = thread; p < options.groups; p += THREADS) {
      let first = p * G;
      let origin = max(rewards[first * K + k], 0.0);
      var shift = 0.0;
      for (var row = first; row < first + G; row++) {
        shift += max(rewards[row * K + k], 0.0) - origin;
      }
      shift /= f32(G);
      var squares = 0.0;
      for (var row = first; row < first + G; row++) {
        let centred = max(rewards[row * K + k], 0.0) - origin - shift;
        squares += centred * centred;
      }
      means += origin + shift;
      deviations += deviation(squares, G);
    }
    let mean = sum_over_threads(means, thread) / f32(options.groups);
    let sigma = sum_over_threads(deviations, thread) / f32(options.groups);
    if (thread == 0u) {
      statistics[3u * K + k] = mean;
      statistics[4u * K + k] = sigma;
    }
  }
}

/// s_i s_j G_ij: the Gram matrix after each gradient was clipped to max_norm.
fn clipped_gram(i: u32, j: u32) -> f32 {
  let K = options.num_rewards;
  var value = gram[i * K + j];
  if (options.max_norm > 0.0) {
    value *= min(1.0, options.max_norm / sqrt(max(gram[i * K + i], 1e-30)));
    value *= min(1.0, options.max_norm / sqrt(max(gram[j * K + j], 1e-30)));
  }
  return value;
}

/// Mirror descent as a softmax of ln w + rate · I less its largest: nothing overflows, and a weight of 0 stays 0.
fn mirror_descent(I: array<f32, MAX_REWARDS>, rate: f32) {
  let K = options.num_rewards;
  var slopes = I;
  var largest = -3.0e38;
  for (var i = 0u; i < K; i++) {
    if (weights[i] > 0.0) {
      largest = max(largest, slopes[i]);
    }
  }
  var top = -3.0e38;
  for (var i = 0u; i < K; i++) {
    if (weights[i] > 0.0) {
      top = max(top, log(weights[i]) + rate * (slopes[i] - largest));
    }
  }
  var total = 0.0;
  for (var i = 0u; i < K; i++) {
    w[i] = 0.0;
    if (weights[i] > 0.0) {
      w[i] = exp(log(weights[i]) + rate * (slopes[i] - largest) - top);
    }
    total += w[i];
  }
  for (var i = 0u; i < K; i++) {
    w[i] /= total;
  }
}

fn popo_weights() {
  let K = options.num_rewards;
  var I: array<f32, MAX_REWARDS>;
  for (var i = 0u; i < K; i++) {
    if (options.measured == 2u) {
      I[i] = influence[i];
    } else {
      var sum = 0.0;
      for (var j = 0u; j < K; j++) {
        sum += clipped_gram(i, j);
      }
      I[i] = sum;
    }
    statistics[2u * K + i] = I[i];
  }
  mirror_descent(I, options.eta_over_mu);
}

/// Sums over all rows, each centred within its group, of r_k · s, of r_k² and of s², with s = Σ_j w_j r_j under the w that is visible.
fn pooled_products(k: u32, thread: u32) -> vec3f {
  let G = options.group_size;
  let K = options.num_rewards;
  var sums = vec3f();
  for (var p = thread; p < options.groups; p += THREADS) {
    let first = p * G;
    let origin = rewards[first * K + k];
    var means = vec2f();
    for (var row = first; row < first + G; row++) {
      means += vec2f(rewards[row * K + k] - origin, difference(row, first));
    }
    means /= f32(G);
    for (var row = first; row < first + G; row++) {
      let centred = vec2f(rewards[row * K + k] - origin, difference(row, first)) - means;
      sums += vec3f(centred.x * centred.y, centred.x * centred.x, centred.y * centred.y);
    }
  }
  return vec3f(sum_over_threads(sums.x, thread), sum_over_threads(sums.y, thread), sum_over_threads(sums.z, thread));
}

/// Every thread comes here, since each sums its groups; `w` is w(t-1) meanwhile. A sum without spread tells nothing, and w stays.
fn correlation_weights(thread: u32) {
  let K = options.num_rewards;
  var lacks: array<f32, MAX_REWARDS>;
  var apart = 0.0;
  var of_sum = 0.0;
  for (var k = 0u; k < K; k++) {
    let products = pooled_products(k, thread);
    of_sum = products.z;
    apart += w[k] * w[k] * products.y;
    if (products.y > 0.0 && products.z > 0.0) {
      lacks[k] = max(0.0, options.enough - products.x / (sqrt(products.y) * sqrt(products.z)));
    }
  }
  workgroupBarrier();
  if (thread == 0u && of_sum > FLAT * apart) {
    mirror_descent(lacks, options.rate);
  }
}

/// λ from w(t-1), one step of dual ascent, and w(t) from it. One reward has nothing beside it.
fn constraint_weights(mean: f32) {
  let K = options.num_rewards;
  if (K < 2u) {
    return;
  }
  var others = 0.0;
  for (var i = 0u; i < K; i++) {
    others += select(weights[i], 0.0, i == options.held);
  }
  var lambda = MAX_MULTIPLIER;
  if (weights[options.held] < MAX_MULTIPLIER * others) {
    lambda = weights[options.held] / others;
  }
  lambda = clamp(lambda + options.ascent * (options.level - mean), 0.0, MAX_MULTIPLIER);
  let rest = 1.0 / (1.0 + lambda);
  for (var i = 0u; i < K; i++) {
    var share = 1.0 / f32(K - 1u);
    if (others > 0.0) {
      share = weights[i] / others;
    }
    w[i] = select(share, lambda, i == options.held) * rest;
  }
}

/// Mean of reward `k` over all rows, given to every thread.
fn mean_reward(k: u32, thread: u32) -> f32 {
  let G = options.group_size;
  var sum = 0.0;
  for (var p = thread; p < options.groups; p += THREADS) {
    for (var row = p * G; row < (p + 1u) * G; row++) {
      sum += rewards[row * options.num_rewards + k] - rewards[k];
    }
  }
  return rewards[k] + sum_over_threads(sum, thread) / f32(options.groups * G);
}

/// Weight moves from the reward with the largest (G w)_i to the one with the smallest, by exact line search.
fn min_norm_weights() {
  let K = options.num_rewards;
  for (var i = 0u; i < K; i++) {
    w[i] = 1.0 / f32(K);
  }
  for (var pass_ = 0u; pass_ < MIN_NORM_PASSES; pass_++) {
    var giver = 0u;
    var taker = 0u;
    var largest = -3.0e38;
    var smallest = 3.0e38;
    for (var i = 0u; i < K; i++) {
      var slope = 0.0;
      for (var j = 0u; j < K; j++) {
        slope += clipped_gram(i, j) * w[j];
      }
      if (w[i] > 0.0 && slope > largest) {
        largest = slope;
        giver = i;
      }
      if (slope < smallest) {
        smallest = slope;
        taker = i;
      }
    }
    let curvature = clipped_gram(giver, giver) + clipped_gram(taker, taker) - 2.0 * clipped_gram(giver, taker);
    if (largest <= smallest || curvature <= 0.0) {
      break;
    }
    let moved = min(w[giver], (largest - smallest) / curvature);
    w[giver] -= moved;
    w[taker] += moved;
  }
}

/// Raises weights below min_weight to it; the others shrink in proportion, until none is below.
fn floor_weights() {
  let K = options.num_rewards;
  var raw: array<f32, MAX_REWARDS>;
  for (var i = 0u; i < K; i++) {
    raw[i] = w[i];
  }
  var held = 0u;
  for (var pass_ = 0u; pass_ < K; pass_++) {
    var raised = held;
    for (var i = 0u; i < K; i++) {
      if (w[i] < options.min_weight) {
        raised |= 1u << i;
      }
    }
    if (raised == held) {
      break;
    }
    held = raised;
    var free = 0.0;
    for (var i = 0u; i < K; i++) {
      free += select(raw[i], 0.0, (held & (1u << i)) != 0u);
    }
    let rest = 1.0 - f32(countOneBits(held)) * options.min_weight;
    for (var i = 0u; i < K; i++) {
      w[i] = select(raw[i] / free * rest, options.min_weight, (held & (1u << i)) != 0u);
    }
  }
}

/// Without spread in any reward w(t-1) is kept.
fn popo_light_weights() {
  let K = options.num_rewards;
  var total = 0.0;
  for (var i = 0u; i < K; i++) {
    total += statistics[4u * K + i] / (statistics[3u * K + i] + LIGHT_EPSILON);
  }
  if (total > 0.0) {
    for (var i = 0u; i < K; i++) {
      w[i] = statistics[4u * K + i] / (statistics[3u * K + i] + LIGHT_EPSILON) / total;
    }
  }
}

@compute @workgroup_size(THREADS)
fn weigh(@builtin(local_invocation_index) thread: u32) {
  let K = options.num_rewards;
  group_statistics(thread);
  if (thread == 0u) {
    for (var i = 0u; i < K; i++) {
      w[i] = weights[i];
      statistics[i] = weights[i];
      statistics[2u * K + i] = 0.0;
    }
  }
  workgroupBarrier();
  // Sums over threads, so of all threads, and `options` is the same for all.
  var mean = 0.0;
  if (options.weighting == CORRELATION) {
    correlation_weights(thread);
  } else if (options.weighting == CONSTRAINT) {
    mean = mean_reward(options.held, thread);
  }
  if (thread == 0u) {
    if (options.weighting != KEEP) {
      switch (options.weighting) {
        case POPO: { popo_weights(); }
        case POPO_LIGHT: { popo_light_weights(); }
        case MGDA: { min_norm_weights(); }
        case CORRELATION: {
          // Done already.
        }
        case CONSTRAINT: { constraint_weights(mean); }
        default: {}
      }
      floor_weights();
    }
    for (var i = 0u; i < K; i++) {
      weights[i] = w[i];
      statistics[K + i] = w[i];
    }
  }
  workgroupBarrier();
  let base = K * options.stride;
  if (options.aggregation == 1u) {
    normalize_then_sum(base, thread);
  } else if (options.aggregation == 2u) {
    sum_of_advantages(base, thread);
  } else {
    multiplies = options.aggregation == 3u;
    sum_then_normalize(base, thread);
  }
}
