/** What a person takes home of a run: report.json, and the model as a Hugging Face `LlamaForCausalLM`. */
import { exportModel } from '../model/safetensors';
import { Tokenizer } from '../text/tokenizer';
import type { RunCheckpoint } from './checkpoint';
import type { Report } from './report';

export interface RunFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * model.safetensors, config.json, tokenizer.json and tokenizer_config.json of a checkpoint's weights.
 * @throws Error when the run has not come as far as a model
 */
export function modelFiles({ state, arrays }: RunCheckpoint): RunFile[] {
  if (state.model === null || arrays.parameters === undefined) {
    throw new Error('There is no model yet: it is made when warm-up begins.');
  }
  const tokenizer = Tokenizer.fromJSON(state.tokenizer);
  const special = { pad: tokenizer.special.pad, eos: tokenizer.special.endAnswer };
  return [
    ...exportModel(state.model, arrays.parameters, special),
    jsonFile('tokenizer.json', tokenizer.toJSON()),
    jsonFile('tokenizer_config.json', tokenizer.configJSON()),
  ];
}

/**
 * cots.jsonl: what the teacher said, one line per CoT, as `file` teachers are given it; with whether it passed ORFT and, where
 * the data knows, whether its evidence and conclusion are the true ones.
 */
export function cotsFile({ state: { cots, kept, orft } }: RunCheckpoint): RunFile {
  if (cots.length === 0) throw new Error('There is no reasoning yet: it is made in the stage RUPR.');
  const passed = new Set(kept);
  const lines = cots.map(({ sampleId, text, truth }, index) =>
    JSON.stringify({ sampleId, cot: text, truth, ...(orft === null ? {} : { kept: passed.has(index) }) }),
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
