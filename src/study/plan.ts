/** What a study has still to train: cells of a seed share what they have in common (prefix.ts), so a run begins where they part. */
import type { RunConfig } from '../run/config';
import { type ConfigDiff, diffFromPreset } from '../run/diff';
import type { PresetRef } from '../run/presets';
import { STAGE_NAMES, type StageName } from '../run/stageNames';
import { type Method, methodConfig } from './methods';
import { partingStage } from './prefix';

/** A run that is to come. */
export interface PlannedRun {
  method: string;
  seed: number;
  config: RunConfig;
  /** The first stage that it does not share with a run before it. */
  from: StageName;
}

interface Asked {
  preset: PresetRef;
  common: ConfigDiff;
  methods: readonly Method[];
  seeds: readonly number[];
}

/**
 * In the order in which they are run; what is computed from other runs, or judged at another stage of one, is none.
 * @param isKept whether an earlier study has the cell
 */
export function plannedRuns(
  { preset, common, methods, seeds }: Asked,
  isKept: (method: string, seed: number) => boolean,
): PlannedRun[] {
  return seeds.flatMap((seed) => {
    const runs: PlannedRun[] = [];
    const diffs: ConfigDiff[] = [];
    for (const method of methods) {
      if (method.derived !== undefined || isKept(method.name, seed)) continue;
      const config = methodConfig(method, preset, common, seed);
      const diff = diffFromPreset(config);
      const own = JSON.stringify(diff);
      if (diffs.some((other) => JSON.stringify(other) === own)) continue;
      const shared = diffs.map((other) => STAGE_NAMES.indexOf(partingStage([other, diff])));
      diffs.push(diff);
      runs.push({ method: method.name, seed, config, from: STAGE_NAMES[Math.max(0, ...shared)] });
    }
    return runs;
  });
}
