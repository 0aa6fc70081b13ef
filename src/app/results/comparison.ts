/** What several runs differ in, and what came out of each with its interval. */
import type { SliceRow } from '../../evaluate/slices';
import { rateInterval } from '../../numeric/rate';
import type { RunConfig } from '../../run/config';
import { formatLeaf, type LeafValue } from '../../run/diff';
import { isConfigPath } from '../../run/fields/paths';
import type { RunPairing } from '../../run/pairing';
import type { Report } from '../../run/report';
import { changeWords } from '../words/differences';
import { labelled } from '../words/fieldLabels';

export interface ComparedRun {
  id: string;
  label: string;
  config: RunConfig;
  report: Pick<Report, 'table' | 'spreads' | 'stages' | 'changes' | 'device'>;
}

/** A setting that is not the same in all runs: its value in each, in their order. */
export interface DifferingSetting {
  path: string;
  /** Null where it is its name alone. */
  label: string | null;
  values: string[];
}

/** Settings that are not the same in all of them, and whether they were changed on the way. */
export function differingSettings(runs: readonly ComparedRun[]): DifferingSetting[] {
  const leaves = runs.map(({ config }) => new Map(leavesOf(config)));
  const paths = [...new Set(leaves.flatMap((own) => [...own.keys()]))];
  const rows = paths.map((path) => ({
    path,
    label: isConfigPath(path) ? labelled(path) : null,
    values: leaves.map((own) => own.get(path) ?? '–'),
  }));
  const changes = runs.map(
    ({ report, config }) =>
      (report.changes ?? []).map((change) => changeWords(change, config)).join('; ') || 'none',
  );
  return [...rows, { path: 'changes on the way', label: null, values: changes }].filter(
    ({ values }) => new Set(values).size > 1,
  );
}

function leavesOf(value: object, before = ''): [string, string][] {
  return Object.entries(value).flatMap(([name, held]): [string, string][] => {
    const path = before + name;
    const isGroup = typeof held === 'object' && held !== null && !Array.isArray(held);
    return isGroup ? leavesOf(held, `${path}.`) : [[path, formatLeaf(held as LeafValue)]];
  });
}

export const COMPARED = [
  { key: 'Category_L3_ACC', label: 'L3' },
  { key: 'Title_Hit-Rate@50', label: 'Title@50' },
  { key: 'exact_title_rate', label: 'Exact' },
  { key: 'CTCVR', label: 'CTCVR' },
  { key: 'valid_rate', label: 'Valid' },
] as const;

interface ComparedValue {
  mean: number;
  /** 95 %, over this run's test users. */
  low: number;
  high: number;
}

/** Of the model that a run handed over; null where it has no table. */
export function finalRow({ report }: Pick<ComparedRun, 'report'>): {
  stage: string;
  users: number;
  values: ComparedValue[];
} | null {
  const { table, spreads = [] } = report;
  const row = table.find(({ stage }) => stage === 'popo') ?? table.at(-1);
  if (row === undefined) return null;
  const spread = spreads.find(({ stage }) => stage === row.stage);
  const values = COMPARED.map(({ key }) => {
    const isMean = key === 'CTCVR' && spread !== undefined;
    return { mean: row[key], ...(isMean ? spread.ctcvr : rateInterval(row[key], row.users)) };
  });
  return { stage: row.stage, users: row.users, values };
}

/** Seconds of all stages. */
export function secondsOf({ report }: Pick<ComparedRun, 'report'>): number {
  return report.stages.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Of the model that a run handed over, by slice of its test users; empty where its data tells none. */
export function finalSlices({ report }: Pick<ComparedRun, 'report'>): readonly SliceRow[] {
  const row = report.table.find(({ stage }) => stage === 'popo') ?? report.table.at(-1);
  return row?.slices?.slice(1) ?? [];
}

export interface RunComparison {
  runs: {
    id: string;
    label: string;
    /** Of the model that it handed over; null where it has no table. */
    handedOver: { stage: string; users: number; values: Record<string, ComparedValue> } | null;
    seconds: number;
    /** The same by slice of its test users; left out where its data tells none. */
    slices?: readonly SliceRow[];
    /** Its outcomes less the first run's, paired by user; null for the first. */
    againstFirst: RunPairing | null;
  }[];
  differing: DifferingSetting[];
}

/** What the table of pinned runs says, for a program. @param pairings of each run but the first, in their order */
export function comparisonOf(runs: readonly ComparedRun[], pairings: readonly RunPairing[]): RunComparison {
  return {
    runs: runs.map((run, at) => {
      const last = finalRow(run);
      const slices = finalSlices(run);
      const values = Object.fromEntries(COMPARED.map(({ key }, column) => [key, last?.values[column]]));
      return {
        id: run.id,
        label: run.label,
        handedOver: last === null ? null : { ...last, values: values as Record<string, ComparedValue> },
        seconds: secondsOf(run),
        ...(slices.length > 0 && { slices }),
        againstFirst: pairings[at - 1] ?? null,
      };
    }),
    differing: differingSettings(runs),
  };
}
