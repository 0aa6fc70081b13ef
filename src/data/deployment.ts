/**
 * What comes after training: people ask while the model is in use, are shown items, and click and buy or not. Ranking
 * features are made for these requests and judged by them, so nothing of a request may have been learnt from before.
 *
 * A deployment has the shape of a data set. Its `splits.train` are requests that a ranker learns from, `splits.test` those that it
 * is judged on; `impressions` belong to both by user and position. In a world both are newcomers, apart by user. In imported
 * data they are each user's second to last and last behaviour: no model has seen either, but the user is no stranger.
 */
import { Random } from '../numeric/random';
import type { Dataset, Example, Impressions } from './dataset';

/**
 * @param users about how many people's requests to use; of imported data, fewer where there are not so many
 * @returns null where the data does not say what was shown after training (imported by an earlier version of this app)
 */
export async function deploymentOf(dataset: Dataset, users: number, seed: number): Promise<Dataset | null> {
  if (dataset.newcomers !== undefined) return dataset.newcomers(users);
  const impressions = dataset.heldOutImpressions;
  if (impressions === undefined) return null;
  const chosen = new Set(
    new Random(seed, 'deployment/users').shuffle(dataset.users.map((_, index) => index)).slice(0, users),
  );
  const of = (examples: readonly Example[]) => examples.filter(({ user }) => chosen.has(user));
  return {
    ...dataset,
    impressions: pick(impressions, (row) => chosen.has(impressions.user[row])),
    splits: { train: of(dataset.splits.validation), validation: [], test: of(dataset.splits.test) },
  };
}

function pick(from: Impressions, isPicked: (row: number) => boolean): Impressions {
  const rows = Array.from(from.user.keys()).filter(isPicked);
  return {
    user: Int32Array.from(rows, (row) => from.user[row]),
    item: Int32Array.from(rows, (row) => from.item[row]),
    historyLength: Int32Array.from(rows, (row) => from.historyLength[row]),
    click: Uint8Array.from(rows, (row) => from.click[row]),
    conversion: Uint8Array.from(rows, (row) => from.conversion[row]),
  };
}
