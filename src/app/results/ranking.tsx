import { useSignal } from '@preact/signals';
import type { IntervalEnds, RankerIntervals, RankerMetrics } from '../../evaluate/judgement';
import type { Lift } from '../../evaluate/lift';
import type { FeatureSetName, RankingReport, Who } from '../../evaluate/ranking';
import type { Interval } from '../../numeric/interval';
import { useSession } from '../state/context';
import { count, percent, short } from '../words/format';
import { changeText, controlVerdict, toneOf } from './change';
import { rateText } from './table';
import '../styles/tables.css';

const LABELS: Record<FeatureSetName, string> = {
  none: 'Nothing',
  answer: 'The answer, named',
  intra: 'Own reasoning',
  cross: 'Similar users',
  both: 'Reasoning and similar users',
  shuffled: 'These two, shuffled',
};

/** A metric stands where its interval does. */
type Columns = RankerMetrics | RankerIntervals;
const METRICS: { label: string; of(columns: Columns): number | IntervalEnds }[] = [
  { label: 'AUC click', of: ({ auc }) => auc.ctr },
  { label: 'AUC buy', of: ({ auc }) => auc.ctcvr },
  { label: 'GAUC buy', of: ({ gauc }) => gauc.ctcvr },
  { label: 'Log-loss', of: ({ log_loss }) => log_loss.ctcvr },
  { label: 'HR@10', of: (m) => m['HR@10'] },
  { label: 'NDCG@10', of: (m) => m['NDCG@10'] },
];

const SLICES: readonly [Who, string][] = [
  ['all', 'Everybody'],
  ['long_tail', 'Long tail'],
  ['short', 'Short histories'],
];

/** Of everybody where a report does not tell of some. */
const partOf = <T,>(slices: Record<'all' | 'long_tail', T> & { short?: T }, who: Who): T =>
  slices[who] ?? slices.all;

/** What the model's reasoning is worth to an ordinary ranker. */
export function RankingView() {
  const session = useSession();
  const who = useSignal<Who>('all');
  const ranking = session.view.ranking.value;
  if (ranking === null) return null;
  const slices = SLICES.filter(([name]) => ranking.rankers[0][name] !== undefined);
  const shown = slices.some(([name]) => name === who.value) ? who.value : 'all';
  const hasGroupedGain = ranking.rankers.some(({ gauc_gain }) => gauc_gain != null);
  const hasIntervals = ranking.rankers[0].intervals !== undefined;
  const isMended = ranking.crowd !== undefined;
  const hasLift = ranking.rankers.some(({ lift }) => lift !== null);
  return (
    <section class="table-section" aria-labelledby="ranking-title">
      <div class="section-head">
        <h2 id="ranking-title">What its reasoning is worth to a ranker</h2>
        <p>
          {count(partOf(ranking.rankers[0], shown).requests)} requests
          {ranking.users !== undefined &&
            shown !== 'short' &&
            ` of ${count(ranking.users[shown === 'all' ? 'test' : 'long_tail'])} users`}
          {shown === 'short' && ` with at most ${ranking.short_behaviours} behaviours before them`} it did not
          learn from; below each {hasIntervals ? 'number' : 'change'} its 95 % interval over users.
        </p>
        <div class="segments small" role="radiogroup" aria-label="Whose requests the table counts">
          {slices.map(([value, label]) => (
            <label key={value}>
              <input
                type="radio"
                name="ranking-who"
                checked={shown === value}
                onChange={() => {
                  who.value = value;
                }}
              />
              <span>{label}</span>
            </label>
          ))}
        </div>
      </div>
      <section class="table-scroll" tabindex={0} aria-label="Rankers by features">
        <table class="dense">
          <thead>
            <tr>
              <th scope="col">Features</th>
              {METRICS.map(({ label }) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
              <th scope="col">Gain, AUC buy</th>
              {hasGroupedGain && <th scope="col">Gain, GAUC buy</th>}
              {hasLift && (
                <>
                  <th scope="col">Revenue</th>
                  <th scope="col">Advertiser value</th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {ranking.rankers.map((ranker) => (
              <tr key={ranker.features}>
                <th scope="row">{LABELS[ranker.features]}</th>
                {METRICS.map(({ label, of }) => (
                  <td key={label}>
                    {(of(partOf(ranker, shown)) as number).toFixed(4).replace(/^0/, '')}
                    {ranker.intervals && (
                      <small class="under">
                        {(of(partOf(ranker.intervals, shown)) as IntervalEnds).map(rateText).join('–')}
                      </small>
                    )}
                  </td>
                ))}
                <td>
                  {ranker.gain ? (
                    <Change
                      of={partOf(ranker.gain, shown).ctcvr}
                      write={points}
                      isControl={isControl(ranker)}
                    />
                  ) : (
                    '–'
                  )}
                </td>
                {hasGroupedGain && (
                  <td>
                    {ranker.gauc_gain ? (
                      <Change
                        of={partOf(ranker.gauc_gain, shown).ctcvr}
                        write={points}
                        isControl={isControl(ranker)}
                      />
                    ) : (
                      '–'
                    )}
                  </td>
                )}
                {hasLift && (
                  <>
                    <td>
                      {ranker.lift ? (
                        <Sales of={partOf(ranker.lift, shown).revenue} isControl={isControl(ranker)} />
                      ) : (
                        '–'
                      )}
                    </td>
                    <td>
                      {ranker.lift ? (
                        <Sales of={partOf(ranker.lift, shown).value} isControl={isControl(ranker)} />
                      ) : (
                        '–'
                      )}
                    </td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <RankersBySlice ranking={ranking} />
      <OthersSaid ranking={ranking} who={shown} />
      <ControlSaid ranking={ranking} who={shown} />
      <details class="protocol">
        <summary>How this is measured</summary>
        <p>
          {hasLift
            ? 'Newcomers, whom no stage has seen; half of them teach the rankers what their features mean, the others judge.'
            : 'Everybody’s second to last behaviour teaches the rankers what their features mean, the last one judges; clicks and ' +
              'purchases are the proxies that the data’s notes name.'}{' '}
          {isMended ? MENDED : OLDER} Shuffled: the control, with features of other requests, which must gain
          nothing.
        </p>
        <p>
          AUC and GAUC: area under the ROC curve of pCTR (click) or pCTCVR (buy), over all impressions and
          within each user. Log-loss: of pCTCVR, nats per impression. HR@10, NDCG@10: the next purchase among
          the ten best of the full catalogue. Gain: less that of the ranker with no features; it is what is
          tested, {hasIntervals ? INTERVALS : 'so the others have no interval of their own.'} The long tail
          are users with at most {ranking.long_tail_behaviours} behaviours. The codes lose{' '}
          {percent(ranking.quantisation_error)} of what was said; the most similar moment agrees to a cosine
          of {short(ranking.similarity)}
          {ranking.mean_cosine !== undefined && `, any two to ${short(ranking.mean_cosine)}`}
          {ranking.crowd !== undefined &&
            `, and a request is told by ${count(Math.round(ranking.crowd))} people’s worth`}
          {ranking.distinct_neighbours !== undefined &&
            `, and ${count(ranking.distinct_neighbours)} different users are called upon`}
          .{ranking.notes?.map((note) => ` ${note}`)}
        </p>
        {hasLift && (
          <p>
            Revenue and advertiser value: what sellers pay, and what conversions are worth to them, in a
            simulated second-price auction at each request, with outcomes from the world’s own model, as
            change against the ranker with no features. Above, everybody sees both rankers and luck is
            averaged out, as only a simulation can. A/B, below it: users are randomised to one ranker or the
            other and buy or not, as in the field.
          </p>
        )}
      </details>
    </section>
  );
}

const MENDED =
  'The answer, named: how much more than usual the model’s own answer lies in an item’s categories. Own reasoning: codes of all that ' +
  'it said of this user. Similar users: as the answer, of what people of the past did next, just after it had said much the same of them.';
/** Of reports from before what follows a moment was fed. */
const OLDER =
  'Own reasoning: codes of what the model said of this user. Similar users: behaviours of the one user of whom it said the most alike.';

/** A ranker's own interval is far wider than that of a gain: it has in it which users were drawn. */
const INTERVALS =
  'paired draw by draw. Intervals come from drawing users again, each with all impressions, since those of one user are alike.';

const isControl = ({ features }: { features: FeatureSetName }) => features === 'shuffled';

/** AUC buy on the requests of each slice, and below each what is gained over no features. */
function RankersBySlice({ ranking: { rankers } }: { ranking: RankingReport }) {
  const slices = rankers[0].slices ?? [];
  if (slices.length === 0) return null;
  return (
    <details class="protocol">
      <summary>Slices of requests: {slices.map(({ name }) => name).join(', ')}</summary>
      <section class="table-scroll" tabindex={0} aria-label="Rankers by slice">
        <table class="dense">
          <thead>
            <tr>
              <th scope="col">Features</th>
              {slices.map(({ name, requests }) => (
                <th key={name} scope="col" title={`${count(requests)} requests`}>
                  AUC buy, {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rankers.map((ranker) => (
              <tr key={ranker.features}>
                <th scope="row">{LABELS[ranker.features]}</th>
                {(ranker.slices ?? []).map(({ name, auc, ends, gain }) => (
                  <td key={name}>
                    {auc.ctcvr.toFixed(4).replace(/^0/, '')}
                    <small class="under">{ends.ctcvr.map(rateText).join('–')}</small>
                    {gain !== null && <Change of={gain.ctcvr} write={points} isControl={isControl(ranker)} />}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p>Below each AUC its interval over users, and what features gain over none, paired draw by draw.</p>
    </details>
  );
}

/** What other people tell that the model's own answer does not. */
function OthersSaid({ ranking, who }: { ranking: RankingReport; who: Who }) {
  if (ranking.cross_over_answer === undefined) return null;
  const { ctcvr: more } = partOf(ranking.cross_over_answer, who);
  const said = {
    up: 'tell a ranker more than',
    down: 'tell a ranker less than',
    faint: 'cannot be told apart from',
  };
  return (
    <p class="others-said">
      Similar users {said[toneOf(more)]} the answer that the model itself names: AUC buy {points(more.mean)} (
      {points(more.low)} to {points(more.high)}).
    </p>
  );
}

/** Where the control gains, the gains above it are not all the reasoning's. */
function ControlSaid({ ranking, who }: { ranking: RankingReport; who: Who }) {
  const control = ranking.rankers.find(isControl);
  if (!control?.gain) return null;
  const { ctcvr: gain } = partOf(control.gain, who);
  const said = controlVerdict(gain);
  if (said === 'nothing') return null;
  return (
    <p class="problem control-said" role="note">
      {said === 'gains'
        ? 'The control gains: features of other requests, which say nothing of this one, move AUC buy by '
        : 'The control loses: features of other requests make AUC buy worse by '}
      {points(gain.mean)} ({points(gain.low)} to {points(gain.high)}). That much comes from having features at
      all, or from chance, so read the gains above as less that of the control.
    </p>
  );
}

/** Everybody seeing both rankers, and below it the users randomised to one of them. */
function Sales({ of: { paired, randomised }, isControl: flagged }: { of: Lift; isControl: boolean }) {
  return (
    <>
      <Change of={paired} write={share} isControl={flagged} />
      <small class="under">
        A/B <Change of={randomised} write={share} isControl={flagged} />
      </small>
    </>
  );
}

/** A difference with the two ends of its own interval; coloured where that leaves out 0, and never green for a control. */
function Change({
  of,
  write,
  isControl: flagged,
}: {
  of: Interval;
  write(value: number): string;
  isControl: boolean;
}) {
  const tone = toneOf(of);
  const isFlagged = flagged && tone !== 'faint';
  return (
    <span
      class={isFlagged ? 'flagged' : tone}
      title={isFlagged ? 'A control: this should be nothing' : undefined}
    >
      {write(of.mean)}
      {isFlagged && <abbr title="A control: this should be nothing"> !</abbr>}
      <small class="under">
        {write(of.low)} to {write(of.high)}
      </small>
    </span>
  );
}

const points = (value: number) => changeText(value, 4);

function share(value: number): string {
  return `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)} %`;
}
