// out[i] = 0 for i < SIZE floats; a thread per vec4, grid-strided.

@group(0) @binding(0) var<storage, read_write> out : array<vec4f>;    // [SIZE]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id : vec3u, @builtin(num_workgroups) groups : vec3u) {
  for (var i = id.x; i < SIZE / 4u; i += groups.x * 64u) { out[i] = vec4f(); }
}
