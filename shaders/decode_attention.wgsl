// One decoding step of attention. Row r continues prompt r / GENERATIONS; the prompt's keys and values lie in the prefill's
// qkv and are shared by its generations, the row's own in a cache of MAX_NEW positions.
//
//   rotate_and_store  rotates the row's query and key to its position and writes key and value to the cache
//   attend            o = softmax(q · [prompt keys, cached keys] / √h) · values, prompt first, in ascending order
//
// The row's token stands at position prompt_lengths[p] − 1 + step: the last prompt token is fed at step 0, so the prefill
// supplies keys 0 … prompt_length − 2. One thread per (row, pair) and per (row, head). `// each c`: see attention.wgsl.
//
// `attend_together` is both for a GPU: LANES threads per (row, head) take every LANES-th key each, then add up in their order. Where the
// halves of a head are whole vec4s (lines of r) it turns query and key itself, and the first head of a group writes the cache. Else (lines
// of n) rotate_and_store comes before it. f counts the vec4s of each of PARTS parts of a head, g the parts.

struct Shape { rows : u32, prompt_length : u32, unused1 : u32, unused2 : u32 }

@group(0) @binding(0) var<storage, read_write> qkv : array<f32>;         // [rows, ROW_WIDTH], this step's
@group(0) @binding(0) var<storage, read> qkv4 : array<vec4f>;            // [rows, ROW_WIDTH], rotated
@group(0) @binding(1) var<storage, read> prompt : array<vec4f>;          // [prompts · prompt_length, ROW_WIDTH], rotated
@group(0) @binding(2) var<storage, read> prompt_lengths : array<u32>;    // [prompts]
@group(0) @binding(3) var<storage, read_write> cache : array<f32>;       // [rows, MAX_NEW, 2 · KV_HEADS · HEAD_DIM]
@group(0) @binding(3) var<storage, read_write> cache_too : array<vec4f>; // [rows, MAX_NEW, 2 · KV_HEADS · HEAD_DIM]
@group(0) @binding(3) var<storage, read> cache4 : array<vec4f>;          // [rows, MAX_NEW, 2 · KV_HEADS · HEAD_DIM]
@group(0) @binding(4) var<storage, read> rotation : array<vec2f>;        // [positions, HEAD_DIM / 2]
@group(0) @binding(4) var<storage, read> rotation4 : array<vec4f>;       // [positions, HEAD_DIM / 2], two of them in each
@group(0) @binding(5) var<storage, read> state : array<u32>;             // [1], the step
@group(0) @binding(6) var<storage, read_write> o : array<vec4f>;         // [rows, HEADS · HEAD_DIM]
@group(0) @binding(7) var<uniform> shape : Shape;

const HALF = HEAD_DIM / 2u;
const KV = KV_HEADS * HEAD_DIM;
const H4 = HEAD_DIM / 4u;
const W4 = ROW_WIDTH / 4u;
const KV4 = KV / 4u;
const GROUP = HEADS / KV_HEADS;

@compute @workgroup_size(64)
fn rotate_and_store(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * 64u) + id.x;
  let pairs = (HEADS + KV_HEADS) * HALF;
  let row = thread / pairs;
  if (row >= shape.rows) { return; }
  let step = state[0];
  let position = prompt_lengths[row / GENERATIONS] - 1u + step;
  let i = thread % HALF;
  let head = (thread % pairs) / HALF;
  let turn = rotation[position * HALF + i];
  let at = row * ROW_WIDTH + head * HEAD_DIM + i;
  let first = qkv[at] * turn.x - qkv[at + HALF] * turn.y;
  let second = qkv[at + HALF] * turn.x + qkv[at] * turn.y;
  if (head < HEADS) {
    qkv[at] = first;
    qkv[at + HALF] = second;
    return;
  }
  let slot = (row * MAX_NEW + step) * 2u * KV + (head - HEADS) * HEAD_DIM + i;
  cache[slot] = first;
  cache[slot + HALF] = second;
  cache[slot + KV] = qkv[at + KV];
  cache[slot + KV + HALF] = qkv[at + KV + HALF];
}

@compute @workgroup_size(LANES)
fn attend(@builtin(global_invocation_id) id : vec3u) {
  let thread = id.y * (ROW_OF_GROUPS * LANES) + id.x;
  let row = thread / HEADS;
  if (row >= shape.rows) { return; }
  let head = thread % HEADS;
  let kv = head / GROUP * H4;
  let p = row / GENERATIONS;
  let before = prompt_lengths[p] - 1u;
  let scale = inverseSqrt(f32(HEAD_DIM));
  let query = row * W4 + head * H4;
  let q{c} = qkv4[query + {c}u] * scale; // each c
  var sum{c} = vec4f(); // each c
  var highest = -3.0e38;
  var total = 0.0;
  for (var j = 0u; j < before; j++) {
    let k = (p * shape.prompt_length + j) * W4 + HEADS * H4 + kv;
    let v = k + KV4;
    var score = 0.0;
    score += dot(q{c}, prompt[k + {c}u]); // each c
    if (score > highest) {
      let shrink = exp(highest - score);
      total *= shrink;
      sum{c} *= shrink; // each c
      highest = score;
    }
    let weight = exp(score - highest);
    total += weight;
    sum{c} += weight * prompt[v + {c}u]; // each c
  }
  for (var j = 0u; j <= state[0]; j++) {
    let k = (row * MAX_NEW + j) * 2u * KV4 + kv;
    let v = k + KV4;
    var score = 0.0;
    score += dot(q{c}, cache4[k + {c}u]); // each c
    if (score > highest) {
      let shrink = exp(highest - score);
      total *= shrink;
      sum{c} *= shrink; // each c
      highest = score;
    }
    let weight = exp(score - highest);
    total += weight;
    sum{c} += weight * cache4[v + {c}u]; // each c
  }
  o[(row * HEADS + head) * H4 + {c}u] = sum{c} / total; // each c
}

// One more than a row holds, so that rows begin in different memory banks.
const STRIDE = H4 + 1u;
const PART = H4 / PARTS;
var<workgroup> sums : array<vec4f, LANES * STRIDE>;
var<workgroup> totals : array<f32, LANES>;
var<workgroup> tops : array<f32, LANES>;

@compute @workgroup_size(LANES)
fn attend_together(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) thread : u32) {
  let pair = group.y * ROW_OF_GROUPS + group.x;
  let row = pair / HEADS;
  if (row >= shape.rows) { return; }
  let head = pair % HEADS;
  let kv = head / GROUP * H4;
  let p = row / GENERATIONS;
  let before = prompt_lengths[p] - 1u;
  let now = before + state[0];
  let scale = inverseSqrt(f32(HEAD_DIM));
  let query = row * W4 + head * H4;
  let own = row * W4 + HEADS * H4 + kv;
  let x{f}{g} = qkv4[query + {g}u * PART + {f}u]; // each g f
  let q{f}{g} = x{f}{g} * scale; // each n g f
  let low{f} = rotation4[now * H4 + {f}u * 2u]; // each r f
  let high{f} = rotation4[now * H4 + {f}u * 2u + 1u]; // each r f
  let cosine{f} = vec4f(low{f}.xz, high{f}.xz); // each r f
  let sine{f} = vec4f(low{f}.yw, high{f}.yw); // each r f
  let q{f}0 = (x{f}0 * cosine{f} - x{f}1 * sine{f}) * scale; // each r f
  let q{f}1 = (x{f}1 * cosine{f} + x{f}0 * sine{f}) * scale; // each r f
  var sum{f}{g} = vec4f(); // each g f
  var highest = -3.0e38;
  var total = 0.0;
  for (var j = thread; j <= now; j += LANES) {
    var k{f}{g} : vec4f; // each g f
    var v{f}{g} : vec4f; // each g f
    let slot = (row * MAX_NEW + j - before) * 2u * KV4 + kv;
    if (j < before) {
      let at = (p * shape.prompt_length + j) * W4 + HEADS * H4 + kv;
      k{f}{g} = prompt[at + {g}u * PART + {f}u]; // each g f
      v{f}{g} = prompt[at + KV4 + {g}u * PART + {f}u]; // each g f
    } else if (j < now || PARTS == 1u) {
      k{f}{g} = cache4[slot + {g}u * PART + {f}u]; // each n g f
      v{f}{g} = cache4[slot + KV4 + {g}u * PART + {f}u]; // each n g f
      k{f}{g} = cache_too[slot + {g}u * PART + {f}u]; // each r g f
      v{f}{g} = cache_too[slot + KV4 + {g}u * PART + {f}u]; // each r g f
    } else {
      v{f}{g} = qkv4[own + KV4 + {g}u * PART + {f}u]; // each g f
      let y{f}{g} = qkv4[own + {g}u * PART + {f}u]; // each r g f
      k{f}0 = y{f}0 * cosine{f} - y{f}1 * sine{f}; // each r f
      k{f}1 = y{f}1 * cosine{f} + y{f}0 * sine{f}; // each r f
      if (head % GROUP == 0u) { cache_too[slot + {g}u * PART + {f}u] = k{f}{g}; } // each r g f
      if (head % GROUP == 0u) { cache_too[slot + KV4 + {g}u * PART + {f}u] = v{f}{g}; } // each r g f
    }
    var score = 0.0;
    score += dot(q{f}{g}, k{f}{g}); // each g f
    let higher = max(highest, score);
    let shrink = exp(highest - higher);
    let weight = exp(score - higher);
    highest = higher;
    total = total * shrink + weight;
    sum{f}{g} = sum{f}{g} * shrink + weight * v{f}{g}; // each g f
  }
  tops[thread] = highest;
  workgroupBarrier();
  // LANES, so said that no compiler can tell: lavapipe would write the loops out and take seconds.
  let lanes = LANES | (shape.rows >> 31u);
  var top = tops[0];
  for (var i = 1u; i < lanes; i++) { top = max(top, tops[i]); }
  let share = exp(highest - top);
  totals[thread] = total * share;
  sums[thread * STRIDE + {g}u * PART + {f}u] = sum{f}{g} * share; // each g f
  workgroupBarrier();
  for (var c = thread; c < H4; c += LANES) {
    var numerator = vec4f();
    var denominator = 0.0;
    for (var i = 0u; i < lanes; i++) {
      numerator += sums[i * STRIDE + c];
      denominator += totals[i];
    }
    o[(row * HEADS + head) * H4 + c] = numerator / denominator;
  }
}
