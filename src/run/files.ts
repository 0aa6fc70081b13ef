/** What a person takes home of a run: report.json, and the model as a Hugging Face `LlamaForCausalLM`. */
import { exportModel } from '../model/safetensors';
import { Tokenizer } from '../text/tokenizer';
import type { Report } from './report';
import type { RunCheckpoint } from './runState';

export interface RunFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * model.safetensors, config.json, tokenizer.json and tokenizer_config.json of a checkpoint's weights.
 * @throws Error when the run has not come as far as a model
 */
export function modelFiles({ state: { made }, model }: RunCheckpoint): RunFile[] {
  if (made.tokenizer === undefined || model === null) {
    throw new Error('There is no model yet: it is made once there is a tokenizer.');
  }
  const tokenizer = Tokenizer.fromJSON(made.tokenizer.tokenizer);
  const special = { pad: tokenizer.special.pad, eos: tokenizer.special.endAnswer };
  return [
    ...exportModel(made.tokenizer.shape, model.parameters, special),
    jsonFile('tokenizer.json', tokenizer.toJSON()),
    jsonFile('tokenizer_config.json', tokenizer.configJSON()),
  ];
}

/**
 * cots.jsonl: what the teacher said, one line per CoT, as `file` teachers are given it; with whether it passed ORFT and, where
 * the data knows, whether its evidence and conclusion are the true ones.
 */
export function cotsFile({ state: { made } }: RunCheckpoint): RunFile {
  const { cots } = made.rupr ?? { cots: [] };
  if (cots.length === 0) throw new Error('There is no reasoning yet: it is made in the stage RUPR.');
  const passed = made.orft?.result && new Set(made.orft.result.kept);
  const lines = cots.map(({ sampleId, text, truth }, index) =>
    JSON.stringify({ sampleId, cot: text, truth, ...(passed && { kept: passed.has(index) }) }),
  );
  return { name: 'cots.jsonl', bytes: new TextEncoder().encode(`${lines.join('\n')}\n`) };
}

/** report.json */
export function reportFile(report: Report): RunFile {
  return jsonFile('report.json', report);
}

function jsonFile(name: string, value: object): RunFile {
  return { name, bytes: new TextEncoder().encode(`${JSON.stringify(value)}\n`) };
}
