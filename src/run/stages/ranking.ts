/** What the model's reasoning about newcomers is worth to a ranker. */

import { StoppedError } from '../../control/hooks';
import type { Dataset, Example } from '../../data/dataset';
import { compareRankers, type RankingReport, rankingSteps } from '../../evaluate/ranking';
import { camelCased } from '../camelCase';
import type { WholeStage } from '../stage';
import type { Said } from './features';
import type { TrainingInputs } from './trainingInputs';

export interface Ranked {
  /** Null where nothing was ranked. */
  report: RankingReport | null;
}

type Inputs = Pick<TrainingInputs, 'data' | 'encoder'> & { features: Said };

export const ranking: WholeStage<'ranking', Inputs, Ranked, Ranked> = {
  name: 'ranking',
  reads: ['seed', 'ranking'],
  steps: ({ ranking }) => rankingSteps(camelCased(ranking)),
  async run({ data, encoder, features }, { config, own, hooks, device, emit }) {
    const { dataset, deployment, rankingProblem } = data;
    const leaveOut = (why: string): Ranked => {
      emit({ type: 'notice', level: 'warning', message: `Ranking was left out: ${why}` });
      return { report: null };
    };
    if (rankingProblem !== null) return leaveOut(rankingProblem);
    if (deployment === null) return { report: null };
    const { past, requests } = deployment;
    const names = (of: Dataset, examples: Example[]) => examples.map(({ user }) => of.users[user].id);
    try {
      const { dimension } = encoder.encoder;
      const { report, losses } = await compareRankers(
        {
          dataset,
          deployment: deployment.dataset,
          said: {
            vectors: features.requests.vectors,
            dimension,
            users: names(deployment.dataset, requests),
          },
          answers: features.requests.answers,
          itemVectors: encoder.encoder.itemVectors,
          past: {
            vectors: features.past.vectors,
            dimension,
            users: names(dataset, past.examples),
            next: past.next,
          },
        },
        camelCased(config.ranking),
        config.seed,
        hooks,
      );
      own.loss.push(...losses);
      emit({ type: 'ranking', ranking: report });
      return { report };
    } catch (error) {
      // The model is trained and judged by now: what fails here must not cost its report.
      if (error instanceof StoppedError || (await device.isLost())) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      return leaveOut(`it failed (${reason}). All else is as it was.`);
    }
  },
  open: (made) => made,
  report: ({ report }) => ({ ranking: report }),
  *events({ ranking }) {
    if (ranking) yield { type: 'ranking', ranking };
  },
};
