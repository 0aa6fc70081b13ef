// What a policy step's later passes compare the current log-probabilities with: baselines[p] = (old logp, reference logp).
// One thread per token; only one of the two halves is written.
//
//   keep_old        baselines[p].x = scores[p].x, after the first update on these rollouts
//   keep_reference  baselines[p].y = scores[p].x, scores being those of the frozen reference

@group(0) @binding(0) var<storage, read> scores: array<vec2f>;           // [B*T] of (logp, entropy)
@group(0) @binding(1) var<storage, read_write> baselines: array<vec2f>;  // [B*T]

@compute @workgroup_size(64)
fn keep_old(@builtin(global_invocation_id) id: vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  if (thread < arrayLength(&baselines)) {
    baselines[thread].x = scores[thread].x;
  }
}

@compute @workgroup_size(64)
fn keep_reference(@builtin(global_invocation_id) id: vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  if (thread < arrayLength(&baselines)) {
    baselines[thread].y = scores[thread].x;
  }
}
