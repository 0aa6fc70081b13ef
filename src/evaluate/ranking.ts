/**
 * Taiji's last module: does what the model says of a user make a ranker better? A ranker is trained on the past's impressions,
 * and then goes on with requests of the deployment: with nothing from the model, with the item that it names (answer), with the
 * codes of all that it said (intra), with what similar users did next (cross), with these two, and with these two dealt to the wrong
 * requests, which must gain nothing. `answer` is a control too: what similar users are worth beyond it, the model did not say by itself.
 * Judged on requests of people that no ranker was trained on (in imported data: on everybody's last behaviour).
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
import { rankOf } from '../rank/rankingMetrics';
import { type Enhancement, type Leaning, leaning, PLAIN, Requests } from '../rank/requests';
import { type SpaceOptions, soughtIn } from '../rank/similarSpace';
import { type Crowds, crowdsOf, type Moments, meanCosine, type PastMoments } from '../rank/similarUsers';
import type { Embedded } from './embedded';
import {
  aucGains,
  drawnAucs,
  groupedGains,
  intervalsOf,
  type Judgement,
  joinedJudgements,
  metricsOf,
  type RankerIntervals,
  type RankerMetrics,
} from './judgement';
import { type Lift, liftOf } from './lift';
import { longTailOf } from './longTail';
import { type RankerSlice, rankerSlices } from './rankerSlices';

export const FEATURE_SETS = ['none', 'answer', 'intra', 'cross', 'both', 'shuffled'] as const;
export type FeatureSetName = (typeof FEATURE_SETS)[number];

export interface RankingOptions extends OnlineRankerOptions, QuantiserOptions, SpaceOptions {
  embedded: Embedded;
  /** Steps that each ranker goes on for. `steps` are those on the past. */
  tuningSteps: number;
}

/**
 * Whose requests: everybody's; those of the users with the fewest behaviours, see `RankingReport`; those of users with at most
 * `short_behaviours` behaviours at that moment, where there are any; older reports do not tell of them.
 */
export type Who = 'all' | 'long_tail' | 'short';
type BySlice<T> = Record<'all' | 'long_tail', T> & { short?: T };

export interface RankerResult extends BySlice<RankerMetrics> {
  features: FeatureSetName;
  /** Of the metrics, by drawing users again; older reports lack them. In no fingerprint, since runs were shared before there were any. */
  intervals?: BySlice<RankerIntervals>;
  /** AUC less that of the ranker without features; null for that one. */
  gain: BySlice<{ ctr: Interval; ctcvr: Interval }> | null;
  /** GAUC less that of the ranker without features, as `gain`; older reports lack it. */
  gauc_gain?: BySlice<{ ctr: Interval; ctcvr: Interval }> | null;
  /** Only on a world, whose outcomes are known; null otherwise and for the ranker without features. */
  lift: BySlice<{ revenue: Lift; value: Lift }> | null;
  /** By the slices that the data tells its people apart by; left out where it tells none, and by older reports. In no fingerprint. */
  slices?: RankerSlice[];
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
  /** Of older reports: how many different users the judged requests were matched with, one each. */
  distinct_neighbours?: number;
  /** What a reader must know of the features. */
  notes?: string[];
  /** Requests with at most this many behaviours before them are `short`; older reports lack it, as the next two. */
  short_behaviours?: number;
  /** How many people of the past a judged request's crowd is worth, on average: 1 / Σ weight². */
  crowd?: number;
  /** Mean cosine of two moments of the past: near 1, what was said of them is too much alike to tell them apart. */
  mean_cosine?: number;
  /** Share of the vectors' spread that the codes lose, on the judged requests. */
  quantisation_error: number;
  /** Mean cosine of a judged request and the moment of another user's past that is nearest to it. */
  similarity: number;
  rankers: RankerResult[];
  /** AUC with similar users less AUC with the answer named: what others add to what the model says itself. Older reports lack it. */
  cross_over_answer?: BySlice<{ ctr: Interval; ctcvr: Interval }>;
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

/** A history of at most so many behaviours is short: there other people can tell what the user's own past does not. */
const SHORT_HISTORY = 3;

const CODEBOOK_NOTE =
  'The codes\u2019 codebook is fitted, without labels, on what was said of the requests that rankers learn from, earlier and later ones alike.';
const TIMES_NOTE =
  'Imported data keeps the order of each user\u2019s behaviours but not their times: what a similar user did next is before their own held-out ' +
  'behaviours, but may be later than the request.';

const CONCLUSION_NOTE =
  'Of what the model says, what it concludes and answers is embedded, without that from which it is concluded.';
const WHITENED_NOTE =
  'Similar users are sought among whitened vectors, since those that were embedded crowd about one direction.';
const HEAD_NOTE =
  'Similar users are sought behind a contrastive head, which brings what was said of training users near what they chose next.';

/** What the language model made of people. */
export interface ModelWords {
  /** Of each request of the deployment, train then test. */
  said: Moments;
  /** [requests] The item that it named, −1 for none. */
  answers: ArrayLike<number>;
  /** Of moments of the past, and what those users did next. */
  past: PastMoments;
  /** [items × dimension], of the same encoder. */
  itemVectors: Float32Array;
}

/**
 * What the model says, as features of each request of the deployment, train then test.
 * @param said `trained` is the number of requests that rankers learn from: what was said of these alone makes the codebook
 */
export async function enhance(
  words: ModelWords & { trained: number; columns: FeatureColumns },
  options: QuantiserOptions & SpaceOptions,
  seed: number,
  hooks: StageHooks,
): Promise<{ enhancement: Enhancement; crowds: Crowds; quantisationError: number; isWhitened: boolean }> {
  const { said, answers, past, itemVectors, trained, columns } = words;
  const { subspaces } = options;
  const { vectors, dimension } = said;
  const fitted = { vectors: vectors.subarray(0, trained * dimension), dimension };
  const quantiser = await fitQuantiser(fitted, options, seed, hooks);
  const codes = await quantiser.encode(vectors);
  const judged = vectors.subarray(trained * dimension);
  const { paths, categoryCount: width } = columns;
  const sought = await soughtIn({ requests: said, past, itemVectors }, options, seed, hooks);
  const crowds = await crowdsOf({ ...sought, columns: { paths, width } }, hooks);
  const { shares, usual } = crowds;
  const crowd: Leaning = (request, column) => leaning(shares[request * width + column], usual[column]);
  const answer: Leaning = (request, column) =>
    answers[request] < 0 ? 0 : leaning(Number(paths[answers[request]].includes(column)), usual[column]);
  return {
    enhancement: { codes, subspaces, size: quantiser.size, crowd, answer },
    crowds,
    isWhitened: sought.isWhitened,
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
  { dataset, deployment, said, answers, past, itemVectors }: RankerComparison,
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

  const columns = new FeatureColumns(dataset);
  const { enhancement, crowds, quantisationError, isWhitened } = await enhance(
    { said, answers, past, itemVectors, trained: train.length, columns },
    options,
    seed,
    quiet,
  );
  const real = new Requests(deployment, examples, columns, enhancement);
  const dealt = new Requests(deployment, examples, columns, shuffled(enhancement, trainRows, testRows, seed));

  const tail = longTailOf(test);
  const slices: Record<Who, readonly boolean[] | null> = {
    all: null,
    long_tail: test.map(({ user }) => tail.users.has(user)),
    short: test.map(({ position }) => position <= SHORT_HISTORY),
  };
  const hasShort = slices.short?.includes(true);
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

  const plain = judgements[0];
  const each = <T>(of: (who: Who, isIn: readonly boolean[] | null) => T): BySlice<T> => ({
    all: of('all', slices.all),
    long_tail: of('long_tail', slices.long_tail),
    ...(hasShort && { short: of('short', slices.short) }),
  });
  // Each ranker's AUCs are drawn once: what two differ by follows.
  const drawn = judgements.map((judgement) => each((_, isIn) => drawnAucs(judgement, isIn, seed)));
  const gainsOver = (before: FeatureSetName, after: FeatureSetName) => {
    const [first, second] = [before, after].map((name) => drawn[FEATURE_SETS.indexOf(name)]);
    return each((who) => aucGains(first[who]!, second[who]!));
  };
  const kinds = deployment.slices;
  const requestSlices = kinds && { names: [...kinds.names], of: test.map((request) => kinds.of(request)) };
  const sliced = requestSlices && rankerSlices(judgements, requestSlices, seed);
  const rankers = judgements.map((judgement, index): RankerResult => {
    const features = FEATURE_SETS[index];
    const isPlain = features === 'none';
    const pair = (isIn: readonly boolean[] | null) => ({ before: plain, after: judgement, isIn });
    const lifts = (_: Who, isIn: readonly boolean[] | null) =>
      liftOf({ before: plain.outcomes!, after: judgement.outcomes!, isIn }, test, seed);
    return {
      features,
      ...each((_, isIn) => metricsOf(judgement, isIn)),
      intervals: each((who, isIn) => intervalsOf(judgement, drawn[index][who]!, isIn, seed)),
      gain: isPlain ? null : gainsOver('none', features),
      gauc_gain: isPlain ? null : each((_, isIn) => groupedGains(pair(isIn), seed)),
      lift: isPlain || !oracle ? null : each(lifts),
      ...(sliced && { slices: sliced[index] }),
    };
  });
  const matched = testRows.filter((row) => crowds.size[row] > 0);
  const meanOf = (values: Float32Array) =>
    matched.reduce((sum, row) => sum + values[row], 0) / Math.max(1, matched.length);
  return {
    losses,
    report: {
      requests: { train: train.length, test: test.length },
      long_tail_behaviours: tail.behaviours,
      users: { test: new Set(test.map(({ user }) => user)).size, long_tail: tail.users.size },
      short_behaviours: SHORT_HISTORY,
      crowd: meanOf(crowds.size),
      mean_cosine: meanCosine(past),
      notes: [
        CODEBOOK_NOTE,
        ...(dataset.newcomers === undefined ? [TIMES_NOTE] : []),
        ...(options.embedded === 'conclusion' ? [CONCLUSION_NOTE] : []),
        ...(isWhitened ? [WHITENED_NOTE] : []),
        ...(options.headSteps > 0 ? [HEAD_NOTE] : []),
      ],
      quantisation_error: quantisationError,
      similarity: meanOf(crowds.cosine),
      rankers,
      cross_over_answer: gainsOver('answer', 'cross'),
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
  const isBoth = name === 'both' || name === 'shuffled';
  return { answer: name === 'answer', intra: isBoth || name === 'intra', cross: isBoth || name === 'cross' };
}

/** The same codes and crowds, dealt out anew among the requests of each part. */
function shuffled(
  { codes, subspaces, size, crowd, answer }: Enhancement,
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
    crowd: (request, column) => crowd(from[request], column),
    answer: (request, column) => answer(from[request], column),
  };
}
