/** What the model says of newcomers, and of the past that they are compared with. */
import type { Dataset, Example } from '../../data/dataset';
import { requestVectors, type SaidOf } from '../../evaluate/requestVectors';
import { PromptFormat } from '../../text/prompt';
import type { WholeStage } from '../stage';
import type { TrainingInputs } from './trainingInputs';

export interface Said {
  /** Nothing where nobody is ranked for. */
  requests: SaidOf;
  past: SaidOf;
}

const NOTHING: SaidOf = { vectors: new Float32Array(0), answers: [] };

export const features: WholeStage<'features', TrainingInputs, Said, Said> = {
  name: 'features',
  reads: ['popo.prompts_per_step', 'popo.num_generations', 'ranking.embedded'],
  steps: (_config, { data: { deployment } }) =>
    deployment === null ? 0 : deployment.requests.length + deployment.past.examples.length,
  async run(
    { data: { dataset, deployment }, tokenizer, encoder },
    { config: { popo, ranking }, steps, hooks },
  ) {
    if (deployment === null) return { requests: NOTHING, past: NOTHING };
    const { model, format } = tokenizer;
    const options = {
      maxNewTokens: format.options.maxCompletionLength,
      batchSize: popo.prompts_per_step * popo.num_generations,
      embedded: ranking.embedded,
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
