// Draws the next token of every row from softmax(logits / temperature), restricted to the top_k highest logits (0: all; ties
// keep the lower id), by inverting the distribution function over ids in ascending order. The uniform draw of row r at step
// s is Threefry-2x32-20 of counter (first_row + r, s) under `key`, the twin of numeric/random.ts: no state, any draw can be repeated.
// temperature 0 takes the highest logit, the lowest id on ties. logps are those of the plain softmax.
//
//   main     one row per thread group; writes tokens[r, s], logps[r, s] and the row's next input; rows that have ended
//            write `pad` and log-probability 0
//   advance  step += 1
//
// LANES threads share a row: each owns a contiguous run of ids, and lane 0 adds the runs up in order. What is counted has no order: there
// neighbouring threads take neighbouring ids. The k-th highest logit is found by DIGIT bits at a time (radix select).

struct Options { rows : u32, top_k : u32, eos : u32, pad : u32, key0 : u32, key1 : u32, temperature : f32, first_row : u32 }

@group(0) @binding(0) var<storage, read> logits : array<f32>;             // [rows, V]
@group(0) @binding(1) var<storage, read_write> state : array<u32>;        // [1], the step
@group(0) @binding(2) var<storage, read_write> next : array<u32>;         // [rows], input of the next step
@group(0) @binding(3) var<storage, read_write> ended : array<u32>;        // [rows]
@group(0) @binding(4) var<storage, read_write> sampled : array<vec2u>;    // [rows, MAX_NEW] of (token, bits of its logp)
@group(0) @binding(5) var<uniform> options : Options;

const BUCKETS = 1u << DIGIT;
const RUN = (VOCABULARY + LANES - 1u) / LANES;

var<workgroup> numbers : array<f32, LANES * ROWS>;
var<workgroup> counts : array<u32, LANES * ROWS>;
var<workgroup> buckets : array<atomic<u32>, BUCKETS * ROWS>;
var<workgroup> chosen : array<u32, ROWS>;

fn rotate(x : u32, by : u32) -> u32 { return (x << by) | (x >> (32u - by)); }

fn threefry(key0 : u32, key1 : u32, counter0 : u32, counter1 : u32) -> u32 {
  var keys = array<u32, 3>(key0, key1, key0 ^ key1 ^ 0x1bd11bdau);
  var rotations = array<u32, 8>(13u, 15u, 26u, 6u, 17u, 29u, 16u, 24u);
  var x0 = counter0 + key0;
  var x1 = counter1 + key1;
  for (var round = 0u; round < 20u; round++) {
    x0 += x1;
    x1 = rotate(x1, rotations[round % 8u]) ^ x0;
    if (round % 4u == 3u) {
      let injection = round / 4u + 1u;
      x0 += keys[injection % 3u];
      x1 += keys[(injection + 1u) % 3u] + injection;
    }
  }
  return x0;
}

// Floats in the order of unsigned integers.
fn sortable(value : f32) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

// A count of turns, said so that no compiler can tell: Mesa's lavapipe would unroll the loop, and take seconds. There are never 2³¹ rows.
fn turns(count : u32) -> u32 { return count | (options.rows >> 31u); }
fn lanes() -> u32 { return turns(LANES); }

fn all_sum(value : f32, lane : u32, y : u32) -> f32 {
  if (LANES == 1u) { return value; }
  workgroupBarrier();
  numbers[y * LANES + lane] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < lanes(); i++) { sum += numbers[y * LANES + i]; }
  return sum;
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
  let lane = local.x;
  let y = local.y;
  let row = group.x * ROWS + y;
  let inside = row < options.rows;
  let base = min(row, options.rows - 1u) * VOCABULARY;
  let begin = min(lane * RUN, VOCABULARY);
  let end = min(begin + RUN, VOCABULARY);
  let step = state[0];

  // The highest logit, its lowest id, and the plain normaliser.
  var highest = -3.0e38;
  var best = VOCABULARY;
  for (var v = begin; v < end; v++) {
    if (logits[base + v] > highest) {
      highest = logits[base + v];
      best = v;
    }
  }
  if (LANES > 1u) {
    numbers[y * LANES + lane] = highest;
    counts[y * LANES + lane] = best;
    workgroupBarrier();
    for (var i = 0u; i < lanes(); i++) {
      let other = numbers[y * LANES + i];
      if (other > highest || (other == highest && counts[y * LANES + i] < best)) {
        highest = other;
        best = counts[y * LANES + i];
      }
    }
  }
  var plain = 0.0;
  for (var v = begin; v < end; v++) { plain += exp(logits[base + v] - highest); }
  plain = all_sum(plain, lane, y);

  // The k-th highest logit by its digits, highest first, and how many ids equal to it may stay.
  var threshold = 0u;
  var ties = VOCABULARY;
  if (options.top_k > 0u && options.top_k < VOCABULARY && options.temperature > 0.0) {
    // Digits that are found, and how many more are wanted of those that have them.
    var found = 0u;
    ties = options.top_k;
    for (var left = turns(32u); left > 0u; left -= DIGIT) {
      let low = left - DIGIT;
      let mask = ((1u << DIGIT) - 1u) << low;
      var digit = 0u;
      if (LANES == 1u) {
        // Of a bit: a thread that has a row to itself counts the ones.
        var ones = 0u;
        for (var v = 0u; v < VOCABULARY; v++) { ones += select(0u, 1u, (sortable(logits[base + v]) & (found | mask)) == (threshold | mask)); }
        digit = select(0u, 1u, ones >= ties);
        ties -= select(ones, 0u, digit == 1u);
      } else {
        for (var b = lane; b < turns(BUCKETS); b += LANES) { atomicStore(&buckets[y * BUCKETS + b], 0u); }
        workgroupBarrier();
        for (var v = lane; v < VOCABULARY; v += LANES) {
          let rank = sortable(logits[base + v]);
          if ((rank & found) == threshold) { atomicAdd(&buckets[y * BUCKETS + ((rank & mask) >> low)], 1u); }
        }
        workgroupBarrier();
        digit = turns(BUCKETS) - 1u;
        var count = atomicLoad(&buckets[y * BUCKETS + digit]);
        while (count < ties && digit > 0u) {
          ties -= count;
          digit--;
          count = atomicLoad(&buckets[y * BUCKETS + digit]);
        }
        workgroupBarrier();
      }
      threshold |= digit << low;
      found |= mask;
    }
  }
  // Ties before this lane's run.
  var equal = 0u;
  for (var v = begin; v < end; v++) { equal += select(0u, 1u, sortable(logits[base + v]) == threshold); }
  var ties_before = 0u;
  if (LANES > 1u) {
    workgroupBarrier();
    counts[y * LANES + lane] = equal;
    workgroupBarrier();
    for (var i = 0u; i < lane; i++) { ties_before += counts[y * LANES + i]; }
  }

  var token = best;
  if (options.temperature > 0.0) {
    let cold = 1.0 / options.temperature;
    var mass = 0.0;
    var seen = ties_before;
    for (var v = begin; v < end; v++) {
      let rank = sortable(logits[base + v]);
      if (rank < threshold) { continue; }
      if (rank == threshold) {
        seen++;
        if (seen > ties) { continue; }
      }
      mass += exp((logits[base + v] - highest) * cold);
    }
    let total = all_sum(mass, lane, y);
    let uniform_draw = f32(threefry(options.key0, options.key1, options.first_row + row, step) >> 8u) / 16777216.0;
    let target_mass = uniform_draw * total;
    var reached = 0.0;
    if (LANES > 1u) {
      for (var i = 0u; i < lane; i++) { reached += numbers[y * LANES + i]; }
      if (lane == 0u) { chosen[y] = VOCABULARY; }
      workgroupBarrier();
    }
    var mine = VOCABULARY;
    var last = VOCABULARY;
    seen = ties_before;
    let upper = reached + mass;
    for (var v = begin; v < end; v++) {
      let rank = sortable(logits[base + v]);
      if (rank < threshold) { continue; }
      if (rank == threshold) {
        seen++;
        if (seen > ties) { continue; }
      }
      last = v;
      reached += exp((logits[base + v] - highest) * cold);
      if (target_mass < reached) {
        mine = v;
        break;
      }
    }
    // Rounding may leave the draw just past the last run: then the last kept id of the vocabulary is taken.
    if (LANES == 1u) {
      token = select(mine, last, mine == VOCABULARY);
    } else {
      if (mine == VOCABULARY && target_mass < upper) { mine = last; }
      workgroupBarrier();
      counts[y * LANES + lane] = mine;
      numbers[y * LANES + lane] = f32(last);
      workgroupBarrier();
      token = VOCABULARY;
      var final_id = best;
      for (var i = 0u; i < lanes(); i++) {
        if (token == VOCABULARY && counts[y * LANES + i] != VOCABULARY) { token = counts[y * LANES + i]; }
        if (numbers[y * LANES + i] < f32(VOCABULARY)) { final_id = u32(numbers[y * LANES + i]); }
      }
      if (token == VOCABULARY) { token = final_id; }
    }
  }

  if (!inside || lane != 0u) { return; }
  let at = row * MAX_NEW + step;
  if (ended[row] == 1u) {
    sampled[at] = vec2u(options.pad, 0u);
    return;
  }
  let logp = logits[base + token] - highest - log(plain);
  sampled[at] = vec2u(token, bitcast<u32>(logp));
  next[row] = token;
  if (token == options.eos) { ended[row] = 1u; }
}

@compute @workgroup_size(1)
fn advance() {
  state[0] += 1u;
}
