// Causal attention with grouped keys and values, and its gradient, without a T × T matrix in memory
// (online softmax: Milakov and Gimelshein, 2018; recomputed backward: Dao et al., 2022).
//
//   forward         p_ij = softmax_j(q_i·k_j / √h),  o_i = Σ_j p_ij v_j,  keeps lse_i = log Σ_j exp(q_i·k_j / √h)
//   backward_query  δ_i = dO_i·O_i,  dS_ij = p_ij (dO_i·v_j − δ_i),  dq_i = Σ_j dS_ij k_j / √h;  keeps δ_i
//   backward_key    dv_j = Σ_i p_ij dO_i,  dk_j = Σ_i dS_ij q_i / √h,  summed over the query heads of the group
//
// qkv and dqkv are [rows, ROW_WIDTH] with the query heads first, then the key heads, then the value heads; o and dO are
// [rows, HEADS · HEAD_DIM]; lse and delta [rows, HEADS]. A row of `length` tokens holds one sequence, or several that share a
// prefix (model/packing.ts): spans[i] = (position, shared, start, end) lets query i attend to keys [0, shared) and [start, i].
// Padding has end = 0: it gets zeros and is not attended to.
//
// One thread owns OWN neighbouring queries (or keys) of one head and walks the others in ascending order; two at once halve
// the loads. Lines that end in `// each r`, `// each c` are repeated for r = 0 … OWN − 1 and c = 0 … HEAD_DIM / 4 − 1
// (gpu/unroll.ts): a head's vectors then live in named registers, which software adapters need.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> qkv : array<vec4f>;           // [rows, ROW_WIDTH]
@group(0) @binding(1) var<storage, read> spans : array<vec4u>;         // [rows]
@group(0) @binding(2) var<storage, read_write> o : array<vec4f>;       // [rows, HEADS · HEAD_DIM]
@group(0) @binding(3) var<storage, read_write> lse : array<f32>;       // [rows, HEADS]
@group(0) @binding(4) var<storage, read> d_o : array<vec4f>;           // [rows, HEADS · HEAD_DIM]
@group(0) @binding(5) var<storage, read_write> delta : array<f32>;     // [rows, HEADS]
@group(0) @binding(6) var<storage, read_write> dqkv : array<vec4f>;    // [rows, ROW_WIDTH]
@group(0) @binding(7) var<uniform> shape : Shape;

const H4 = HEAD_DIM / 4u;
const W4 = ROW_WIDTH / 4u;
const GROUP = HEADS / KV_HEADS;
const LOWEST = -3.0e38;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id : vec3u) {
  let head = id.y % HEADS;
  let sequence = id.y / HEADS;
  if (id.x * OWN >= shape.length) { return; }
  let first = sequence * shape.length;
  let scale = inverseSqrt(f32(HEAD_DIM));
  let key = (HEADS + head / GROUP) * H4;
  let value = key + KV_HEADS * H4;
  // A row past the end walks along with the last one and is not stored.
  let t{r} = id.x * OWN + {r}u; // each r
  let row{r} = first + min(t{r}, shape.length - 1u); // each r
  let span{r} = spans[row{r}]; // each r
  let stored{r} = t{r} < shape.length; // each r
  let q{r}_{c} = qkv[row{r} * W4 + head * H4 + {c}u] * scale; // each r c
  var sum{r}_{c} = vec4f(); // each r c
  var highest{r} = LOWEST; // each r
  var total{r} = 0.0; // each r
  // The keys of all owned queries: the shared prefix, then a jump to where the first of them starts.
  var shared_end = 0u;
  shared_end = max(shared_end, span{r}.y); // each r
  var start = span0.z;
  start = min(start, span{r}.z); // each r
  let jump = max(shared_end, start);
  let last = min((id.x + 1u) * OWN, shape.length);
  for (var j = select(start, 0u, shared_end > 0u); j < last; j++) {
    if (j == shared_end) { j = jump; }
    let allowed{r} = j < span{r}.y || (j >= span{r}.z && j <= t{r}); // each r
    let k = (first + j) * W4 + key;
    let v = (first + j) * W4 + value;
    let k{c} = qkv[k + {c}u]; // each c
    var score{r} = 0.0; // each r
    score{r} += dot(q{r}_{c}, k{c}); // each r c
    let v{c} = qkv[v + {c}u]; // each c
    let higher{r} = max(highest{r}, select(LOWEST, score{r}, allowed{r})); // each r
    let shrink{r} = exp(highest{r} - higher{r}); // each r
    let p{r} = select(0.0, exp(score{r} - higher{r}), allowed{r}); // each r
    highest{r} = higher{r}; // each r
    total{r} = total{r} * shrink{r} + p{r}; // each r
    sum{r}_{c} = sum{r}_{c} * shrink{r} + p{r} * v{c}; // each r c
  }
  let at{r} = row{r} * (HEADS * H4) + head * H4; // each r
  let inside{r} = t{r} < span{r}.w; // each r
  if (stored{r}) { o[at{r} + {c}u] = select(vec4f(), sum{r}_{c} / total{r}, inside{r}); } // each r c
  if (stored{r}) { lse[row{r} * HEADS + head] = select(0.0, highest{r} + log(total{r}), inside{r}); } // each r
}

@compute @workgroup_size(LANES)
fn backward_query(@builtin(global_invocation_id) id : vec3u) {
  let head = id.y % HEADS;
  let sequence = id.y / HEADS;
  if (id.x * OWN >= shape.length) { return; }
  let first = sequence * shape.length;
  let scale = inverseSqrt(f32(HEAD_DIM));
  let key = (HEADS + head / GROUP) * H4;
  let value = key + KV_HEADS * H4;
  // A row past the end walks along with the last one and is not stored.
  let t{r} = id.x * OWN + {r}u; // each r
  let row{r} = first + min(t{r}, shape.length - 1u); // each r
  let span{r} = spans[row{r}]; // each r
  let stored{r} = t{r} < shape.length; // each r
  let at{r} = row{r} * (HEADS * H4) + head * H4; // each r
  let q{r}_{c} = qkv[row{r} * W4 + head * H4 + {c}u] * scale; // each r c
  let g{r}_{c} = d_o[at{r} + {c}u]; // each r c
  var dq{r}_{c} = vec4f(); // each r c
  var inner{r} = 0.0; // each r
  inner{r} += dot(g{r}_{c}, o[at{r} + {c}u]); // each r c
  let normaliser{r} = lse[row{r} * HEADS + head]; // each r
  // The keys of all owned queries: the shared prefix, then a jump to where the first of them starts.
  var shared_end = 0u;
  shared_end = max(shared_end, span{r}.y); // each r
  var start = span0.z;
  start = min(start, span{r}.z); // each r
  let jump = max(shared_end, start);
  let last = min((id.x + 1u) * OWN, shape.length);
  for (var j = select(start, 0u, shared_end > 0u); j < last; j++) {
    if (j == shared_end) { j = jump; }
    let allowed{r} = j < span{r}.y || (j >= span{r}.z && j <= t{r}); // each r
    let k = (first + j) * W4 + key;
    let v = (first + j) * W4 + value;
    let k{c} = qkv[k + {c}u]; // each c
    var score{r} = 0.0; // each r
    score{r} += dot(q{r}_{c}, k{c}); // each r c
    let v{c} = qkv[v + {c}u]; // each c
    var dp{r} = 0.0; // each r
    dp{r} += dot(g{r}_{c}, v{c}); // each r c
    let p{r} = select(0.0, exp(score{r} - normaliser{r}), allowed{r}); // each r
    let ds{r} = p{r} * (dp{r} - inner{r}) * scale; // each r
    dq{r}_{c} += ds{r} * k{c}; // each r c
  }
  let inside{r} = t{r} < span{r}.w; // each r
  if (stored{r}) { dqkv[row{r} * W4 + head * H4 + {c}u] = select(vec4f(), dq{r}_{c}, inside{r}); } // each r c
  if (stored{r}) { delta[row{r} * HEADS + head] = select(0.0, inner{r}, inside{r}); } // each r
}

@compute @workgroup_size(LANES)
fn backward_key(@builtin(global_invocation_id) id : vec3u) {
  let kv_head = id.y % KV_HEADS;
  let sequence = id.y / KV_HEADS;
  if (id.x * OWN >= shape.length) { return; }
  let first = sequence * shape.length;
  let scale = inverseSqrt(f32(HEAD_DIM));
  let key = (HEADS + kv_head) * H4;
  let value = key + KV_HEADS * H4;
  // A row past the end walks along with the last one and is not stored.
  let t{r} = id.x * OWN + {r}u; // each r
  let row{r} = first + min(t{r}, shape.length - 1u); // each r
  let span{r} = spans[row{r}]; // each r
  let stored{r} = t{r} < shape.length; // each r
  let k{r}_{c} = qkv[row{r} * W4 + key + {c}u] * scale; // each r c
  let v{r}_{c} = qkv[row{r} * W4 + value + {c}u]; // each r c
  var dk{r}_{c} = vec4f(); // each r c
  var dv{r}_{c} = vec4f(); // each r c
  // A key is seen by what comes after it up to its span's end: a prefix's end is that of the whole row.
  var end = 0u;
  end = max(end, span{r}.w); // each r
  for (var head = kv_head * GROUP; head < (kv_head + 1u) * GROUP; head++) {
    for (var i = t0; i < end; i++) {
      let allowed{r} = i >= t{r} && i < span{r}.w; // each r
      let query = (first + i) * W4 + head * H4;
      let at = (first + i) * (HEADS * H4) + head * H4;
      let q{c} = qkv[query + {c}u]; // each c
      let g{c} = d_o[at + {c}u]; // each c
      let normaliser = lse[(first + i) * HEADS + head];
      let inner = delta[(first + i) * HEADS + head];
      var score{r} = 0.0; // each r
      score{r} += dot(k{r}_{c}, q{c}); // each r c
      var dp{r} = 0.0; // each r
      dp{r} += dot(v{r}_{c}, g{c}); // each r c
      let p{r} = select(0.0, exp(score{r} - normaliser), allowed{r}); // each r
      let ds{r} = p{r} * (dp{r} - inner) * scale; // each r
      dv{r}_{c} += p{r} * g{c}; // each r c
      dk{r}_{c} += ds{r} * q{c}; // each r c
    }
  }
  if (stored{r}) { dqkv[row{r} * W4 + key + {c}u] = dk{r}_{c}; } // each r c
  if (stored{r}) { dqkv[row{r} * W4 + value + {c}u] = dv{r}_{c}; } // each r c
}
