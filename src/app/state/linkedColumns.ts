/** A link's result as columns for charts, under the names that the run's own columns have. Fetched when a link carries a result. */
import { REWARDS } from '../../popo/rewards';
import type { RunConfig } from '../../run/config';
import { type LinkResult, stretchEnds } from '../../run/result/linkResult';
import { readResult } from '../../run/result/resultField';
import { Columns, type RunColumns } from './columns';

export interface LinkedColumns extends RunColumns {
  /** C w of each reward, of fewer points than the curves of alignment have. */
  gauge: Columns;
  /** Where each stage's first step is on the axis of losses. */
  marks: { x: number; label: LinkResult['losses'][number]['stage'] }[];
}

/** Never throws. */
export async function readLinked(
  text: string,
  config: RunConfig,
): Promise<{ found: { result: LinkResult; columns: LinkedColumns } | null; problem: string | null }> {
  const { result, problem } = await readResult(text, config);
  return { found: result === null ? null : { result, columns: columnsOf(result, config) }, problem };
}

function columnsOf({ losses, alignment, heldOut }: LinkResult, { popo }: RunConfig): LinkedColumns {
  const columns: LinkedColumns = {
    loss: new Columns(['loss']),
    popo: new Columns(REWARDS.flatMap((name) => [`r_${name}`, `w_${name}`])),
    gauge: new Columns(REWARDS.map((name) => `gain_${name}`)),
    heldout: new Columns(['l1', 'l3', 'hr50', 'ctcvr']),
    marks: [],
  };
  let from = 0;
  for (const { stage, steps, values } of losses) {
    // Charts count steps from 1.
    columns.marks.push({ x: from + 1, label: stage });
    for (const [k, end] of stretchEnds(steps, values.length).entries())
      columns.loss.push(from + end + 1, [values[k] ?? Number.NaN]);
    from += steps;
  }
  if (alignment !== null) {
    const { steps, rewards, weights } = alignment;
    for (const [k, end] of stretchEnds(steps, rewards[0].length).entries())
      columns.popo.push(
        end + 1,
        REWARDS.flatMap((name) => {
          const place = popo.rewards.indexOf(name);
          return [rewards[place]?.[k] ?? Number.NaN, weights[place]?.[k] ?? Number.NaN];
        }),
      );
  }
  const gauge = alignment?.gauge ?? null;
  if (alignment !== null && gauge !== null)
    for (const [k, end] of stretchEnds(alignment.steps, gauge.gains[0].length).entries())
      columns.gauge.push(
        end + 1,
        REWARDS.map((name) => gauge.gains[popo.rewards.indexOf(name)]?.[k] ?? Number.NaN),
      );
  for (const [k, step] of (heldOut?.steps ?? []).entries())
    columns.heldout.push(
      step,
      heldOut!.values.map((values) => values[k] ?? Number.NaN),
    );
  return columns;
}
