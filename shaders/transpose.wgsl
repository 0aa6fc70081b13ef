// out[k, n] = w[n, k]: a weight matrix as `nn` of matmul.wgsl reads it. K and N come at run time (gpu/plan.ts) and are multiples of 4;
// a thread writes four neighbours of n.

@group(0) @binding(0) var<storage, read> w : array<f32>;              // [N, K]
@group(0) @binding(1) var<storage, read_write> out : array<vec4f>;    // [K, N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id : vec3u, @builtin(num_workgroups) groups : vec3u) {
  let K = extents.K;
  let N = extents.N;
  for (var i = id.x; i < K * (N / 4u); i += groups.x * 64u) {
    let k = i / (N / 4u);
    let n = i % (N / 4u) * 4u;
    out[i] = vec4f(w[n * K + k], w[(n + 1u) * K + k], w[(n + 2u) * K + k], w[(n + 3u) * K + k]);
  }
}
