/**
 * Every kernel once more in f64: small obvious loops, one function per entry point, in the shaders' own names and layouts.
 * twins.test.ts holds the backward ones against finite differences of the forward ones.
 */
import type { Heads } from '../../src/gpu/kernels';
import type { AdamWStep } from '../../src/model/config';

type Numbers = ArrayLike<number>;

/** Σ a·b: the scalar that finite differences are taken of, b being the gradient that comes from above. */
export function inner(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a [rows, K] · wᵀ [N, K] (+ residual) */
export function matmulNT(a: Numbers, w: Numbers, rows: number, K: number, N: number, residual?: Numbers) {
  const out = new Float64Array(rows * N);
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < N; n++) {
      let sum = residual ? residual[m * N + n] : 0;
      for (let k = 0; k < K; k++) sum += a[m * K + k] * w[n * K + k];
      out[m * N + n] = sum;
    }
  }
  return out;
}

/** a [rows, K] · w [K, N] */
export function matmulNN(a: Numbers, w: Numbers, rows: number, K: number, N: number) {
  const out = new Float64Array(rows * N);
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) out[m * N + n] += a[m * K + k] * w[k * N + n];
    }
  }
  return out;
}

/** aᵀ [rows, M] · b [rows, N] */
export function matmulTN(a: Numbers, b: Numbers, rows: number, M: number, N: number) {
  const out = new Float64Array(M * N);
  for (let row = 0; row < rows; row++) {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) out[m * N + n] += a[row * M + m] * b[row * N + n];
    }
  }
  return out;
}

const rootMeanSquare = (x: Numbers, from: number, D: number, eps: number) => {
  let sum = 0;
  for (let d = 0; d < D; d++) sum += x[from + d] ** 2;
  return Math.sqrt(sum / D + eps);
};

/** x / √(mean(x²) + eps) · weight over rows of D */
export function rmsNorm(x: Numbers, weight: Numbers, D: number, eps: number) {
  return Float64Array.from(
    { length: x.length },
    (_, i) => (x[i] / rootMeanSquare(x, i - (i % D), D, eps)) * weight[i % D],
  );
}

export function rmsNormBackward(x: Numbers, weight: Numbers, dy: Numbers, D: number, eps: number) {
  const dx = new Float64Array(x.length);
  const dWeight = new Float64Array(D);
  for (let from = 0; from < x.length; from += D) {
    const root = rootMeanSquare(x, from, D, eps);
    let mean = 0;
    for (let d = 0; d < D; d++) mean += (dy[from + d] * weight[d] * x[from + d]) / root / D;
    for (let d = 0; d < D; d++) {
      dx[from + d] = (dy[from + d] * weight[d] - (x[from + d] / root) * mean) / root;
      dWeight[d] += (dy[from + d] * x[from + d]) / root;
    }
  }
  return { dx, dWeight };
}

export const rowWidth = ({ heads, kvHeads, headDim }: Heads) => (heads + 2 * kvHeads) * headDim;

/** Turns pairs (i, i + h/2) of the query and key heads by ±position · theta^(−2i/h); `position(row)` says where a row stands. */
export function rope(
  qkv: Numbers,
  heads: Heads,
  theta: number,
  position: (row: number) => number,
  inverse = false,
) {
  const out = Float64Array.from(qkv);
  const half = heads.headDim / 2;
  const width = rowWidth(heads);
  for (let row = 0; row < qkv.length / width; row++) {
    for (let head = 0; head < heads.heads + heads.kvHeads; head++) {
      for (let i = 0; i < half; i++) {
        const angle = (inverse ? -1 : 1) * position(row) * theta ** (-i / half);
        const at = row * width + head * heads.headDim + i;
        out[at] = qkv[at] * Math.cos(angle) - qkv[at + half] * Math.sin(angle);
        out[at + half] = qkv[at + half] * Math.cos(angle) + qkv[at] * Math.sin(angle);
      }
    }
  }
  return out;
}

/** softmax(q · keys / √h) of one query over a list of keys, as (weights, log Σ exp). */
function attend(q: Numbers, keys: Numbers[]) {
  const scores = keys.map((key) => inner(q, key) / Math.sqrt(q.length));
  const highest = Math.max(...scores);
  const lse = highest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - highest), 0));
  return { p: scores.map((score) => Math.exp(score - lse)), lse };
}

/** Vector `index` of a row of qkv: query heads first, then key heads, then value heads. */
const vector = (qkv: Numbers, heads: Heads, row: number, index: number) =>
  Array.from({ length: heads.headDim }, (_, c) => qkv[row * rowWidth(heads) + index * heads.headDim + c]);

/** Keys of its row that token `row` attends to, by its span (position, shared, start, end); none for padding. */
function seen(spans: Numbers, row: number, length: number): number[] {
  const [shared, start, end] = [1, 2, 3].map((i) => spans[4 * row + i]);
  const first = row - (row % length);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, j) => first + from + j);
  return end === 0 ? [] : [...range(0, shared), ...range(start, (row % length) + 1)];
}

/** Attention over rows of `length` tokens laid out by `spans` (model/packing.ts); padding gives zeros. */
export function attention(qkv: Numbers, spans: Numbers, heads: Heads, length: number) {
  const { heads: H, kvHeads, headDim } = heads;
  const rows = spans.length / 4;
  const o = new Float64Array(rows * H * headDim);
  const lse = new Float64Array(rows * H);
  for (let row = 0; row < rows; row++) {
    const before = seen(spans, row, length);
    if (before.length === 0) continue;
    for (let head = 0; head < H; head++) {
      const kv = Math.floor(head / (H / kvHeads));
      const keys = before.map((j) => vector(qkv, heads, j, H + kv));
      const values = before.map((j) => vector(qkv, heads, j, H + kvHeads + kv));
      const { p, lse: normaliser } = attend(vector(qkv, heads, row, head), keys);
      lse[row * H + head] = normaliser;
      for (let c = 0; c < headDim; c++) {
        o[(row * H + head) * headDim + c] = p.reduce((sum, weight, j) => sum + weight * values[j][c], 0);
      }
    }
  }
  return { o, lse };
}

export function attentionBackward(qkv: Numbers, spans: Numbers, dO: Numbers, heads: Heads, length: number) {
  const { heads: H, kvHeads, headDim } = heads;
  const dqkv = new Float64Array(qkv.length);
  const at = (row: number, index: number) => row * rowWidth(heads) + index * headDim;
  for (let row = 0; row < spans.length / 4; row++) {
    const before = seen(spans, row, length);
    for (let head = 0; head < H; head++) {
      const kv = Math.floor(head / (H / kvHeads));
      const keys = before.map((j) => vector(qkv, heads, j, H + kv));
      const q = vector(qkv, heads, row, head);
      const { p } = attend(q, keys);
      const g = Array.from({ length: headDim }, (_, c) => dO[(row * H + head) * headDim + c]);
      const dp = before.map((j) => inner(g, vector(qkv, heads, j, H + kvHeads + kv)));
      const mean = inner(p, dp);
      before.forEach((j, n) => {
        const dScore = (p[n] * (dp[n] - mean)) / Math.sqrt(headDim);
        for (let c = 0; c < headDim; c++) {
          dqkv[at(row, head) + c] += dScore * keys[n][c];
          dqkv[at(j, H + kv) + c] += dScore * q[c];
          dqkv[at(j, H + kvHeads + kv) + c] += p[n] * g[c];
        }
      });
    }
  }
  return dqkv;
}

/**
 * Attention of one decoding step: row r continues prompt r / generations, whose rotated rows lie in `prompt`; `generated[s]`
 * are the rotated qkv rows [rows, W] of the steps so far, this one last.
 */
export function decodeAttention(
  prompt: Numbers,
  promptLengths: Numbers,
  generated: Numbers[],
  heads: Heads,
  generations: number,
  promptLength: number,
) {
  const { heads: H, kvHeads, headDim } = heads;
  const rows = promptLengths.length * generations;
  const o = new Float64Array(rows * H * headDim);
  const now = generated[generated.length - 1];
  for (let row = 0; row < rows; row++) {
    const p = Math.floor(row / generations);
    for (let head = 0; head < H; head++) {
      const kv = Math.floor(head / (H / kvHeads));
      const past = (index: number) => [
        ...Array.from({ length: promptLengths[p] - 1 }, (_, j) =>
          vector(prompt, heads, p * promptLength + j, index),
        ),
        ...generated.map((step) => vector(step, heads, row, index)),
      ];
      const values = past(H + kvHeads + kv);
      const { p: weights } = attend(vector(now, heads, row, head), past(H + kv));
      for (let c = 0; c < headDim; c++) {
        o[(row * H + head) * headDim + c] = weights.reduce((sum, w, j) => sum + w * values[j][c], 0);
      }
    }
  }
  return o;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** silu(gate) · up, gate and up side by side in a row of 2F */
export function swiglu(gateUp: Numbers, F: number) {
  return Float64Array.from({ length: gateUp.length / 2 }, (_, i) => {
    const at = Math.floor(i / F) * 2 * F + (i % F);
    return gateUp[at] * sigmoid(gateUp[at]) * gateUp[at + F];
  });
}

export function swigluBackward(gateUp: Numbers, dh: Numbers, F: number) {
  const out = new Float64Array(gateUp.length);
  for (let i = 0; i < dh.length; i++) {
    const at = Math.floor(i / F) * 2 * F + (i % F);
    const gate = gateUp[at];
    const s = sigmoid(gate);
    out[at] = dh[i] * gateUp[at + F] * (s + gate * s * (1 - s));
    out[at + F] = dh[i] * gate * s;
  }
  return out;
}

export interface LossInput {
  /** [rows, V] */
  logits: Numbers;
  tokens: Numbers;
  lengths: Numbers;
  /** [rows] each: weights, 0 beyond a sequence's end, and the indices of advantages */
  weights: Numbers;
  segments: Numbers;
  advantages: Numbers;
  /** [rows, 2] of (old logp, reference logp), indexed like scores by the predicted token */
  baselines: Numbers;
  V: number;
  length: number;
  mode: 'supervised' | 'policy';
  useOld: boolean;
  beta: number;
  epsilonLow: number;
  epsilonHigh: number;
  temperature: number;
}

/** scored [rows, 2] of (logp, entropy), and scores, only where there is a weight; the eight sums of token_statistics, sums[0] being the loss; dlogits [rows, V]. */
export function crossEntropy(o: LossInput) {
  const rows = o.tokens.length;
  const scored = new Float64Array(2 * rows);
  const scores = new Float64Array(2 * rows);
  const sums = new Float64Array(8);
  const dlogits = new Float64Array(rows * o.V);
  for (let row = 0; row < rows; row++) {
    if ((row % o.length) + 1 >= o.lengths[Math.floor(row / o.length)]) continue;
    const at = row + 1;
    const logits = Array.from({ length: o.V }, (_, v) => o.logits[row * o.V + v] / o.temperature);
    const highest = logits.reduce((most, x) => Math.max(most, x));
    const lse = highest + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - highest), 0));
    const logp = logits[o.tokens[at]] - lse;
    const entropy = -logits.reduce((sum, x) => sum + Math.exp(x - lse) * (x - lse), 0);
    scored.set([logp, entropy], 2 * at);
    const w = o.weights[at];
    if (w === 0) continue;
    scores.set([logp, entropy], 2 * at);

    let loss = -logp;
    let slope = -1;
    let k3 = 0;
    let low = 0;
    let high = 0;
    if (o.mode === 'policy') {
      const A = o.advantages[o.segments[at]];
      const rho = Math.exp(o.useOld ? logp - o.baselines[2 * at] : 0);
      const bounded = Math.min(Math.max(rho, 1 - o.epsilonLow), 1 + o.epsilonHigh);
      const gap = o.beta > 0 ? o.baselines[2 * at + 1] - logp : 0;
      k3 = Math.exp(gap) - gap - 1;
      loss = -Math.min(rho * A, bounded * A) + o.beta * k3;
      slope = (rho * A <= bounded * A ? -rho * A : 0) + o.beta * (1 - Math.exp(gap));
      low = rho < 1 - o.epsilonLow && A < 0 ? 1 : 0;
      high = rho > 1 + o.epsilonHigh && A > 0 ? 1 : 0;
    }
    [w * loss, k3, entropy, 1, low, high, -w * logp, -logp].forEach((value, i) => {
      sums[i] += value;
    });
    logits.forEach((x, v) => {
      dlogits[row * o.V + v] =
        (w * slope * ((v === o.tokens[at] ? 1 : 0) - Math.exp(x - lse))) / o.temperature;
    });
  }
  return { scored, scores, sums, dlogits };
}

/** table[tokens] */
export function gather(table: Numbers, tokens: Numbers, D: number) {
  return Float64Array.from(
    { length: tokens.length * D },
    (_, i) => table[tokens[Math.floor(i / D)] * D + (i % D)],
  );
}

/** Rows of dx added up by token. */
export function gatherBackward(dx: Numbers, tokens: Numbers, V: number, D: number) {
  const out = new Float64Array(V * D);
  for (let i = 0; i < dx.length; i++) out[tokens[Math.floor(i / D)] * D + (i % D)] += dx[i];
  return out;
}

/** One update of the pool; entries from `decayed` on are not decayed. */
export function adamW(
  pools: { parameters: Numbers; moment1: Numbers; moment2: Numbers; gradient: Numbers },
  decayed: number,
  hyper: AdamWStep,
) {
  const size = pools.parameters.length;
  const gradNorm = Math.sqrt(inner(pools.gradient, pools.gradient));
  const clip = Math.min(1, hyper.maxGradNorm / (gradNorm + 1e-6));
  const [parameters, moment1, moment2] = [0, 0, 0].map(() => new Float64Array(size));
  for (let i = 0; i < size; i++) {
    const g = pools.gradient[i] * clip;
    moment1[i] = hyper.beta1 * pools.moment1[i] + (1 - hyper.beta1) * g;
    moment2[i] = hyper.beta2 * pools.moment2[i] + (1 - hyper.beta2) * g * g;
    const m = moment1[i] / (1 - hyper.beta1 ** hyper.step);
    const v = moment2[i] / (1 - hyper.beta2 ** hyper.step);
    const decay = i < decayed ? hyper.weightDecay * pools.parameters[i] : 0;
    parameters[i] = pools.parameters[i] - hyper.learningRate * (m / (Math.sqrt(v) + hyper.eps) + decay);
  }
  return { parameters, moment1, moment2, gradNorm, clip };
}

/** Σ_k share_k · end_k */
export function composeEnds(ends: readonly Numbers[], shares: Numbers) {
  return Float64Array.from(ends[0], (_, i) => ends.reduce((sum, end, k) => sum + shares[k] * end[i], 0));
}

type EndPools = Record<'parameters' | 'moment1' | 'moment2', Numbers>;

/** One update of every end under its share of the clipped gradient at `parameters`, what they compose. */
export function updateEnds(
  ends: readonly EndPools[],
  shares: Numbers,
  { parameters, gradient, decayed }: { parameters: Numbers; gradient: Numbers; decayed: number },
  hyper: AdamWStep,
): EndPools[] {
  const clip = Math.min(1, hyper.maxGradNorm / (Math.sqrt(inner(gradient, gradient)) + 1e-6));
  return ends.map((end, k) => {
    const share = shares[k];
    if (share === 0) return end;
    const scaled = Float64Array.from(gradient, (g) => share * clip * g);
    const free = { ...hyper, maxGradNorm: Number.POSITIVE_INFINITY, weightDecay: 0 };
    const { moment1, moment2, ...moved } = adamW({ ...end, gradient: scaled }, 0, free);
    const decay = (i: number) =>
      i < decayed ? hyper.learningRate * hyper.weightDecay * share * parameters[i] : 0;
    return { moment1, moment2, parameters: moved.parameters.map((value, i) => value - decay(i)) };
  });
}

/** A number as f16: the nearest one, and of two the even one. */
export function halfBits(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  if (Number.isNaN(x)) return 0x7e00;
  const size = Math.abs(x);
  // Numbers of an exponent lie so far apart; the smallest exponent is that of subnormal numbers, too.
  let exponent = -14;
  while (exponent < 16 && size >= 2 ** (exponent + 1)) exponent++;
  const steps = size / 2 ** (exponent - 10);
  const below = Math.floor(steps);
  const isUp = steps - below > 0.5 || (steps - below === 0.5 && below % 2 === 1);
  const bits = (exponent + 14) * 1024 + below + (isUp ? 1 : 0);
  return sign | Math.min(bits, 0x7c00);
}

export function fromHalf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
