/** Whether what a checkpoint says of a run can be true: its parts have to agree with each other and with the config. */
import { bestPoint } from '../evaluate/bestPoint';
import type { ModelState, WeightPools } from '../model/languageModel';
import { parameterTable } from '../model/parameters';
import { ruleOf } from '../popo/rules';
import { checkChanges } from './changes';
import { parseConfig } from './config';
import { STAGE_NAMES, type StageName } from './report';
import type { RunState } from './runState';
import type { KeptPart } from './workbench';

/** Stages whose reports have a loss for every step. */
const TOLD_BY_STEP: readonly StageName[] = ['warmup', 'orft', 'sft', 'popo'];

/** @returns what is wrong, as the end of a sentence; null when nothing is */
export function unsoundness(state: RunState, model: ModelState | null): string | null {
  return (
    wrongConfig(state) ??
    wrongPlace(state) ??
    wrongReports(state) ??
    wrongWork(state) ??
    wrongBeside(state) ??
    wrongModel(state, model) ??
    wrongBest(state) ??
    wrongLevels(state) ??
    wrongEnds(state, model)
  );
}

function wrongConfig({ config, changes, divergences }: RunState): string | null {
  if (!Array.isArray(changes) || !Array.isArray(divergences)) return 'its record of changes is lost';
  try {
    checkChanges(config, changes);
    // What the schema fills in was missing.
    if (JSON.stringify(parseConfig(config)) === JSON.stringify(config)) return null;
    return 'its config lacks a field';
  } catch (error) {
    return `its config is not one (${error instanceof Error ? error.message.replace(/\.$/, '') : error})`;
  }
}

function wrongPlace({ stage, step, stages, made, beside }: RunState): string | null {
  const at = STAGE_NAMES.indexOf(stage);
  if (at < 0) return `there is no stage “${stage}”`;
  if (!Array.isArray(stages) || typeof made !== 'object' || made === null)
    return 'its record of stages is lost';
  const begun = stages.map(({ name }) => name);
  const [before, here] = [STAGE_NAMES.slice(0, at), STAGE_NAMES.slice(0, at + 1)];
  if (!isSame(begun, before) && !isSame(begun, here)) return `its reports are not those of a run in ${stage}`;
  const missing = before.find((name) => made[name] === undefined && beside?.[name] === undefined);
  if (missing !== undefined) return `what ${missing} made is missing`;
  const steps = stages[at]?.steps ?? 0;
  if (!Number.isInteger(step) || step < 0 || step > steps)
    return `step ${step} of ${stage} is none of its ${steps}`;
  return null;
}

function wrongReports({ stage, step, stages }: RunState): string | null {
  for (const { name, steps, loss, gradNorm = [] } of stages) {
    if (!TOLD_BY_STEP.includes(name)) continue;
    const reached = name === stage ? step : steps;
    if (loss.length !== reached) return `${name} has ${loss.length} losses after ${reached} steps`;
    if (name !== 'popo' && gradNorm.length !== reached)
      return `${name} has ${gradNorm.length} gradient norms after ${reached} steps`;
  }
  return null;
}

/** Parts of the stage under way. */
function wrongWork({ stage, stages, work }: RunState): string | null {
  const report = stages.find(({ name }) => name === stage);
  if (!isObject(work) || !isObject(work.parts)) return `what ${stage} has done of its parts is lost`;
  if (report === undefined)
    return Object.keys(work.parts).length === 0 ? null : `parts of ${stage} are done before it began`;
  return wrongPart(stage, work, report.steps);
}

/** Judges may go on until the end of warm-up asks for them. */
function wrongBeside({ stage, stages, made, beside = {} }: RunState): string | null {
  if (!isObject(beside)) return 'what goes on beside it is lost';
  for (const [name, kept] of Object.entries(beside)) {
    const report = stages.find((one) => one.name === name);
    const isJudge = name === 'ranker' || name === 'encoder';
    if (!isJudge || report === undefined || made[name] !== undefined)
      return `${name} cannot go on beside other stages`;
    if (stage !== 'encoder' && stage !== 'warmup') return `${name} is not done in ${stage}`;
    const wrong = wrongPart(name, kept, report.steps);
    if (wrong !== null) return wrong;
  }
  return null;
}

function wrongPart(name: string, part: KeptPart, steps: number): string | null {
  if (!isObject(part) || !isObject(part.parts)) return `what ${name} has done of its parts is lost`;
  // Of what is trained on TensorFlow.js (rank/fit.ts).
  const { losses, weights, moment1, moment2 } = (part.standing ?? {}) as Record<string, unknown>;
  if (losses instanceof Float32Array && losses.length > steps)
    return `${name} has ${losses.length} losses, more than its stage has steps (${steps})`;
  if (weights instanceof Float32Array)
    for (const moments of [moment1, moment2])
      if (!(moments instanceof Float32Array) || moments.length !== weights.length)
        return `${name} has moments of another length than its weights`;
  for (const [own, within] of Object.entries(part.parts)) {
    const wrong = wrongPart(`${name}, ${own}`, within, steps);
    if (wrong !== null) return wrong;
  }
  return null;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrongModel({ made, beginning, backbone }: RunState, model: ModelState | null): string | null {
  if (made.tokenizer === undefined) return model === null ? null : 'it has a model before its tokenizer';
  if (model === null) return 'its model is missing';
  const { poolSize } = parameterTable(made.tokenizer.shape);
  const { ends = [], ...own } = model;
  const all: [string, WeightPools][] = [
    ['', own],
    ...ends.map((end, k): [string, WeightPools] => [`end ${k} `, end]),
  ];
  for (const [of, pools] of all)
    for (const [name, pool] of Object.entries(pools))
      if (pool.length !== poolSize) return `${of}${name} has ${pool.length} numbers instead of ${poolSize}`;
  if (beginning !== null && beginning.length !== poolSize)
    return `the weights that its stage began with are ${beginning.length} numbers instead of ${poolSize}`;
  if (backbone !== undefined && backbone.length !== poolSize)
    return `the weights that warm-up left are ${backbone.length} numbers instead of ${poolSize}`;
  return null;
}

/** What POPO keeps for `popo.keep: best`. */
function wrongBest({ config, made, stage }: RunState): string | null {
  const { popo, tokenizer } = made;
  if (popo === undefined || tokenizer === undefined) return null;
  const { best, last, curve } = popo;
  if (config.popo.keep === 'last')
    return best === null && last === null ? null : 'it has a best model that nobody asked for';
  if (best === null) return curve.length === 0 ? null : 'its best model is missing';
  const wanted = bestPoint(curve);
  if (wanted === null || wanted.step !== best.step || wanted.score !== best.score)
    return `its best model is of step ${best.step}, which is not the best of its curve`;
  // Once POPO is done, they are the model's.
  if (stage === 'popo' && best.parameters === null) return 'the weights of its best model are missing';
  const { poolSize } = parameterTable(tokenizer.shape);
  for (const pool of [best.parameters, last])
    if (pool !== null && pool.length !== poolSize)
      return `its best or last model has ${pool.length} numbers instead of ${poolSize}`;
  return null;
}

/** What rewards are held at. */
function wrongLevels({ config, made }: RunState): string | null {
  const { levels = [] } = made.popo ?? {};
  const isLevel = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;
  const isWhole = (rewards: unknown) =>
    Array.isArray(rewards) && rewards.length === config.popo.rewards.length && rewards.every(isLevel);
  return Array.isArray(levels) && levels.every((level) => isObject(level) && isWhole(level.rewards))
    ? null
    : 'the levels that its rewards are held at are none';
}

/**
 * Where rewards are weighed by draws there is an end for each while alignment is under way, and as long as the model is handed over as a
 * mixture of them.
 */
function wrongEnds({ config, made, stage, step }: RunState, model: ModelState | null): string | null {
  const { length: ends } = model?.ends ?? [];
  const isDrawn = config.popo.steps > 0 && ruleOf(config.popo.weighting).draw !== undefined;
  const isMixture = made.popo?.mixture !== undefined || (stage === 'popo' && step > 0);
  const wanted = isDrawn && isMixture ? config.popo.rewards.length : 0;
  // Before the first step they may not be there yet.
  if (ends === wanted || (ends === 0 && stage === 'popo' && step === 0)) return null;
  return `its model has ${ends} ends instead of ${wanted}`;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
