/**
 * Taiji's last module: does what the model says of a user make a ranker better? A ranker is trained on the past's impressions,
 * and then goes on with requests of the deployment: with nothing from the model, with the user's own codes (intra), with the most
 * similar user's behaviours (cross), with both, and with both dealt to the wrong requests, which must gain nothing. Judged on requests of people that no ranker was trained on (in
 * imported data: on everybody's last behaviour).
 */
import { inChunks } from '../control/chunks';
import { type StageHooks, UNKEPT, type Work } from '../control/hooks';
import type { Dataset } from '../data/dataset';
import { visibleToTraining } from '../data/visibility';
import type { Interval } from '../numeric/interval';
import { Random } from '../numeric/random';
import { auction, drawBids } from '../rank/abTest';
import { FeatureColumns } from '../rank/featureColumns';
import {
  type FeatureSet,
  type OnlineRanker,
  type OnlineRankerOptions,
  trainOnlineRanker,
} from '../rank/onlineRanker';
import { fitQuantiser, type QuantiserOptions } from '../rank/quantiser';
import { aucGain, groupedAucGain, rankOf } from '../rank/rankingMetrics';
import { type Enhancement, PLAIN, Requests } from '../rank/requests';
import { type Moments, type Neighbours, nearestOthers, type PastMoments } from '../rank/similarUsers';
import { gainOf, type Judgement, joinedJudgements, metricsOf, type RankerMetrics } from './judgement';
import { type Lift, liftOf } from './lift';
import { longTailOf } from './longTail';

export const FEATURE_SETS = ['none', 'intra', 'cross', 'both', 'shuffled'] as const;
export type FeatureSetName = (typeof FEATURE_SETS)[number];

export interface RankingOptions extends OnlineRankerOptions, QuantiserOptions {
  /** Steps that each ranker goes on for. `steps` are those on the past. */
  tuningSteps: number;
}

export interface RankerResult {
  features: FeatureSetName;
  all: RankerMetrics;
  /** Of users with the fewest behaviours, see `RankingReport`. */
  long_tail: RankerMetrics;
  /** AUC less that of the ranker without features; null for that one. */
  gain: Record<'all' | 'long_tail', { ctr: Interval; ctcvr: Interval }> | null;
  /** GAUC less that of the ranker without features, as `gain`; older reports lack it. */
  gauc_gain?: Record<'all' | 'long_tail', { ctr: Interval; ctcvr: Interval }> | null;
  /** Only on a world, whose outcomes are known; null otherwise and for the ranker without features. */
  lift: Record<'all' | 'long_tail', { revenue: Lift; value: Lift }> | null;
}

export interface RankingReport {
  /** Requests that rankers learnt from, and those that they are judged on. */
  requests: { train: number; test: number };
  /**
   * Users with at most this many behaviours before their last judged request are the long tail, with all their requests. It sorts
   * results alone; no ranker is told. (Older reports: requests with at most this many before them.)
   */
  long_tail_behaviours: number;
  /** Judged users, and those of them in the long tail; older reports lack it, as the next two. */
  users?: { test: number; long_tail: number };
  /** How many different users the judged requests were matched with. */
  distinct_neighbours?: number;
  /** What a reader must know of the features. */
  notes?: string[];
  /** Share of the vectors' spread that the codes lose, on the judged requests. */
  quantisation_error: number;
  /** Mean cosine of a judged request and the moment of another user's past that it was matched with. */
  similarity: number;
  rankers: RankerResult[];
}

/** Most cells, judged requests × items, of a table of chances (f32, two tables: 400 MB). */
const MAX_TABLE_CELLS = 50_000_000;

/** Why this deployment cannot be ranked, in a sentence; null where it can. */
export function rankingProblem({ splits, items }: Pick<Dataset, 'splits' | 'items'>): string | null {
  if (splits.train.length === 0 || splits.test.length === 0)
    return 'the data has no impressions after the training period to rank (data imported by an earlier version of this app lacks them: import it again).';
  if (splits.test.length * items.length > MAX_TABLE_CELLS)
    return (
      `${splits.test.length} requests × ${items.length} items are more chances than the ${MAX_TABLE_CELLS / 1e6} million ` +
      'that fit a tab: lower ranking.users.'
    );
  return null;
}

const CODEBOOK_NOTE =
  'The codes\u2019 codebook is fitted, without labels, on what was said of the requests that rankers learn from, earlier and later ones alike.';
const TIMES_NOTE =
  'Imported data keeps the order of each user\u2019s behaviours but not their times: a similar user\u2019s end before their own held-out ones, ' +
  'but may be later than the request.';

/** What the language model made of people. */
export interface ModelWords {
  /** Of each request of the deployment, train then test. */
  said: Moments;
  /** Of moments of the past, and what those users did up to the deployment. */
  past: PastMoments;
}

/**
 * What the model says, as features of each request of the deployment, train then test.
 * @param said `trained` is the number of requests that rankers learn from: what was said of these alone makes the codebook
 */
export async function enhance(
  { said, past, trained }: ModelWords & { trained: number },
  options: QuantiserOptions,
  seed: number,
  hooks: StageHooks,
): Promise<{ enhancement: Enhancement; neighbours: Neighbours; quantisationError: number }> {
  const { subspaces } = options;
  const { vectors, dimension } = said;
  const fitted = { vectors: vectors.subarray(0, trained * dimension), dimension };
  const quantiser = await fitQuantiser(fitted, options, seed, hooks);
  const codes = await quantiser.encode(vectors);
  const judged = vectors.subarray(trained * dimension);
  const neighbours = await nearestOthers(said, past, seed, hooks);
  const similar = Array.from(neighbours.row, (row) => (row < 0 ? new Int32Array(0) : past.behaviours[row]));
  return {
    enhancement: { codes, subspaces, size: quantiser.size, similar },
    neighbours,
    quantisationError: quantiser.error(judged, codes.subarray(trained * subspaces)),
  };
}

export interface RankerComparison extends ModelWords {
  /** The past: rankers start on its impressions. */
  dataset: Dataset;
  /** Its train requests are learnt from, its test requests judged on. */
  deployment: Dataset;
}

/** @throws StoppedError when the hooks say stop */
export async function compareRankers(
  { dataset, deployment, said, past }: RankerComparison,
  options: RankingOptions,
  seed: number,
  hooks: StageHooks,
): Promise<{ report: RankingReport; losses: number[] }> {
  const { train, test } = deployment.splits;
  const examples = [...train, ...test];
  const trainRows = train.map((_, row) => row);
  const testRows = test.map((_, row) => train.length + row);
  const { work = UNKEPT } = hooks;
  const quiet: StageHooks = { gate: () => hooks.gate(), work };

  const { enhancement, neighbours, quantisationError } = await enhance(
    { said, past, trained: train.length },
    options,
    seed,
    quiet,
  );
  const columns = new FeatureColumns(dataset);
  const real = new Requests(deployment, examples, columns, enhancement);
  const dealt = new Requests(deployment, examples, columns, shuffled(enhancement, trainRows, testRows, seed));

  const tail = longTailOf(test);
  const isSparse = test.map(({ user }) => tail.users.has(user));
  const oracle = deployment.oracle;
  const bids = drawBids(deployment.items.length, seed);
  const losses: number[] = [];
  const judgements: Judgement[] = [];
  const counted = (before: number, own: Work): StageHooks => ({
    gate: () => hooks.gate(),
    onProgress: (done) => hooks.onProgress?.(before + done, rankingSteps(options)),
    work: own,
  });
  const earlier = new Requests(dataset, pastRequests(dataset), columns, PLAIN);
  const plainly = featuresOf('none');
  const pastRows = earlier.examples.map((_, row) => row);
  const start =
    pastRows.length === 0
      ? null
      : await trainOnlineRanker(
          { requests: earlier, rows: pastRows, features: plainly, start: null },
          options,
          seed,
          counted(0, work),
        );
  try {
    losses.push(...(start?.losses ?? []));
    const tuning = { ...options, steps: options.tuningSteps };
    for (const [index, name] of FEATURE_SETS.entries()) {
      const requests = name === 'shuffled' ? dealt : real;
      const learning = { requests, rows: trainRows, features: featuresOf(name), start };
      const done = await work.part(name, async (own) => {
        const told = counted(options.steps + index * options.tuningSteps, own);
        const ranker = await trainOnlineRanker(learning, tuning, seed, told);
        try {
          const chunks = await own.part('judged', (mine) => judged(ranker, requests, mine));
          return { losses: Float32Array.from(ranker.losses), chunks };
        } finally {
          ranker.dispose();
        }
      });
      losses.push(...done.losses);
      judgements.push(joinedJudgements(done.chunks));
    }
  } finally {
    start?.dispose();
  }

  const [plain] = judgements;
  const rankers = judgements.map((judgement, index): RankerResult => {
    const about = (isIn: readonly boolean[] | null) => metricsOf(judgement, isIn);
    const gains = (of: typeof aucGain, isIn: readonly boolean[] | null) =>
      gainOf(of, { before: plain, after: judgement, isIn }, seed);
    const lifts = (isIn: readonly boolean[] | null) =>
      liftOf({ before: plain.outcomes!, after: judgement.outcomes!, isIn }, test, seed);
    return {
      features: FEATURE_SETS[index],
      all: about(null),
      long_tail: about(isSparse),
      gain: index === 0 ? null : { all: gains(aucGain, null), long_tail: gains(aucGain, isSparse) },
      gauc_gain:
        index === 0 ? null : { all: gains(groupedAucGain, null), long_tail: gains(groupedAucGain, isSparse) },
      lift: index === 0 || !oracle ? null : { all: lifts(null), long_tail: lifts(isSparse) },
    };
  });
  const matched = testRows.filter((row) => neighbours.row[row] >= 0);
  return {
    losses,
    report: {
      requests: { train: train.length, test: test.length },
      long_tail_behaviours: tail.behaviours,
      users: { test: new Set(test.map(({ user }) => user)).size, long_tail: tail.users.size },
      distinct_neighbours: new Set(matched.map((row) => past.users[neighbours.row[row]])).size,
      notes: dataset.newcomers === undefined ? [CODEBOOK_NOTE, TIMES_NOTE] : [CODEBOOK_NOTE],
      quantisation_error: quantisationError,
      similarity: matched.reduce((sum, row) => sum + neighbours.cosine[row], 0) / Math.max(1, matched.length),
      rankers,
    },
  };

  /** What a ranker says of the judged requests, a block of them after another. */
  function judged(ranker: OnlineRanker, requests: Requests, own: Work): Promise<Judgement[]> {
    const { block } = ranker;
    const judgeBlock = async (chunk: number) => {
      const rows = testRows.slice(chunk * block, (chunk + 1) * block);
      return judge(requests, { rows, first: chunk * block }, await ranker.tables(rows, { gate: quiet.gate }));
    };
    const chunks = Math.ceil(testRows.length / block);
    return inChunks('Ranking', chunks, judgeBlock, { gate: quiet.gate, work: own });
  }

  /** @param rows of requests, the first of which is the judged one of that number */
  function judge(
    requests: Requests,
    { rows, first }: { rows: readonly number[]; first: number },
    { ctr, ctcvr }: { ctr: Float32Array; ctcvr: Float32Array },
  ): Judgement {
    const { items } = requests;
    const result: Judgement = { impressions: [], ranks: [], outcomes: oracle ? [] : null };
    rows.forEach((row, at) => {
      const request = first + at;
      const { user, position } = examples[row];
      const slate = requests.slates[row];
      const bought = ctcvr.subarray(at * items, (at + 1) * items);
      slate.items.forEach((item, shown) => {
        const [click, both] = [ctr[at * items + item], bought[item]];
        result.impressions.push({
          request,
          user,
          click,
          both,
          clicked: slate.clicks[shown],
          converted: slate.conversions[shown],
        });
      });
      const { history } = deployment.users[user];
      if (position < history.length) result.ranks.push({ request, rank: rankOf(bought, history[position]) });
      result.outcomes?.push(
        auction(
          bought,
          bids,
          (item) => oracle!.ctcvr(user, position, item),
          (item) => new Random(seed, 'auction', user, position, item).uniform(),
        ),
      );
    });
    return result;
  }
}

/** Steps of the rankers of one comparison. */
export function rankingSteps({ steps, tuningSteps }: Pick<RankingOptions, 'steps' | 'tuningSteps'>): number {
  return steps + FEATURE_SETS.length * tuningSteps;
}

/** Each moment of the past at which something was shown, before anything that is held out. */
function pastRequests(dataset: Dataset): { user: number; position: number }[] {
  const visible = visibleToTraining(dataset);
  const { user, historyLength } = dataset.impressions;
  const requests = new Map<string, { user: number; position: number }>();
  for (let row = 0; row < user.length; row++) {
    if (historyLength[row] >= visible[user[row]]) continue;
    requests.set(`${user[row]} ${historyLength[row]}`, { user: user[row], position: historyLength[row] });
  }
  return [...requests.values()];
}

function featuresOf(name: FeatureSetName): FeatureSet {
  return { intra: name !== 'none' && name !== 'cross', cross: name !== 'none' && name !== 'intra' };
}

/** The same codes and neighbours, dealt out anew among the requests of each part. */
function shuffled(
  { codes, subspaces, size, similar }: Enhancement,
  trainRows: readonly number[],
  testRows: readonly number[],
  seed: number,
): Enhancement {
  const from = [trainRows, testRows].flatMap((rows, part) =>
    new Random(seed, 'shuffled features', part).shuffle([...rows]),
  );
  return {
    codes: Int32Array.from(
      from.flatMap((row) => [...codes.subarray(row * subspaces, (row + 1) * subspaces)]),
    ),
    subspaces,
    size,
    similar: from.map((row) => similar[row]),
  };
}
