// Adds the slices of the weight gradient up, in slice order: gradient[i] (+)= Σ_s slices[s · SLICE + i] for i < SIZE. One thread per vec4.

struct Objective { mode : u32, use_old : u32, accumulate : u32, unused : u32, beta : f32, epsilon_low : f32, epsilon_high : f32, inverse_temperature : f32 }

@group(0) @binding(0) var<storage, read> slices : array<vec4f>;            // [SPLITS, SLICE]
@group(0) @binding(1) var<storage, read_write> gradient : array<vec4f>;    // [SIZE]
@group(0) @binding(2) var<uniform> objective : Objective;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id : vec3u, @builtin(num_workgroups) groups : vec3u) {
  for (var i = id.x; i < SIZE / 4u; i += groups.x * 64u) {
    var sum = slices[i];
    for (var s = 1u; s < SPLITS; s++) { sum += slices[s * (SLICE / 4u) + i]; }
    if (objective.accumulate == 1u) { sum += gradient[i]; }
    gradient[i] = sum;
  }
}
