import { rewardWords } from '../../popo/rewards';
import { rewardLook } from '../charts/palette';
import { useSession } from '../state/context';
import { alignmentName, movesWeights } from '../words/runWords';

/** What stands where the charts will be: the whole method in one example, before anything has run. */
export function Hero() {
  const session = useSession();
  const config = session.config.value;
  const { rewards } = config.popo;
  const name = alignmentName(config);
  const moves = movesWeights(config);
  return (
    <section class="hero" aria-labelledby="hero-title">
      <h2 id="hero-title">What you are about to see</h2>
      <ol class="flow">
        <li>
          <h3>It reads</h3>
          <p>What a shopper did last, as words.</p>
          <p class="quote" translate={false}>
            <span class="tag">saw</span> Kestrel, a device
            <br />
            <span class="tag">saw</span> Exam Guide
          </p>
        </li>
        <li>
          <h3>It reasons</h3>
          <p>First why, then what: its answer is an item.</p>
          <p class="quote" translate={false}>
            <span class="tag">think</span> it takes aero; exam: charger
            <br />
            <span class="tag">answer</span> <b>Tarkin Bapon</b>
          </p>
        </li>
        <li>
          <h3>It is rewarded{rewards.length === 2 && ' twice'}</h3>
          <p>{rewards.length === 1 ? 'For one thing only.' : 'Rewards do not always agree.'}</p>
          <dl class="meters">
            {rewards.map((name) => (
              <div key={name}>
                <dt>
                  <i class={`dot ${rewardLook(name).color}`} /> {rewardWords(name).question}
                </dt>
                <dd>
                  <span
                    class={`meter ${rewardLook(name).color}`}
                    style={{ '--value': rewardWords(name).example }}
                  />
                </dd>
              </div>
            ))}
          </dl>
        </li>
        <li>
          <h3>
            {name} {rewards.length === 1 ? 'learns from it' : moves ? 'weighs them' : 'learns from them'}
          </h3>
          <p>
            {moves
              ? 'At every step, it decides how much each reward counts.'
              : 'At every step, what earned more than the rest becomes likelier.'}
          </p>
          {rewards.length === 2 && (
            <>
              <div class="balance" aria-hidden="true">
                {rewards.map((reward) => (
                  <span key={reward} class={rewardLook(reward).color} />
                ))}
              </div>
              <p class="balance-labels">
                {rewards.map((reward) => (
                  <span key={reward} class={rewardLook(reward).color}>
                    {rewardWords(reward).about}
                  </span>
                ))}
              </p>
            </>
          )}
        </li>
      </ol>
      <p class="hero-foot">
        {session.isRecordingOffered.value && session.isSlow.value && (
          <>
            <b>Watch a recorded run</b> shows all of it at once, as another device trained it.{' '}
          </>
        )}
        {session.starter.value === null ? (
          <>
            A generated marketplace is ready, so press <b>Train</b>; or bring your own purchases.
          </>
        ) : (
          <>
            <b>Play with POPO</b> begins at its last step, with a tiny model that knows the first three;{' '}
            <b>Train from nothing</b> goes through them all. Or bring your own purchases.
          </>
        )}{' '}
        Everything runs on this device, and nothing leaves it unless you choose a chat model as the teacher.
        {session.isRecordingOffered.value && !session.isSlow.value && (
          <>
            {' '}
            To look first,{' '}
            <button
              type="button"
              class="inline"
              data-action="watch"
              aria-disabled={session.isFetchingRecording.value}
              onClick={() => void session.watch()}
            >
              watch a recorded run
            </button>
            .
          </>
        )}
      </p>
    </section>
  );
}
