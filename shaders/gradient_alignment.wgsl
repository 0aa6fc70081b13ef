// The Gram matrix of K gradients, gram[i][j] = ⟨g_i, g_j⟩ = Σ_p g_i[p] · g_j[p]: all that POPO needs to know of them.
//
//   tile_products   workgroup (x, y) sums 1024 products of one pair i ≤ j into partials[pair][tile], tile = y · ROW_OF_GROUPS + x
//   gram_matrix     workgroup (pair) sums that pair's partials into gram[i][j] and gram[j][i]
//
// Order of summation, the same in every run: a thread adds products thread, thread + 64, … of its tile, then 64 threads
// fold in a binary tree; the second level does the same over tiles. Pairs count (0,0) (0,1) … (0,K−1) (1,1) (1,2) …

struct Options {
  count: u32,          // n, floats of a gradient
  pair: u32,           // whose products these are
  num_gradients: u32,  // K
  tiles: u32,          // ⌈n / 1024⌉
}

@group(0) @binding(0) var<uniform> options: Options;
@group(0) @binding(1) var<storage, read> a: array<f32>;               // [n], g_i of the pair
@group(0) @binding(2) var<storage, read> b: array<f32>;               // [n], g_j
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;  // [K(K+1)/2, tiles]
@group(0) @binding(4) var<storage, read_write> gram: array<f32>;      // [K, K]

const THREADS = 64u;
const TILE = 1024u;

var<workgroup> lanes: array<f32, THREADS>;

fn sum_over_threads(value: f32, thread: u32) -> f32 {
  lanes[thread] = value;
  for (var span = THREADS / 2u; span > 0u; span /= 2u) {
    workgroupBarrier();
    if (thread < span) {
      lanes[thread] += lanes[thread + span];
    }
  }
  workgroupBarrier();
  return lanes[0];
}

/// (i, j) of the pair-th element of the upper triangle, row by row.
fn pair_indices(pair: u32) -> vec2u {
  var i = 0u;
  var rest = pair;
  while (rest >= options.num_gradients - i) {
    rest -= options.num_gradients - i;
    i++;
  }
  return vec2u(i, i + rest);
}

@compute @workgroup_size(THREADS)
fn tile_products(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = workgroup.y * ROW_OF_GROUPS + workgroup.x;
  let end = min((tile + 1u) * TILE, options.count);
  var sum = 0.0;
  for (var p = tile * TILE + thread; p < end; p += THREADS) {
    sum += a[p] * b[p];
  }
  let total = sum_over_threads(sum, thread);
  // The last row of groups may be longer than there are tiles.
  if (thread == 0u && tile < options.tiles) {
    partials[options.pair * options.tiles + tile] = total;
  }
}

@compute @workgroup_size(THREADS)
fn gram_matrix(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  var sum = 0.0;
  for (var tile = thread; tile < options.tiles; tile += THREADS) {
    sum += partials[workgroup.x * options.tiles + tile];
  }
  let total = sum_over_threads(sum, thread);
  if (thread == 0u) {
    let pair = pair_indices(workgroup.x);
    gram[pair.x * options.num_gradients + pair.y] = total;
    gram[pair.y * options.num_gradients + pair.x] = total;
  }
}
