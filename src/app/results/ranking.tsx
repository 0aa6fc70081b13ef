import { useSignal } from '@preact/signals';
import type { RankerMetrics } from '../../evaluate/judgement';
import type { Lift } from '../../evaluate/lift';
import type { FeatureSetName, RankingReport } from '../../evaluate/ranking';
import type { Interval } from '../../numeric/interval';
import { useSession } from '../state/context';
import { count, percent, short } from '../words/format';
import { changeText, controlVerdict, toneOf } from './change';
import '../styles/tables.css';

const LABELS: Record<FeatureSetName, string> = {
  none: 'Nothing',
  intra: 'Own reasoning',
  cross: 'Similar user',
  both: 'Both',
  shuffled: 'Both, shuffled',
};

const METRICS: { label: string; of: (metrics: RankerMetrics) => number }[] = [
  { label: 'AUC click', of: ({ auc }) => auc.ctr },
  { label: 'AUC buy', of: ({ auc }) => auc.ctcvr },
  { label: 'GAUC buy', of: ({ gauc }) => gauc.ctcvr },
  { label: 'Log-loss', of: ({ log_loss }) => log_loss.ctcvr },
  { label: 'HR@10', of: (m) => m['HR@10'] },
  { label: 'NDCG@10', of: (m) => m['NDCG@10'] },
];

type Who = 'all' | 'long_tail';

/** What the model's reasoning is worth to an ordinary ranker. */
export function RankingView() {
  const session = useSession();
  const who = useSignal<Who>('all');
  const ranking = session.view.ranking.value;
  if (ranking === null) return null;
  const hasGroupedGain = ranking.rankers.some(({ gauc_gain }) => gauc_gain != null);
  const hasLift = ranking.rankers.some(({ lift }) => lift !== null);
  return (
    <section class="table-section" aria-labelledby="ranking-title">
      <div class="section-head">
        <h2 id="ranking-title">What its reasoning is worth to a ranker</h2>
        <p>
          {count(ranking.rankers[0][who.value].requests)} requests
          {ranking.users !== undefined &&
            ` of ${count(ranking.users[who.value === 'all' ? 'test' : 'long_tail'])} users`}{' '}
          it did not learn from; below each change its 95 % interval over users.
        </p>
        <div class="segments small" role="radiogroup" aria-label="Whose requests the table counts">
          {(['all', 'long_tail'] as const).map((value) => (
            <label key={value}>
              <input
                type="radio"
                name="ranking-who"
                checked={who.value === value}
                onChange={() => {
                  who.value = value;
                }}
              />
              <span>{value === 'all' ? 'Everybody' : 'Long tail'}</span>
            </label>
          ))}
        </div>
      </div>
      <section class="table-scroll" tabindex={0} aria-label="Rankers by features">
        <table>
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
                  <td key={label}>{of(ranker[who.value]).toFixed(4).replace(/^0/, '')}</td>
                ))}
                <td>
                  {ranker.gain ? (
                    <Change of={ranker.gain[who.value].ctcvr} write={points} isControl={isControl(ranker)} />
                  ) : (
                    '–'
                  )}
                </td>
                {hasGroupedGain && (
                  <td>
                    {ranker.gauc_gain ? (
                      <Change
                        of={ranker.gauc_gain[who.value].ctcvr}
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
                        <Sales of={ranker.lift[who.value].revenue} isControl={isControl(ranker)} />
                      ) : (
                        '–'
                      )}
                    </td>
                    <td>
                      {ranker.lift ? (
                        <Sales of={ranker.lift[who.value].value} isControl={isControl(ranker)} />
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
      <ControlSaid ranking={ranking} who={who.value} />
      <details class="protocol">
        <summary>How this is measured</summary>
        <p>
          {hasLift
            ? 'Newcomers, whom no stage has seen; half of them teach the rankers what their features mean, the others judge.'
            : 'Everybody’s second to last behaviour teaches the rankers what their features mean, the last one judges; clicks and ' +
              'purchases are the proxies that the data’s notes name.'}{' '}
          Own reasoning: codes of what the model said of this user. Similar user: behaviours of the user of
          whom it said the most alike. Both, shuffled: the control, with features of other requests, which
          must gain nothing.
        </p>
        <p>
          AUC and GAUC: area under the ROC curve of pCTR (click) or pCTCVR (buy), over all impressions and
          within each user. Log-loss: of pCTCVR, nats per impression. HR@10, NDCG@10: the next purchase among
          the ten best of the full catalogue. Gain: less that of the ranker with no features. The long tail
          are users with at most {ranking.long_tail_behaviours} behaviours. The codes lose{' '}
          {percent(ranking.quantisation_error)} of what was said; similar users agree to a cosine of{' '}
          {short(ranking.similarity)}
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

const isControl = ({ features }: { features: FeatureSetName }) => features === 'shuffled';

/** Where the control gains, the gains above it are not all the reasoning's. */
function ControlSaid({ ranking, who }: { ranking: RankingReport; who: Who }) {
  const control = ranking.rankers.find(isControl);
  if (!control?.gain) return null;
  const { ctcvr: gain } = control.gain[who];
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
