/** What stands where the charts will be: the whole method in one example, before anything has run. */
export function Hero() {
  return (
    <section class="hero" aria-labelledby="hero-title">
      <h2 id="hero-title">What you are about to see</h2>
      <ol class="flow">
        <li>
          <h3>It reads</h3>
          <p>What a shopper bought last, as words.</p>
          <p class="quote">
            <span class="tag">bought</span> oak crib
            <br />
            <span class="tag">bought</span> night lamp
          </p>
        </li>
        <li>
          <h3>It reasons</h3>
          <p>First why, then what: its answer is an item.</p>
          <p class="quote">
            <span class="tag">think</span> a crib: next, outings
            <br />
            <span class="tag">answer</span> <b>light stroller</b>
          </p>
        </li>
        <li>
          <h3>It is rewarded twice</h3>
          <p>The two do not always agree.</p>
          <dl class="meters">
            <div>
              <dt>
                <i class="dot semantic" /> Semantic: is it what was needed?
              </dt>
              <dd>
                <span class="meter semantic" style={{ '--value': 0.86 }} />
              </dd>
            </div>
            <div>
              <dt>
                <i class="dot id" /> ID: would they click and buy?
              </dt>
              <dd>
                <span class="meter id" style={{ '--value': 0.38 }} />
              </dd>
            </div>
          </dl>
        </li>
        <li>
          <h3>POPO weighs them</h3>
          <p>At every step, it decides how much each reward counts.</p>
          <div class="balance" aria-hidden="true">
            <span class="semantic" />
            <span class="id" />
          </div>
          <p class="balance-labels">
            <span class="semantic-text">meaning</span>
            <span class="id-text">behaviour</span>
          </p>
        </li>
      </ol>
      <p class="hero-foot">
        A generated marketplace is ready, so press <b>Train</b>; or bring your own purchases. Everything runs
        on this device, and nothing leaves it unless you choose a chat model as the teacher.
      </p>
    </section>
  );
}
