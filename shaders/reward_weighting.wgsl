// Rewards → weights → advantages, the decision of a POPO step, without leaving the device. Twin of src/popo/weighting.ts
// and advantages.ts, which say what each formula means.
//
//   objective_advantages   A_k of each reward alone: workgroup k writes advantages[k]. Before the gradient probes.
//   weigh                  w(t-1) → w(t), then Â of r̃ = Σ_k w_k(t) r_k into advantages[K]. After them. One workgroup.
//
//     popo        w_i ∝ w_i · exp(η/μ · I_i),  I_i = Σ_j gram[i][j]
//     popo-light  w_i ∝ σ_i / (mean_i + ε), σ and mean of max(r, 0), averaged over groups
//     Â           (r̃ − mean_group) / (std + 1e-4), std with Bessel's correction; or GDPO's z-score of a sum of z-scores
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
  weighting: u32,    // 0 fixed, 1 popo, 2 popo-light
  aggregation: u32,  // 0 sum_then_normalize, 1 normalize_then_sum
  scale: u32,        // 0 group, 1 batch, 2 none
  eta_over_mu: f32,
}

@group(0) @binding(0) var<uniform> options: Options;
@group(0) @binding(1) var<storage, read> rewards: array<f32>;           // [P·G, K]
@group(0) @binding(2) var<storage, read_write> advantages: array<f32>;  // [K + 1, stride], the first P·G of each row used
@group(0) @binding(3) var<storage, read> gram: array<f32>;              // [K, K] ⟨g_i, g_j⟩; read by popo only
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;     // [K] w(t-1), then w(t)
@group(0) @binding(5) var<storage, read_write> statistics: array<f32>;  // [5, K] w(t-1), w(t), I, mean, σ

const THREADS = 64u;
const MAX_REWARDS = 8u;
const STD_EPSILON = 1e-4;
const LIGHT_EPSILON = 1e-8;

var<workgroup> w: array<f32, MAX_REWARDS>;
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

/// r̃ of `row` less r̃ of `origin`.
fn difference(row: u32, origin: u32) -> f32 {
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

/// Â of r̃ = Σ w_k r_k into advantages[base ..]; `w` must be complete and visible.
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

fn write_advantages(base: u32, thread: u32) {
  if (options.aggregation == 0u) {
    sum_then_normalize(base, thread);
  } else {
    normalize_then_sum(base, thread);
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
  write_advantages(workgroup.x * options.stride, thread);
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

/// Mirror descent as a softmax of ln w + η/μ · (I − max I): nothing overflows, and a weight of 0 stays 0.
fn popo_weights() {
  let K = options.num_rewards;
  var influence: array<f32, MAX_REWARDS>;
  var largest = -3.0e38;
  for (var i = 0u; i < K; i++) {
    var sum = 0.0;
    for (var j = 0u; j < K; j++) {
      sum += gram[i * K + j];
    }
    influence[i] = sum;
    if (weights[i] > 0.0) {
      largest = max(largest, sum);
    }
  }
  var top = -3.0e38;
  for (var i = 0u; i < K; i++) {
    if (weights[i] > 0.0) {
      top = max(top, log(weights[i]) + options.eta_over_mu * (influence[i] - largest));
    }
  }
  var total = 0.0;
  for (var i = 0u; i < K; i++) {
    w[i] = 0.0;
    if (weights[i] > 0.0) {
      w[i] = exp(log(weights[i]) + options.eta_over_mu * (influence[i] - largest) - top);
    }
    total += w[i];
  }
  for (var i = 0u; i < K; i++) {
    w[i] /= total;
    statistics[2u * K + i] = influence[i];
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
    if (options.weighting == 1u) {
      popo_weights();
    } else if (options.weighting == 2u) {
      popo_light_weights();
    }
    for (var i = 0u; i < K; i++) {
      weights[i] = w[i];
      statistics[K + i] = w[i];
    }
  }
  workgroupBarrier();
  write_advantages(K * options.stride, thread);
}
