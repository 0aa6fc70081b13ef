/** What the model says of newcomers, and of the past that they are compared with, as vectors. */
import type { Dataset, Example } from '../../data/dataset';
import { requestVectors } from '../../evaluate/requestVectors';
import { PromptFormat } from '../../text/prompt';
import type { WholeStage } from '../stage';
import type { TrainingInputs } from './trainingInputs';

export interface Said {
  /** [requests × dimension], unit rows; empty where nothing is ranked. */
  requests: Float32Array<ArrayBuffer>;
  /** [past examples × dimension] */
  past: Float32Array<ArrayBuffer>;
}

export const features: WholeStage<'features', TrainingInputs, Said, Said> = {
  name: 'features',
  reads: ['popo.prompts_per_step', 'popo.num_generations'],
  steps: (_config, { data: { deployment } }) =>
    deployment === null ? 0 : deployment.requests.length + deployment.past.examples.length,
  async run({ data: { dataset, deployment }, tokenizer, encoder }, { config: { popo }, steps, hooks }) {
    if (deployment === null) return { requests: new Float32Array(0), past: new Float32Array(0) };
    const { model, format } = tokenizer;
    const options = {
      maxNewTokens: format.options.maxCompletionLength,
      batchSize: popo.prompts_per_step * popo.num_generations,
    };
    const say = (name: keyof Said, of: Dataset, examples: Example[]) => {
      const own = new PromptFormat(of, tokenizer.tokenizer, format.options);
      const asked = { format: own, examples, encoder: encoder.encoder };
      const before = name === 'past' ? deployment.requests.length : 0;
      const onProgress = (done: number) => hooks.onProgress(before + done, steps);
      return hooks.work.part(name, (work) =>
        requestVectors(model, asked, options, { gate: hooks.gate, onProgress, work }),
      );
    };
    return {
      requests: await say('requests', deployment.dataset, deployment.requests),
      past: await say('past', dataset, deployment.past.examples),
    };
  },
  open: (made) => made,
};
