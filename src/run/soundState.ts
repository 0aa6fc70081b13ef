/** Whether what a checkpoint says of a run can be true: its parts have to agree with each other and with the config. */
import type { ModelState } from '../model/languageModel';
import { parameterTable } from '../model/parameters';
import { parseConfig } from './config';
import { STAGE_NAMES, type StageName } from './report';
import type { RunState } from './runState';

/** Stages whose reports have a loss for every step. */
const TOLD_BY_STEP: readonly StageName[] = ['warmup', 'orft', 'sft', 'popo'];

/** @returns what is wrong, as the end of a sentence; null when nothing is */
export function unsoundness(state: RunState, model: ModelState | null): string | null {
  return wrongConfig(state) ?? wrongPlace(state) ?? wrongReports(state) ?? wrongModel(state, model);
}

function wrongConfig({ config }: RunState): string | null {
  try {
    // What the schema fills in was missing.
    if (JSON.stringify(parseConfig(config)) === JSON.stringify(config)) return null;
    return 'its config lacks a field';
  } catch (error) {
    return `its config is not one (${error instanceof Error ? error.message.replace(/\.$/, '') : error})`;
  }
}

function wrongPlace({ stage, step, stages, made }: RunState): string | null {
  const at = STAGE_NAMES.indexOf(stage);
  if (at < 0) return `there is no stage “${stage}”`;
  if (!Array.isArray(stages) || typeof made !== 'object' || made === null)
    return 'its record of stages is lost';
  const begun = stages.map(({ name }) => name);
  const [before, here] = [STAGE_NAMES.slice(0, at), STAGE_NAMES.slice(0, at + 1)];
  if (!isSame(begun, before) && !isSame(begun, here)) return `its reports are not those of a run in ${stage}`;
  const missing = before.find((name) => made[name] === undefined);
  if (missing !== undefined) return `what ${missing} made is missing`;
  const steps = stages[at]?.steps ?? 0;
  if (!Number.isInteger(step) || step < 0 || step > steps)
    return `step ${step} of ${stage} is none of its ${steps}`;
  return null;
}

function wrongReports({ stage, step, stages }: RunState): string | null {
  for (const { name, steps, loss } of stages) {
    if (!TOLD_BY_STEP.includes(name)) continue;
    const reached = name === stage ? step : steps;
    if (loss.length !== reached) return `${name} has ${loss.length} losses after ${reached} steps`;
  }
  return null;
}

function wrongModel({ made }: RunState, model: ModelState | null): string | null {
  if (made.tokenizer === undefined) return model === null ? null : 'it has a model before its tokenizer';
  if (model === null) return 'its model is missing';
  const { poolSize } = parameterTable(made.tokenizer.shape);
  for (const [name, pool] of Object.entries(model) as [string, Float32Array][]) {
    if (pool.length !== poolSize) return `${name} has ${pool.length} numbers instead of ${poolSize}`;
  }
  return null;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
