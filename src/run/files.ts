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

/** report.json */
export function reportFile(report: Report): RunFile {
  return jsonFile('report.json', report);
}

function jsonFile(name: string, value: object): RunFile {
  return { name, bytes: new TextEncoder().encode(`${JSON.stringify(value)}\n`) };
}
