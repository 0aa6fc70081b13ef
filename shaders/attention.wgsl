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
//
// Lines that end in `// each c` are repeated for c = 0 … HEAD_DIM / 4 − 1 (gpu/unroll.ts): a head's vectors then live in
// named registers, which software adapters need.

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
    o[at + {c}u] = vec4f(); // each c
    lse[row * HEADS + head] = 0.0;
    return;
  }
  let scale = inverseSqrt(f32(HEAD_DIM));
  let key = (HEADS + head / GROUP) * H4;
  let value = key + KV_HEADS * H4;
  let q{c} = qkv[row * W4 + head * H4 + {c}u] * scale; // each c
  var sum{c} = vec4f(); // each c
  var highest = LOWEST;
  var total = 0.0;
  for (var j = first; j <= row; j++) {
    let k = j * W4 + key;
    let v = j * W4 + value;
    var score = 0.0;
    score += dot(q{c}, qkv[k + {c}u]); // each c
    if (score > highest) {
      let shrink = exp(highest - score);
      total *= shrink;
      sum{c} *= shrink; // each c
      highest = score;
    }
    let p = exp(score - highest);
    total += p;
    sum{c} += p * qkv[v + {c}u]; // each c
  }
  o[at + {c}u] = sum{c} / total; // each c
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
    dqkv[query + {c}u] = vec4f(); // each c
    delta[row * HEADS + head] = 0.0;
    return;
  }
  let scale = inverseSqrt(f32(HEAD_DIM));
  let key = (HEADS + head / GROUP) * H4;
  let value = key + KV_HEADS * H4;
  let q{c} = qkv[query + {c}u] * scale; // each c
  let g{c} = d_o[at + {c}u]; // each c
  var dq{c} = vec4f(); // each c
  var inner = 0.0;
  inner += dot(g{c}, o[at + {c}u]); // each c
  delta[row * HEADS + head] = inner;
  let normaliser = lse[row * HEADS + head];
  for (var j = first; j <= row; j++) {
    let k = j * W4 + key;
    let v = j * W4 + value;
    let k{c} = qkv[k + {c}u]; // each c
    var score = 0.0;
    score += dot(q{c}, k{c}); // each c
    var dp = 0.0;
    dp += dot(g{c}, qkv[v + {c}u]); // each c
    let ds = exp(score - normaliser) * (dp - inner) * scale;
    dq{c} += ds * k{c}; // each c
  }
  dqkv[query + {c}u] = dq{c}; // each c
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
  var dk{c} = vec4f(); // each c
  var dv{c} = vec4f(); // each c
  if (t < lengths[sequence]) {
    let scale = inverseSqrt(f32(HEAD_DIM));
    let k{c} = qkv[key + {c}u] * scale; // each c
    let v{c} = qkv[value + {c}u]; // each c
    for (var head = kv_head * GROUP; head < (kv_head + 1u) * GROUP; head++) {
      for (var i = row; i < first + lengths[sequence]; i++) {
        let query = i * W4 + head * H4;
        let at = i * (HEADS * H4) + head * H4;
        let q{c} = qkv[query + {c}u]; // each c
        let g{c} = d_o[at + {c}u]; // each c
        var score = 0.0;
        score += dot(k{c}, q{c}); // each c
        var dp = 0.0;
        dp += dot(v{c}, g{c}); // each c
        let p = exp(score - lse[i * HEADS + head]);
        let ds = p * (dp - delta[i * HEADS + head]) * scale;
        dv{c} += p * g{c}; // each c
        dk{c} += ds * q{c}; // each c
      }
    }
  }
  dqkv[key + {c}u] = dk{c}; // each c
  dqkv[value + {c}u] = dv{c}; // each c
}
