import { useSignal } from '@preact/signals';
import type { FeatureSetName, RankerMetrics } from '../evaluate/ranking';
import type { Interval } from '../numeric/interval';
import { useSession } from './context';
import { count, percent, short } from './format';

const WORDS: Record<FeatureSetName, { label: string; hint: string }> = {
  none: { label: 'Nothing', hint: 'The ranker alone' },
  intra: { label: 'Own reasoning', hint: 'Intra-user: codes of what the model said of this user' },
  cross: { label: 'Similar user', hint: 'Cross-user: behaviours of the user of whom it said the most alike' },
  both: { label: 'Both', hint: 'Intra- and cross-user features' },
  shuffled: { label: 'Both, shuffled', hint: 'The control: features of other requests. Must gain nothing' },
};

const METRICS: { label: string; hint: string; of: (metrics: RankerMetrics) => number }[] = [
  { label: 'AUC click', hint: 'Area under the ROC curve of pCTR', of: ({ auc }) => auc.ctr },
  { label: 'AUC buy', hint: 'Area under the ROC curve of pCTCVR', of: ({ auc }) => auc.ctcvr },
  { label: 'GAUC buy', hint: 'AUC of pCTCVR within each user', of: ({ gauc }) => gauc.ctcvr },
  { label: 'Log-loss', hint: 'Of pCTCVR, nats per impression', of: ({ log_loss }) => log_loss.ctcvr },
  { label: 'HR@10', hint: 'Next purchase among the ten best of the full catalogue', of: (m) => m['HR@10'] },
  { label: 'NDCG@10', hint: 'The same, discounted by rank', of: (m) => m['NDCG@10'] },
];

type Who = 'all' | 'long_tail';

/** What the model's reasoning is worth to an ordinary ranker. */
export function RankingView() {
  const session = useSession();
  const who = useSignal<Who>('all');
  const ranking = session.view.ranking.value;
  if (ranking === null) return null;
  const hasLift = ranking.rankers.some(({ lift }) => lift !== null);
  return (
    <section class="table-section" aria-labelledby="ranking-title">
      <div class="section-head">
        <h2 id="ranking-title">What its reasoning is worth to a ranker</h2>
        <p>{count(ranking.requests.test)} requests it did not learn from; ± is a 95 % interval over users.</p>
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
              {METRICS.map(({ label, hint }) => (
                <th key={label} scope="col" title={hint}>
                  {label}
                </th>
              ))}
              <th scope="col" title="AUC of pCTCVR against the ranker alone">
                Gain, AUC buy
              </th>
              {hasLift && (
                <>
                  <th scope="col" title="What sellers pay, everybody seeing both rankers">
                    Revenue
                  </th>
                  <th
                    scope="col"
                    title="What conversions are worth to sellers, everybody seeing both rankers"
                  >
                    Advertiser value
                  </th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {ranking.rankers.map((ranker) => (
              <tr key={ranker.features}>
                <th scope="row" title={WORDS[ranker.features].hint}>
                  {WORDS[ranker.features].label}
                </th>
                {METRICS.map(({ label, of }) => (
                  <td key={label}>{of(ranker[who.value]).toFixed(4).replace(/^0/, '')}</td>
                ))}
                <td>{ranker.gain ? <Change of={ranker.gain[who.value].ctcvr} write={points} /> : '–'}</td>
                {hasLift && (
                  <>
                    <td>
                      {ranker.lift ? (
                        <Change of={ranker.lift[who.value].revenue.paired} write={share} />
                      ) : (
                        '–'
                      )}
                    </td>
                    <td>
                      {ranker.lift ? <Change of={ranker.lift[who.value].value.paired} write={share} /> : '–'}
                    </td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="plot-note">
        {hasLift
          ? 'Newcomers, whom no stage has seen; half of them teach the ranker what its features mean, the others judge. Revenue ' +
            'and value are of a simulated second-price auction at each request, with outcomes from the world’s own model. '
          : 'Everybody’s second to last behaviour teaches the ranker what its features mean, the last one judges; clicks and purchases ' +
            'are the proxies that the data’s notes name. '}
        The long tail are users with at most {ranking.long_tail_behaviours} behaviours. The codes lose{' '}
        {percent(ranking.quantisation_error)} of what was said; similar users agree to a cosine of{' '}
        {short(ranking.similarity)}.
      </p>
    </section>
  );
}

/** A difference with its interval; coloured where the interval leaves out 0. */
function Change({ of, write }: { of: Interval; write: (value: number) => string }) {
  const tone = of.low > 0 ? 'up' : of.high < 0 ? 'down' : 'faint';
  return (
    <span class={tone} title={`95 %: ${write(of.low)} to ${write(of.high)}`}>
      {write(of.mean)} ± {write((of.high - of.low) / 2).replace(/^[+−]/, '')}
    </span>
  );
}

function points(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4).replace(/^0/, '')}`;
}

function share(value: number): string {
  return `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)} %`;
}
