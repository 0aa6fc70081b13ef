// The attention of attention.wgsl for a GPU with fast workgroup memory (tiles: Dao, "FlashAttention-2", 2023):
//
//   forward   o_i = Σ_j p_ij v_j,  p_ij = softmax_j(q_i·k_j / √h),  keeps lse_i
//   backward  dq_i = Σ_j dS_ij k_j / √h,  dS_ij = p_ij (dO_i·v_j − δ_i),  δ_i = dO_i·O_i
//             dv_j = Σ_i p_ij dO_i,  dk_j = Σ_i dS_ij q_i / √h
//
// q and k are turned to their positions, and where a head has whole vec4s in its halves, backward turns dq and dk back (rope.wgsl).
// Some of its workgroups own queries and the others keys, so that neither wait for the other.
//
// A workgroup owns OWNED neighbouring queries (or keys) of one head. It walks the others in tiles of TILE through workgroup
// memory, in ascending order. LANES threads share an owned row: for the scores each takes every LANES-th row of the tile, and
// for the sums every LANES-th vec4 of the head. Between the two, scores pass through workgroup memory. So a thread holds
// two vectors of a head at most, and a quarter of what it sums up.
//
// Lines that end in `// each c`, `// each d`, `// each s` are repeated (gpu/unroll.ts): c counts the vec4s of a head, d the
// vec4s that a thread sums up in forward, s the rows of a tile that a thread scores, and k those that are summed up in a turn.
// Backward, a thread sums up the same vec4s of each of PARTS parts of the head, its halves where it turns them (lines of r)
// and the whole where it does not (lines of n): f counts those of a part, and g the parts.

struct Shape { rows : u32, length : u32, batch : u32, unused : u32 }

@group(0) @binding(0) var<storage, read> qkv : array<vec4f>;           // [rows, ROW_WIDTH]
@group(0) @binding(1) var<storage, read> spans : array<vec4u>;         // [rows]
@group(0) @binding(2) var<storage, read_write> o : array<vec4f>;       // [rows, HEADS · HEAD_DIM]
@group(0) @binding(3) var<storage, read_write> lse : array<f32>;       // [rows, HEADS]
@group(0) @binding(4) var<storage, read> d_o : array<vec4f>;           // [rows, HEADS · HEAD_DIM]
@group(0) @binding(5) var<storage, read> rotation : array<vec4f>;      // [positions, HEAD_DIM / 2] of (cos, sin)
@group(0) @binding(6) var<storage, read_write> dqkv : array<vec4f>;    // [rows, ROW_WIDTH]
@group(0) @binding(7) var<uniform> shape : Shape;

const H4 = HEAD_DIM / 4u;
const W4 = ROW_WIDTH / 4u;
const O4 = HEADS * H4;
const GROUP = HEADS / KV_HEADS;
const LANES = 4u;
const THREADS = OWNED * LANES;
const LOWEST = -3.0e38;
// One more than a row holds, so that rows begin in different memory banks.
const STRIDE = H4 + 1u;
const SCORES = TILE + 1u;
// Vec4s of a part of a head.
const PART = H4 / PARTS;

var<workgroup> first_tile : array<vec4f, TILE * STRIDE>;   // keys | keys | queries
var<workgroup> second_tile : array<vec4f, TILE * STRIDE>;  // values | values | dO
var<workgroup> first_scores : array<f32, OWNED * SCORES>;  // p | dS | p
var<workgroup> second_scores : array<f32, OWNED * SCORES>; // – | – | dS
var<workgroup> first_numbers : array<f32, OWNED * LANES>;  // highest of each thread | – | lse of the tile
var<workgroup> second_numbers : array<f32, TILE>;          // – | – | delta of the tile

// What the owned queries attend to: keys [0, shared), and [start, their own).
struct Walk { shared_end : u32, begin : u32, jump : u32, last : u32 }

fn walk(first : u32, t0 : u32) -> Walk {
  var shared_end = 0u;
  var start = shape.length;
  for (var i = 0u; i < turns(OWNED); i++) {
    let span = spans[first + min(t0 + i, shape.length - 1u)];
    shared_end = max(shared_end, span.y);
    start = min(start, span.z);
  }
  let own = start / TILE * TILE;
  return Walk(shared_end, select(own, 0u, shared_end > 0u), own, min(t0 + OWNED, shape.length));
}

// The tile after the shared prefix begins where the first owned query's own keys do.
fn skip(j : u32, w : Walk) -> u32 { return select(j, w.jump, j >= w.shared_end && j < w.jump); }

// A count of turns, so said that no compiler can tell: lavapipe would write the loop out and take seconds.
fn turns(count : u32) -> u32 { return count | (shape.rows >> 31u); }
// Turns over a tile; a GPU has them written out.
fn tile_turns() -> u32 { return select(turns(TILE), TILE, UNROLLED == TILE); }

// Keys and values from position base on. Past the end the last row stands in; no query sees it there.
fn load_keys(thread : u32, first : u32, base : u32, key : u32) {
  for (var i = thread; i < turns(TILE * H4); i += THREADS) {
    let row = first + min(base + i / H4, shape.length - 1u);
    let at = row * W4 + key + i % H4;
    first_tile[i / H4 * STRIDE + i % H4] = qkv[at];
    second_tile[i / H4 * STRIDE + i % H4] = qkv[at + KV_HEADS * H4];
  }
}

@compute @workgroup_size(THREADS)
fn forward(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) thread : u32) {
  let head = group.y % HEADS;
  let first = group.y / HEADS * shape.length;
  let key = (HEADS + head / GROUP) * H4;
  let t0 = group.x * OWNED;
  let owned = thread / LANES;
  let lane = thread % LANES;
  // A row past the end walks along with the last one and is not stored.
  let t = t0 + owned;
  let row = first + min(t, shape.length - 1u);
  let span = spans[row];
  let scale = inverseSqrt(f32(HEAD_DIM));
  let q{c} = qkv[row * W4 + head * H4 + {c}u] * scale; // each c
  let column{d} = min(lane + {d}u * LANES, H4 - 1u); // each d
  var sum{d} = vec4f(); // each d
  var highest = LOWEST;
  var total = 0.0;
  let w = walk(first, t0);
  for (var next = w.begin; next < w.last; next += TILE) {
    let base = skip(next, w);
    next = base;
    load_keys(thread, first, base, key);
    workgroupBarrier();
    let at{s} = (lane + {s}u * LANES) * STRIDE; // each s
    var score{s} = 0.0; // each s
    score{s} += dot(q{c}, first_tile[at{s} + {c}u]); // each s c
    let j{s} = base + lane + {s}u * LANES; // each s
    let allowed{s} = j{s} < span.y || (j{s} >= span.z && j{s} <= t); // each s
    var higher = highest;
    higher = max(higher, select(LOWEST, score{s}, allowed{s})); // each s
    first_numbers[thread] = higher;
    workgroupBarrier();
    higher = first_numbers[owned * LANES];
    for (var i = 1u; i < turns(LANES); i++) { higher = max(higher, first_numbers[owned * LANES + i]); }
    let p{s} = select(0.0, exp(score{s} - higher), allowed{s}); // each s
    first_scores[owned * SCORES + lane + {s}u * LANES] = p{s}; // each s
    workgroupBarrier();
    let shrink = exp(highest - higher);
    highest = higher;
    total *= shrink;
    sum{d} *= shrink; // each d
    for (var turn = 0u; turn < tile_turns(); turn += UNROLLED) {
      { // each k
        let j = turn + {k}u;
        let p = first_scores[owned * SCORES + j];
        total += p;
        sum{d} += p * second_tile[j * STRIDE + column{d}]; // each d
      }
    }
    workgroupBarrier();
  }
  if (t >= shape.length) { return; }
  let inside = t < span.w;
  if (lane + {d}u * LANES < H4) { o[row * O4 + head * H4 + column{d}] = select(vec4f(), sum{d} / total, inside); } // each d
  if (lane == 0u) { lse[row * HEADS + head] = select(0.0, highest + log(total), inside); }
}

// The gradient of four places in each half of a head, turned back from the row's position. `at` is where the first four belong.
fn store_turned(at : u32, row : u32, column : u32, first : vec4f, second : vec4f) {
  let turn = spans[row].x * H4 + column * 2u;
  let low = rotation[turn];
  let high = rotation[turn + 1u];
  let cosine = vec4f(low.xz, high.xz);
  let sine = -vec4f(low.yw, high.yw);
  dqkv[at] = first * cosine - second * sine;
  dqkv[at + PART] = second * cosine + first * sine;
}

@compute @workgroup_size(THREADS)
fn backward(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) thread : u32) {
  // Keys come first: of them there is more to do.
  let keys = shape.batch * KV_HEADS;
  if (group.y < keys) {
    backward_key(group.x * OWNED, group.y, thread);
  } else {
    backward_query(group.x * OWNED, group.y - keys, thread);
  }
}

fn backward_query(t0 : u32, pair : u32, thread : u32) {
  let head = pair % HEADS;
  let first = pair / HEADS * shape.length;
  let key = (HEADS + head / GROUP) * H4;
  let owned = thread / LANES;
  let lane = thread % LANES;
  // A row past the end walks along with the last one and is not stored.
  let t = t0 + owned;
  let row = first + min(t, shape.length - 1u);
  let span = spans[row];
  let scale = inverseSqrt(f32(HEAD_DIM));
  let q{c} = qkv[row * W4 + head * H4 + {c}u] * scale; // each c
  let g{c} = d_o[row * O4 + head * H4 + {c}u]; // each c
  var inner = 0.0;
  inner += dot(g{c}, o[row * O4 + head * H4 + {c}u]); // each c
  let normaliser = lse[row * HEADS + head];
  let column{f} = min(lane + {f}u * LANES, PART - 1u); // each f
  var dq{f}{g} = vec4f(); // each f g
  let w = walk(first, t0);
  for (var next = w.begin; next < w.last; next += TILE) {
    let base = skip(next, w);
    next = base;
    load_keys(thread, first, base, key);
    workgroupBarrier();
    let at{s} = (lane + {s}u * LANES) * STRIDE; // each s
    var score{s} = 0.0; // each s
    score{s} += dot(q{c}, first_tile[at{s} + {c}u]); // each s c
    var dp{s} = 0.0; // each s
    dp{s} += dot(g{c}, second_tile[at{s} + {c}u]); // each s c
    let j{s} = base + lane + {s}u * LANES; // each s
    let allowed{s} = j{s} < span.y || (j{s} >= span.z && j{s} <= t); // each s
    let p{s} = select(0.0, exp(score{s} - normaliser), allowed{s}); // each s
    first_scores[owned * SCORES + lane + {s}u * LANES] = p{s} * (dp{s} - inner) * scale; // each s
    workgroupBarrier();
    for (var turn = 0u; turn < tile_turns(); turn += UNROLLED) {
      { // each k
        let j = turn + {k}u;
        let ds = first_scores[owned * SCORES + j];
        dq{f}{g} += ds * first_tile[j * STRIDE + column{f} + {g}u * PART]; // each f g
      }
    }
    workgroupBarrier();
  }
  if (t >= shape.length) { return; }
  let inside = t < span.w;
  dq{f}{g} = select(vec4f(), dq{f}{g}, inside); // each f g
  let at{f} = row * W4 + head * H4 + column{f}; // each f
  if (lane + {f}u * LANES < PART) { dqkv[at{f}] = dq{f}0; } // each n f
  if (lane + {f}u * LANES < PART) { store_turned(at{f}, row, column{f}, dq{f}0, dq{f}1); } // each r f
}

fn backward_key(t0 : u32, pair : u32, thread : u32) {
  let kv_head = pair % KV_HEADS;
  let first = pair / KV_HEADS * shape.length;
  let key = (HEADS + kv_head) * H4;
  let value = key + KV_HEADS * H4;
  let owned = thread / LANES;
  let lane = thread % LANES;
  // A row past the end walks along with the last one and is not stored.
  let t = t0 + owned;
  let row = first + min(t, shape.length - 1u);
  let span = spans[row];
  let scale = inverseSqrt(f32(HEAD_DIM));
  let k{c} = qkv[row * W4 + key + {c}u] * scale; // each c
  let v{c} = qkv[row * W4 + value + {c}u]; // each c
  let column{f} = min(lane + {f}u * LANES, PART - 1u); // each f
  var dk{f}{g} = vec4f(); // each f g
  var dv{f}{g} = vec4f(); // each f g
  // A key is seen by what comes after it up to its span's end: a prefix's end is that of the whole row.
  var end = 0u;
  for (var i = 0u; i < turns(OWNED); i++) { end = max(end, spans[first + min(t0 + i, shape.length - 1u)].w); }
  for (var head = kv_head * GROUP; head < (kv_head + 1u) * GROUP; head++) {
    for (var base = t0; base < end; base += TILE) {
      for (var i = thread; i < turns(TILE * H4); i += THREADS) {
        let query = first + min(base + i / H4, shape.length - 1u);
        first_tile[i / H4 * STRIDE + i % H4] = qkv[query * W4 + head * H4 + i % H4];
        second_tile[i / H4 * STRIDE + i % H4] = d_o[query * O4 + head * H4 + i % H4];
      }
      if (thread < TILE) {
        let query = first + min(base + thread, shape.length - 1u);
        first_numbers[thread] = lse[query * HEADS + head];
        var inner = 0.0;
        inner += dot(d_o[query * O4 + head * H4 + {c}u], o[query * O4 + head * H4 + {c}u]); // each c
        second_numbers[thread] = inner;
      }
      workgroupBarrier();
      let at{s} = (lane + {s}u * LANES) * STRIDE; // each s
      var score{s} = 0.0; // each s
      score{s} += dot(k{c}, first_tile[at{s} + {c}u]); // each s c
      var dp{s} = 0.0; // each s
      dp{s} += dot(v{c}, second_tile[at{s} + {c}u]); // each s c
      let i{s} = base + lane + {s}u * LANES; // each s
      let allowed{s} = i{s} >= t && i{s} < span.w; // each s
      let p{s} = select(0.0, exp(score{s} - first_numbers[lane + {s}u * LANES]), allowed{s}); // each s
      first_scores[owned * SCORES + lane + {s}u * LANES] = p{s}; // each s
      second_scores[owned * SCORES + lane + {s}u * LANES] = p{s} * (dp{s} - second_numbers[lane + {s}u * LANES]) * scale; // each s
      workgroupBarrier();
      for (var turn = 0u; turn < tile_turns(); turn += UNROLLED) {
        { // each k
          let i = turn + {k}u;
          let p = first_scores[owned * SCORES + i];
          let ds = second_scores[owned * SCORES + i];
          dv{f}{g} += p * second_tile[i * STRIDE + column{f} + {g}u * PART]; // each f g
          dk{f}{g} += ds * first_tile[i * STRIDE + column{f} + {g}u * PART]; // each f g
        }
      }
      workgroupBarrier();
    }
  }
  if (t >= shape.length) { return; }
  let at{f} = row * W4 + key + column{f}; // each f
  if (lane + {f}u * LANES < PART) { dqkv[at{f}] = dk{f}0; } // each n f
  if (lane + {f}u * LANES < PART) { store_turned(at{f}, row, column{f}, dk{f}0, dk{f}1); } // each r f
  if (lane + {f}u * LANES < PART) { dqkv[row * W4 + value + column{f} + {g}u * PART] = dv{f}{g}; } // each f g
}
