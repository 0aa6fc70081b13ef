// A model whose weights are θ = Σ_k s_k θ_k of K ends (conditioned parameters, arXiv 2407.15762). One end a dispatch:
//
//   compose   θ ← s_k θ_k for the first, θ ← θ + s_k θ_k for those after it, in order
//   update    AdamW of θ_k under s_k g, g the gradient at θ clipped as adamw.wgsl clips it (metrics[9]):
//             m ← β₁ m + (1 − β₁) s_k g,  v ← β₂ v + (1 − β₂) (s_k g)²,
//             θ_k ← θ_k − lr · (m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + eps) + s_k · decay · θ)    decay only below DECAYED
//
// With s_k = 1 this is adamw.wgsl's update to the bit; with s_k = 0 the end and its moments stay as they are.

struct Hyper {
  learning_rate : f32, beta1 : f32, beta2 : f32, eps : f32,
  weight_decay : f32, correction1 : f32, correction2 : f32, max_norm : f32,
}

struct Share { share : f32, is_first : f32 }

@group(0) @binding(0) var<storage, read_write> parameters : array<f32>;    // [SIZE], θ
@group(0) @binding(1) var<storage, read_write> end : array<f32>;           // [SIZE], θ_k
@group(0) @binding(2) var<storage, read_write> moment1 : array<f32>;       // [SIZE], m of θ_k
@group(0) @binding(3) var<storage, read_write> moment2 : array<f32>;       // [SIZE], v of θ_k
@group(0) @binding(4) var<storage, read> gradient : array<f32>;            // [SIZE]
@group(0) @binding(5) var<storage, read> metrics : array<f32>;             // [16]
@group(0) @binding(6) var<uniform> hyper : Hyper;
@group(0) @binding(7) var<uniform> of_end : Share;

@compute @workgroup_size(64)
fn compose(@builtin(global_invocation_id) id : vec3u, @builtin(num_workgroups) groups : vec3u) {
  for (var i = id.x; i < SIZE; i += groups.x * 64u) {
    let part = of_end.share * end[i];
    if (of_end.is_first > 0.0) {
      parameters[i] = part;
    } else {
      parameters[i] += part;
    }
  }
}

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id : vec3u, @builtin(num_workgroups) groups : vec3u) {
  let share = of_end.share;
  if (share == 0.0) { return; }
  let clip = metrics[9];
  for (var i = id.x; i < SIZE; i += groups.x * 64u) {
    let g = share * (gradient[i] * clip);
    let m = hyper.beta1 * moment1[i] + (1.0 - hyper.beta1) * g;
    let v = hyper.beta2 * moment2[i] + (1.0 - hyper.beta2) * g * g;
    moment1[i] = m;
    moment2[i] = v;
    let decay = select(0.0, hyper.weight_decay * (share * parameters[i]), i < DECAYED);
    end[i] = end[i] - hyper.learning_rate * (m / hyper.correction1 / (sqrt(v / hyper.correction2) + hyper.eps) + decay);
  }
}
