// The working copy of weights: out = f16(weights), as half.wgsl packs it. One thread per vec4.

@group(0) @binding(0) var<storage, read> weights : array<vec4f>;       // [SIZE]
@group(0) @binding(1) var<storage, read_write> out : array<vec2u>;    // [SIZE]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id : vec3u, @builtin(num_workgroups) groups : vec3u) {
  for (var i = id.x; i < SIZE / 4u; i += groups.x * 64u) { out[i] = packed(weights[i]); }
}
