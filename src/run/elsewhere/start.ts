/** Where alignment begins, out of a checkpoint: SFT's weights, the data, and the judges that the rewards look things up in. */
import type { Dataset } from '../../data/dataset';
import { PromptFormat } from '../../text/prompt';
import { Tokenizer } from '../../text/tokenizer';
import type { Made } from '../pipeline';
import type { RunCheckpoint } from '../runState';
import { drawExamples, type ExampleDraw } from '../stages/data';

export interface AlignmentStart {
  config: RunCheckpoint['state']['config'];
  dataset: Dataset;
  draw: ExampleDraw;
  format: PromptFormat;
  tokenizer: Tokenizer;
  made: Pick<Made, 'tokenizer' | 'ranker' | 'encoder' | 'rupr' | 'orft'> & Partial<Pick<Made, 'popo'>>;
  /** The flat pool that POPO begins with, which is its reference too. A finished run's own weights are the aligned ones. */
  weights: Float32Array;
}

/** @throws Error when the run has not come as far as the end of SFT, or the data is another */
export function alignmentStart({ state, model }: RunCheckpoint, dataset: Dataset): AlignmentStart {
  const { config, made, stage, step } = state;
  const { tokenizer, ranker, encoder, rupr, orft, popo } = made;
  const isBefore = stage === 'popo' && step === 0;
  const weights = popo?.reference ?? (isBefore ? model?.parameters : undefined);
  if (!tokenizer || !ranker || !encoder || !rupr || !orft || !weights) {
    throw new Error(
      `This run is at ${stage}. It can go on elsewhere once SFT is done: train it further, then export it.`,
    );
  }
  if (made.data?.dataset != null && made.data.dataset.sha256 !== dataset.sha256) {
    throw new Error('The data is not what this run was trained on: give the same files, read the same way.');
  }
  const own = Tokenizer.fromJSON(tokenizer.tokenizer);
  return {
    config,
    dataset,
    draw: drawExamples(dataset, config),
    format: new PromptFormat(dataset, own, tokenizer.options),
    tokenizer: own,
    made: { tokenizer, ranker, encoder, rupr, orft, popo },
    weights,
  };
}
