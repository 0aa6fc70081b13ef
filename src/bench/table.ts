/** What was measured, as Markdown. */
import type { BenchResult, CaseResult } from './core';

/** One row for each shape. PyTorch's own is left empty: the script of torchScript.ts prints rows that have it. */
export const COLUMNS = [
  ...['shape', 'taiji-lab', 'TensorFlow.js', 'jax-js', 'PyTorch'],
  ...['GFLOP/s of the step', 'of the peak', 'trained tokens/s', 'sampled tokens/s'],
  ...['dispatches of a step', 'of a token', 'encoding a step', 'MiB planned', 'allocated'],
] as const;

export const HEADER = [
  `| ${COLUMNS.join(' | ')} |`,
  `| --- | ${COLUMNS.slice(1)
    .map(() => '--:')
    .join(' | ')} |`,
].join('\n');

export function benchTable({ adapter, machine, kernels, rates, cases, ...rest }: BenchResult): string {
  const rate = (gigaflops: number) => `${few(gigaflops)} (${Math.round((100 * gigaflops) / rates.peak)} %)`;
  return [
    `${adapter}; ${machine}; ${kernels.variant} kernels ${kernels.version}`,
    '',
    `Multiply-adds from registers alone: ${few(rates.peak)} GFLOP/s. Matrix products, in ` +
      'GFLOP/s and as a share of that:',
    '',
    '| size | a · bᵀ | a · b | aᵀ · b |',
    '| --- | --: | --: | --: |',
    ...rates.products.map(({ size, nt, nn, tn }) => `| ${size} | ${rate(nt)} | ${rate(nn)} | ${rate(tn)} |`),
    '',
    HEADER,
    ...cases.flatMap((each) => caseRows(each, rates.peak)),
    '',
    `${rest.dispatches_per_step} dispatches per training step at ${rest.layers} layers; ` +
      `${Math.round(rest.rollout_tokens_per_s)} sampled tokens/s; ` +
      `an RL step takes ${Object.entries(rest.over_fixed)
        .map(([name, ratio]) => `${ratio.toFixed(2)}× (${name})`)
        .join(', ')} one with fixed weights; ` +
      `${mebibytes(rest.bytesPlanned)} MiB planned, ${mebibytes(rest.bytesAllocated)} allocated.`,
  ].join('\n');
}

/** A shape's row, and one for its weights in f16 where these were measured. */
function caseRows(each: CaseResult, peak: number): string[] {
  const { name, f16_ms, f16_engine } = each;
  if (f16_ms === null) return [caseRow(each, peak)];
  const half = { ours_ms: f16_ms, tfjs_ms: null, jax_ms: null, engine: f16_engine };
  return [caseRow(each, peak), caseRow({ ...each, ...half, name: `${name}, weights in f16` }, peak)];
}

function caseRow(
  { name, ours_ms, tfjs_ms, jax_ms, operations, tokens, engine }: CaseResult,
  peak: number,
): string {
  const ms = (value: number | null) => (value === null ? '' : `${value.toFixed(value < 100 ? 1 : 0)} ms`);
  const ratio = (value: number | null) =>
    value === null || ours_ms === null ? '' : ` (${(value / ours_ms).toFixed(1)}×)`;
  const gigaflops = ours_ms === null ? null : operations / ours_ms / 1e6;
  const measured =
    engine === null
      ? ['', '', '', '', '', '']
      : [
          whole(engine.rollout_tokens_per_s),
          engine.dispatches_per_step,
          engine.dispatches_per_token,
          `${engine.encode_ms.toFixed(2)} ms`,
          mebibytes(engine.bytesPlanned),
          mebibytes(engine.bytesAllocated),
        ];
  const cells = [
    ...[name, ms(ours_ms), `${ms(tfjs_ms)}${ratio(tfjs_ms)}`, `${ms(jax_ms)}${ratio(jax_ms)}`, ''],
    gigaflops === null ? '' : few(gigaflops),
    gigaflops === null ? '' : `${((100 * gigaflops) / peak).toFixed(1)} %`,
    ours_ms === null ? '' : whole((1000 * tokens) / ours_ms),
    ...measured,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Of a CPU that plays a GPU the digit behind the point tells something. */
function few(gigaflops: number): string {
  return gigaflops < 100 ? gigaflops.toFixed(1) : whole(gigaflops);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
