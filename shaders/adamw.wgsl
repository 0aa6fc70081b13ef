// AdamW over the flat parameter pool (Loshchilov and Hutter, 2019), with the gradient scaled to a global norm.
//
//   square_sums  partial[g] = Σ gradient² over the g-th run of the pool
//   norm         metrics[8] = ‖gradient‖, metrics[9] = min(1, max_norm / (‖gradient‖ + 1e-6))
//   update       m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
//                p ← p − lr · (m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + eps) + decay · p)      decay only below DECAYED
//
// The corrections 1 − βᵗ come from the CPU in f64. PARTIALS runs; a run's sum is taken per thread in order, then by halving.

struct Hyper {
  learning_rate : f32, beta1 : f32, beta2 : f32, eps : f32,
  weight_decay : f32, correction1 : f32, correction2 : f32, max_norm : f32,
}

@group(0) @binding(0) var<storage, read_write> parameters : array<f32>;    // [SIZE]
@group(0) @binding(1) var<storage, read_write> moment1 : array<f32>;       // [SIZE], m
@group(0) @binding(2) var<storage, read_write> moment2 : array<f32>;       // [SIZE], v
@group(0) @binding(3) var<storage, read> gradient : array<f32>;            // [SIZE]
@group(0) @binding(4) var<storage, read_write> partial : array<f32>;       // [PARTIALS]
@group(0) @binding(5) var<storage, read_write> metrics : array<f32>;       // [16], two of them written
@group(0) @binding(6) var<uniform> hyper : Hyper;

const RUN = (SIZE + PARTIALS - 1u) / PARTIALS;

var<workgroup> sums : array<f32, 64>;

fn workgroup_sum(value : f32, thread : u32) -> f32 {
  sums[thread] = value;
  for (var width = 32u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (thread < width) { sums[thread] += sums[thread + width]; }
  }
  workgroupBarrier();
  return sums[0];
}

@compute @workgroup_size(64)
fn square_sums(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let begin = group.x * RUN;
  let end = min(begin + RUN, SIZE);
  var sum = 0.0;
  var i = begin + local.x;
  // A GPU waits for memory once for all of these, not for each; they are added in the same order.
  for (; i + (AHEAD - 1u) * 64u < end; i += AHEAD * 64u) {
    let g{j} = gradient[i + {j}u * 64u]; // each j
    sum = fma(g{j}, g{j}, sum); // each j
  }
  for (; i < end; i += 64u) { sum = fma(gradient[i], gradient[i], sum); }
  let total = workgroup_sum(sum, local.x);
  if (local.x == 0u) { partial[group.x] = total; }
}

@compute @workgroup_size(64)
fn norm(@builtin(local_invocation_id) local : vec3u) {
  var sum = 0.0;
  for (var i = local.x; i < PARTIALS; i += 64u) { sum += partial[i]; }
  let length = sqrt(workgroup_sum(sum, local.x));
  if (local.x == 0u) {
    metrics[8] = length;
    metrics[9] = min(1.0, hyper.max_norm / (length + 1e-6));
  }
}

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id : vec3u, @builtin(num_workgroups) groups : vec3u) {
  let clip = metrics[9];
  for (var i = id.x; i < SIZE; i += groups.x * 64u) {
    let g = gradient[i] * clip;
    let m = hyper.beta1 * moment1[i] + (1.0 - hyper.beta1) * g;
    let v = hyper.beta2 * moment2[i] + (1.0 - hyper.beta2) * g * g;
    moment1[i] = m;
    moment2[i] = v;
    let p = parameters[i];
    let decay = select(0.0, hyper.weight_decay * p, i < DECAYED);
    parameters[i] = p - hyper.learning_rate * (m / hyper.correction1 / (sqrt(v / hyper.correction2) + hyper.eps) + decay);
  }
}
