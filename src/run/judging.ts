/**
 * What the two judges are trained from and what comes of it, apart from any stage: so they can be trained where the run is or beside it, in
 * a worker of their own (judgeLine.ts), to the same bits. TensorFlow.js computes on the processor in either place, whatever trains the
 * language model: each of a judge's many small operations would wait longer for a GPU than it takes.
 */
import { breathe, type StageHooks } from '../control/hooks';
import type { Dataset, Example } from '../data/dataset';
import { onProcessor } from '../gpu/tfjs';
import { trainEncoder } from '../rank/encoder';
import { trainRanker } from '../rank/ranker';
import { camelCased } from './camelCase';
import type { RunConfig } from './config';
import type { Report } from './report';
import { type KeptPart, Workbench } from './workbench';

/** All that a judge is trained from. */
export interface JudgeTask {
  dataset: Dataset;
  config: Pick<RunConfig, 'seed' | 'ranker' | 'encoder'>;
  /** Rows of the table of rewards. */
  rewarded: Example[];
  /** Rows of the table of chances; null where the data itself knows them. */
  chances: Example[] | null;
}

/** What later stages get of the judge of taste is what checkpoints keep. */
export interface RankerTables {
  auc: Report['ranker']['auc'];
  /** [policy, then curve examples × items], in [0, 1]: the ID reward. */
  rewardTable: Float32Array<ArrayBuffer>;
  /** [test, then curve examples × items] P(click ∧ conversion); null where the data itself knows. */
  ctcvr: Float32Array<ArrayBuffer> | null;
}

export interface EncoderMade {
  wordVectors: Float32Array<ArrayBuffer>;
  /** [items × SENTENCE_SIZE] of the Universal Sentence Encoder; null where the catalogue's own measures meaning. */
  sentences: Float32Array<ArrayBuffer> | null;
}

interface JudgesMade {
  ranker: RankerTables;
  encoder: EncoderMade;
}

export type JudgeName = keyof JudgesMade;

export interface JudgeResult<Name extends JudgeName = JudgeName> {
  made: JudgesMade[Name];
  /** Of each step. */
  losses: number[];
}

/** @throws StoppedError when the hooks say stop, and what training throws */
export const JUDGES: {
  readonly [Name in JudgeName]: (task: JudgeTask, hooks: StageHooks) => Promise<JudgeResult<Name>>;
} = {
  ranker: ({ dataset, config, rewarded, chances }, hooks) =>
    onProcessor(async () => {
      const trained = await trainRanker(dataset, camelCased(config.ranker), config.seed, hooks);
      try {
        // Offline, as in the paper: from here on the ID reward is a look-up.
        const rewardTable = await trained.rewardTable(rewarded);
        const ctcvr = chances === null ? null : await trained.ctcvr(chances);
        return { made: { auc: trained.auc, rewardTable, ctcvr }, losses: trained.losses };
      } finally {
        trained.dispose();
      }
    }),
  encoder: ({ dataset, config }, hooks) =>
    onProcessor(async () => {
      const { wordVectors, losses } = await trainEncoder(
        dataset,
        camelCased(config.encoder),
        config.seed,
        hooks,
      );
      return { made: { wordVectors, sentences: null }, losses };
    }),
};

/** A judge that is being trained, by whoever does it. */
export interface Judging {
  done: Promise<JudgeResult>;
  /** What it has done of its parts, at its next gate; null once it is done. */
  standing(): Promise<KeptPart | null>;
}

/** Begins or goes on with a judge in this thread, which hears of other things at its gates. */
export function beginJudge(
  name: JudgeName,
  task: JudgeTask,
  kept: KeptPart,
  onProgress: (done: number, total: number) => void,
): Judging {
  const bench = new Workbench(kept);
  let isDone = false;
  let asked: ((standing: KeptPart | null) => void)[] = [];
  const answer = (standing: KeptPart | null) => {
    const waiting = asked;
    asked = [];
    for (const tell of waiting) tell(standing);
  };
  const gate = async () => {
    await breathe();
    if (asked.length > 0) {
      await bench.read();
      answer(kept);
    }
    return 'go' as const;
  };
  const done = JUDGES[name](task, { gate, onProgress, work: bench.work }).finally(() => {
    isDone = true;
    answer(null);
  });
  return {
    done,
    standing: async () => (isDone ? null : new Promise((resolve) => void asked.push(resolve))),
  };
}
