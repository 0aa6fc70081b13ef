// Causal attention with grouped keys and values, and its gradient, without a T × T matrix in memory
// (online softmax: Milakov and Gimelshein, 2018; recomputed backward: Dao et al., 2022).
//
//   forward         p_ij = softmax_j≤i(q_i·k_j / √h),  o_i = Σ_j p_ij v_j,  keeps lse_i = log Σ_j exp(q_i·k_j / √h)
//   backward_query  δ_i = dO_i·O_i,  dS_ij = p_ij (dO_i·v_j − δ_i),  dq_i = Σ_j dS_ij k_j / √h;  keeps δ_i
//   backward_key    dv_j = Σ_i p_ij dO_i,  dk_j = Σ_i dS_ij q_i / √h,  summed over the query heads of the group
//
// qkv and dqkv are [rows, ROW_WIDTH] with the query heads first, then the key heads, then the value heads; o and dO are
// [rows, HEADS · HEAD_DIM]; lse and delta [rows, HEADS]. One thread owns one query (or key) of one head and walks the others in
// ascending order. Sequences are padded on the right to `length`; positions past their end are neither read nor attended
// to, and get zeros.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> qkv : array<vec4f>;
@group(0) @binding(1) var<storage, read> lengths : array<u32>;
@group(0) @binding(2) var<storage, read_write> o : array<vec4f>;
@group(0) @binding(3) var<storage, read_write> lse : array<f32>;
@group(0) @binding(4) var<storage, read> d_o : array<vec4f>;
@group(0) @binding(5) var<storage, read_write> delta : array<f32>;
@group(0) @binding(6) var<storage, read_write> dqkv : array<vec4f>;
@group(0) @binding(7) var<uniform> shape : Shape;

const H4 = HEAD_DIM / 4u;
const W4 = ROW_WIDTH / 4u;
const GROUP = HEADS / KV_HEADS;
const LOWEST = -3.0e38;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id : vec3u) {
  let t = id.x;
  let head = id.y % HEADS;
  let sequence = id.y / HEADS;
  if (t >= shape.length) { return; }
  let first = sequence * shape.length;
  let row = first + t;
  let at = row * (HEADS * H4) + head * H4;
  if (t >= lengths[sequence]) {
    for (var c = 0u; c < H4; c++) { o[at + c] = vec4f(); }
    lse[row * HEADS + head] = 0.0;
    return;
  }
  let scale = inverseSqrt(f32(HEAD_DIM));
  let key = (HEADS + head / GROUP) * H4;
  let value = key + KV_HEADS * H4;
  var q : array<vec4f, H4>;
  var sum : array<vec4f, H4>;
  for (var c = 0u; c < H4; c++) { q[c] = qkv[row * W4 + head * H4 + c] * scale; }
  var highest = LOWEST;
  var total = 0.0;
  for (var j = first; j <= row; j++) {
    var score = 0.0;
    for (var c = 0u; c < H4; c++) { score += dot(q[c], qkv[j * W4 + key + c]); }
    if (score > highest) {
      let shrink = exp(highest - score);
      total *= shrink;
      for (var c = 0u; c < H4; c++) { sum[c] *= shrink; }
      highest = score;
    }
    let p = exp(score - highest);
    total += p;
    for (var c = 0u; c < H4; c++) { sum[c] = fma(vec4f(p), qkv[j * W4 + value + c], sum[c]); }
  }
  for (var c = 0u; c < H4; c++) { o[at + c] = sum[c] / total; }
  lse[row * HEADS + head] = highest + log(total);
}

@compute @workgroup_size(LANES)
fn backward_query(@builtin(global_invocation_id) id : vec3u) {
  let t = id.x;
  let head = id.y % HEADS;
  let sequence = id.y / HEADS;
  if (t >= shape.length) { return; }
  let first = sequence * shape.length;
  let row = first + t;
  let at = row * (HEADS * H4) + head * H4;
  let query = row * W4 + head * H4;
  if (t >= lengths[sequence]) {
    for (var c = 0u; c < H4; c++) { dqkv[query + c] = vec4f(); }
    delta[row * HEADS + head] = 0.0;
    return;
  }
  let scale = inverseSqrt(f32(HEAD_DIM));
  let key = (HEADS + head / GROUP) * H4;
  let value = key + KV_HEADS * H4;
  var q : array<vec4f, H4>;
  var g : array<vec4f, H4>;
  var dq : array<vec4f, H4>;
  var inner = 0.0;
  for (var c = 0u; c < H4; c++) {
    q[c] = qkv[query + c] * scale;
    g[c] = d_o[at + c];
    inner += dot(g[c], o[at + c]);
  }
  delta[row * HEADS + head] = inner;
  let normaliser = lse[row * HEADS + head];
  for (var j = first; j <= row; j++) {
    var score = 0.0;
    var dp = 0.0;
    for (var c = 0u; c < H4; c++) {
      score += dot(q[c], qkv[j * W4 + key + c]);
      dp += dot(g[c], qkv[j * W4 + value + c]);
    }
    let ds = exp(score - normaliser) * (dp - inner) * scale;
    for (var c = 0u; c < H4; c++) { dq[c] = fma(vec4f(ds), qkv[j * W4 + key + c], dq[c]); }
  }
  for (var c = 0u; c < H4; c++) { dqkv[query + c] = dq[c]; }
}

@compute @workgroup_size(LANES)
fn backward_key(@builtin(global_invocation_id) id : vec3u) {
  let t = id.x;
  let kv_head = id.y % KV_HEADS;
  let sequence = id.y / KV_HEADS;
  if (t >= shape.length) { return; }
  let first = sequence * shape.length;
  let row = first + t;
  let key = row * W4 + (HEADS + kv_head) * H4;
  let value = key + KV_HEADS * H4;
  var dk : array<vec4f, H4>;
  var dv : array<vec4f, H4>;
  if (t < lengths[sequence]) {
    let scale = inverseSqrt(f32(HEAD_DIM));
    var k : array<vec4f, H4>;
    var v : array<vec4f, H4>;
    for (var c = 0u; c < H4; c++) {
      k[c] = qkv[key + c] * scale;
      v[c] = qkv[value + c];
    }
    for (var head = kv_head * GROUP; head < (kv_head + 1u) * GROUP; head++) {
      for (var i = row; i < first + lengths[sequence]; i++) {
        let query = i * W4 + head * H4;
        let at = i * (HEADS * H4) + head * H4;
        var score = 0.0;
        var dp = 0.0;
        for (var c = 0u; c < H4; c++) {
          score += dot(k[c], qkv[query + c]);
          dp += dot(v[c], d_o[at + c]);
        }
        let p = exp(score - lse[i * HEADS + head]);
        let ds = p * (dp - delta[i * HEADS + head]) * scale;
        for (var c = 0u; c < H4; c++) {
          dv[c] = fma(vec4f(p), d_o[at + c], dv[c]);
          dk[c] = fma(vec4f(ds), qkv[query + c], dk[c]);
        }
      }
    }
  }
  for (var c = 0u; c < H4; c++) {
    dqkv[key + c] = dk[c];
    dqkv[value + c] = dv[c];
  }
}
