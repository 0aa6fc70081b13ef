/** A history of one's own, put to kept models: what they think, what they answer, and how sure they are of each token. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Answer, AnsweredToken } from '../../worker/askProtocol';
import { Plane } from '../charts/plane';
import { type AnswerCard, type AskingState, askedTitle, createAskingState } from '../state/asking';
import { type Blend, placeOn } from '../state/blend';
import { useSession } from '../state/context';
import { inFieldWords } from '../words/fieldWords';
import { percent, short } from '../words/format';
import '../styles/ask.css';

/** Items that a search shows. */
const SHOWN = 8;

export function Ask() {
  const session = useSession();
  const asking = useMemo(() => createAskingState(session), [session]);
  const isTraining = session.status.value === 'running' || session.studies.busy.value;
  const opened = asking.about.value;
  const runs = asking.runs.value;
  return (
    <section class="ask" aria-labelledby="ask-title" data-working={asking.working.value !== null}>
      <div class="section-head">
        <h2 id="ask-title">Ask the model</h2>
        <p>Give it a history; see what it thinks, answers, and how sure it is.</p>
      </div>
      {opened === null ? (
        <button
          type="button"
          data-action="ask-open"
          disabled={isTraining || asking.working.value !== null}
          onClick={() => void asking.open(runs[0].id)}
        >
          Choose a history
        </button>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void asking.ask();
          }}
        >
          <RunFields asking={asking} />
          <History asking={asking} />
          <Temperature asking={asking} />
          <button
            type="submit"
            class="primary"
            data-action="ask"
            disabled={isTraining || asking.history.value.length === 0}
          >
            Ask
          </button>
        </form>
      )}
      <p class="faint" role="status">
        {isTraining
          ? 'A run is being trained: pause it to ask.'
          : asking.working.value !== null && `${asking.working.value}…`}
      </p>
      {asking.problem.value !== null && (
        <p class="problem" role="alert">
          {inFieldWords(asking.problem.value)}
        </p>
      )}
      {asking.cards.value.length > 0 && (
        <>
          <div class="ask-grid">
            {asking.cards.value.map((card) => (
              <Card key={card.key} card={card} />
            ))}
          </div>
          <p class="plot-note">The stronger the colour of a token, the likelier it was.</p>
        </>
      )}
      {asking.mayMix.value && asking.cards.value.length > 0 && (
        <Mixture
          title="Between the two runs"
          name="share"
          blend={asking.mix}
          words={(to) => `${percent(1 - to)} of the first run’s parameters, ${percent(to)} of the other’s`}
          isTraining={isTraining}
        />
      )}
      {asking.rewards.value !== null && asking.cards.value.length > 0 && (
        <Mixture
          title="Along the run’s own front"
          name="weight"
          blend={asking.front}
          words={weightWords(asking.rewards.value)}
          isTraining={isTraining}
        />
      )}
    </section>
  );
}

function RunFields({ asking }: { asking: AskingState }) {
  const { about, other, runs } = asking;
  const id = about.value?.run.id ?? '';
  const { sameSft = [] } = about.value?.askable ?? {};
  const others = runs.value.filter((run) => run.id !== id);
  return (
    <div class="ask-runs">
      <label class="field">
        <span>Run</span>
        <select value={id} data-ask="run" onChange={(event) => void asking.open(event.currentTarget.value)}>
          {runs.value.map((run) => (
            <option key={run.id} value={run.id}>
              {askedTitle(run)}
            </option>
          ))}
        </select>
      </label>
      {others.length > 0 && (
        <label class="field">
          <span>Beside it</span>
          <select
            value={other.value}
            data-ask="other"
            onChange={(event) => {
              other.value = event.currentTarget.value;
            }}
          >
            <option value="">no other run</option>
            {others.map((run) => (
              <option key={run.id} value={run.id}>
                {askedTitle(run)}
                {sameSft.includes(run.id) ? ', can be mixed' : ''}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

function History({ asking }: { asking: AskingState }) {
  const { about, history, person, profile, titles } = asking;
  const sought = useSignal('');
  const found = about.value;
  if (found === null) return null;
  const { items, historyLength, people } = found.askable;
  const words = sought.value.trim().toLowerCase();
  const isFull = history.value.length >= historyLength;
  const matches =
    words === ''
      ? []
      : items.filter(({ title, categories }) =>
          `${title} ${categories.join(' ')}`.toLowerCase().includes(words),
        );
  const shopper = person.value;
  const next = shopper === null ? undefined : people[shopper]?.next;
  return (
    <div class="ask-history">
      {people.length > 0 && (
        <p class="pager">
          <button type="button" class="plain" onClick={() => asking.take((shopper ?? 1) - 1)}>
            ‹<span class="hidden">Previous held-out shopper</span>
          </button>
          <span>
            {shopper === null
              ? 'A history of your own'
              : `Held-out shopper ${shopper + 1} of ${people.length}`}
          </span>
          <button
            type="button"
            class="plain"
            data-action="ask-next-person"
            onClick={() => asking.take((shopper ?? -1) + 1)}
          >
            ›<span class="hidden">Next held-out shopper</span>
          </button>
        </p>
      )}
      <label class="field">
        <span>Who asks</span>
        <input
          type="text"
          value={profile.value}
          placeholder="may stay empty"
          onInput={(event) => asking.describe(event.currentTarget.value)}
        />
      </label>
      <p class="ask-label" id="ask-bought">
        Bought, oldest first: {history.value.length} of at most {historyLength}
      </p>
      <ul class="ask-chips" aria-labelledby="ask-bought">
        {history.value.map((item, place) => (
          <li key={`${place} ${item}`} class="ask-chip">
            <span translate={false}>{titles.value.get(item) ?? item}</span>
            <button
              type="button"
              class="plain"
              aria-label={`Remove ${titles.value.get(item) ?? item}`}
              onClick={() => asking.remove(place)}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      <label class="field">
        <span>Add an item</span>
        <input
          type="text"
          value={sought.value}
          data-ask="search"
          placeholder={`search ${items.length} titles`}
          onInput={(event) => {
            sought.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            if (matches.length > 0 && !isFull) asking.add(matches[0].id);
          }}
        />
      </label>
      {words !== '' && (
        <div class="ask-found">
          {matches.slice(0, SHOWN).map(({ id, title }) => (
            <button
              key={id}
              type="button"
              data-item={id}
              translate={false}
              disabled={isFull}
              onClick={() => asking.add(id)}
            >
              + {title}
            </button>
          ))}
          <span class="faint">
            {matches.length === 0
              ? 'No title has these words.'
              : isFull
                ? 'The history is full: remove an item first.'
                : matches.length > SHOWN && `and ${matches.length - SHOWN} more`}
          </span>
        </div>
      )}
      {next !== undefined && (
        <details>
          <summary>What they bought next</summary>
          <p translate={false}>{titles.value.get(next) ?? next}</p>
        </details>
      )}
    </div>
  );
}

function Temperature({ asking: { temperature, draw } }: { asking: AskingState }) {
  return (
    <div class="ask-temperature">
      <label class="field">
        <span>
          Temperature {temperature.value.toFixed(1)}
          {temperature.value === 0 && ': always the likeliest token'}
        </span>
        <input
          type="range"
          min="0"
          max="2"
          step="0.1"
          data-ask="temperature"
          value={temperature.value}
          onInput={(event) => {
            temperature.value = event.currentTarget.valueAsNumber;
          }}
        />
      </label>
      {temperature.value > 0 && (
        <label class="field">
          <span>Draw</span>
          <input
            type="number"
            min="0"
            step="1"
            value={draw.value}
            onChange={(event) => {
              const { valueAsNumber } = event.currentTarget;
              if (Number.isInteger(valueAsNumber) && valueAsNumber >= 0) draw.value = valueAsNumber;
              event.currentTarget.value = String(draw.value);
            }}
          />
        </label>
      )}
    </div>
  );
}

function Card({ card: { key, title, answer, problem } }: { card: AnswerCard }) {
  return (
    <article class="ask-card" data-card={key}>
      <h3>{title}</h3>
      {problem !== null && (
        <p class="problem" role="alert">
          {inFieldWords(problem)}
        </p>
      )}
      {answer !== null && <Said answer={answer} />}
    </article>
  );
}

function Said({ answer }: { answer: Answer }) {
  const at = useSignal<number | null>(null);
  const { tokens, item, isValid, dropped, categories, title } = answer;
  const chosen = at.value === null ? undefined : tokens[at.value];
  return (
    <>
      <p class="ask-answer">
        <b translate={title === null ? undefined : false}>{title ?? '(no answer)'}</b>
        {categories !== null && (
          <span class="faint" translate={false}>
            {' '}
            {categories.join(' › ')}
          </span>
        )}
      </p>
      <p class={`resolved ${item === null ? 'miss' : ''}`}>
        {item === null
          ? isValid
            ? 'Not an item of the catalogue'
            : 'Not a well-formed answer'
          : 'In the catalogue'}
        {dropped > 0 && `; the prompt had no room for the oldest ${dropped}`}
      </p>
      <div class="ask-tokens" translate={false}>
        {tokens.map((token, place) => (
          <Token
            key={place}
            token={token}
            isChosen={at.value === place}
            choose={() => {
              at.value = at.value === place ? null : place;
            }}
          />
        ))}
      </div>
      {chosen !== undefined && <Alternatives token={chosen} />}
    </>
  );
}

function Token({
  token: { text, probability, alternatives },
  isChosen,
  choose,
}: {
  token: AnsweredToken;
  isChosen: boolean;
  choose: () => void;
}) {
  const style = { '--p': probability.toFixed(3) };
  const words = shownText(text);
  const label = `${words.trim()}: ${percent(probability)}`;
  if (alternatives.length === 0)
    return (
      <span class="ask-token" style={style} title={label}>
        {words}
      </span>
    );
  return (
    <button
      type="button"
      class="ask-token"
      style={style}
      title={label}
      aria-label={label}
      aria-expanded={isChosen}
      onClick={choose}
    >
      {words}
    </button>
  );
}

/** What might have stood there. */
function Alternatives({ token }: { token: AnsweredToken }) {
  return (
    <dl class="ask-alternatives" translate={false}>
      {token.alternatives.map(({ text, probability }) => (
        <div key={text} data-taken={text === token.text}>
          <dt>{shownText(text).trim() || text}</dt>
          <dd>
            <span class="meter" style={{ '--value': probability }} />
            <span class="number">{percent(probability)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const weightWords =
  ([first, second]: readonly string[]) =>
  (to: number) =>
    `Weight ${to.toFixed(2)} of the ${first} reward, ${(1 - to).toFixed(2)} of the ${second} reward`;

/** A slider, and what the mixture that it sets says. */
function Mixture(o: {
  title: string;
  /** Of the slider, for programs. */
  name: string;
  blend: Blend<AnswerCard>;
  words: (to: number) => string;
  isTraining: boolean;
}) {
  const { share, measures, blend } = o.blend;
  const card = o.blend.card.value;
  const heldOut = card?.answer?.heldOut ?? null;
  return (
    <div class="ask-mix">
      <h3>{o.title}</h3>
      <label class="field">
        <span>{o.words(share.value)}</span>
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          data-ask={o.name}
          disabled={o.isTraining || o.blend.isDrawing.value}
          value={share.value}
          onInput={(event) => blend(event.currentTarget.valueAsNumber)}
        />
      </label>
      <div aria-live="polite">
        {card === null ? <p class="faint">Asking the mixture…</p> : <Card card={card} />}
        {heldOut !== null && (
          <p class="plot-note">
            On {heldOut.users} validation users: L3 {short(heldOut.Category_L3_ACC)}, CTCVR{' '}
            {short(heldOut.CTCVR)}, well formed {short(heldOut.valid_rate)}. So few tell a direction, no
            difference.
          </p>
        )}
        {!measures.value && (
          <p class="plot-note">
            Held-out numbers are left out: on this device they take longer than two seconds.
          </p>
        )}
      </div>
      <TradeOffCurve {...o} />
    </div>
  );
}

/** The mixtures from one end to the other in the plane of the trade-off, and the chord, which a coin between the ends reaches too. */
function TradeOffCurve({
  name,
  blend,
  isTraining,
}: {
  name: string;
  blend: Blend<AnswerCard>;
  isTraining: boolean;
}) {
  const { curve, isDrawing, drawCurve, share } = blend;
  const points = curve.value.map(({ to, l3, ctcvr }) => ({
    x: l3,
    y: ctcvr,
    step: to,
    label: to.toFixed(2),
  }));
  const isWhole = points.length > 1 && !isDrawing.value;
  const place = placeOn(curve.value, share.value);
  const label = `The slider, at ${share.value.toFixed(2)}`;
  return (
    <>
      <button
        type="button"
        data-ask={`${name}-curve`}
        disabled={isTraining || isDrawing.value}
        onClick={() => void drawCurve()}
      >
        {isDrawing.value ? `Drawing, ${points.length} of 5` : 'Draw the trade-off'}
      </button>
      {points.length > 0 && (
        <figure class="ask-curve">
          <Plane
            path={[]}
            behind={isWhole ? [[points[0], points[points.length - 1]]] : []}
            landmarks={[]}
            front={points}
            marked={place && { x: place.l3, y: place.ctcvr, label }}
            names={['L3', 'CTCVR']}
            colors={['semantic', 'id']}
            pull={null}
            empty=""
          />
          <figcaption class="plot-note">
            Each mixture on {curve.value[0].users} validation users. The broken line is the chord: whoever
            tosses a coin between the two ends at each request is on it. The ring is the slider’s place on the
            line. So few users tell a direction, no difference.
          </figcaption>
          <details>
            <summary>Numbers</summary>
            <table class="dense">
              <thead>
                <tr>
                  <th scope="col">Mixture</th>
                  <th scope="col">L3</th>
                  <th scope="col">CTCVR</th>
                </tr>
              </thead>
              <tbody>
                {points.map(({ label, x, y }) => (
                  <tr key={label}>
                    <th scope="row">{label}</th>
                    <td>{short(x)}</td>
                    <td>{short(y)}</td>
                  </tr>
                ))}
                {place !== null && (
                  <tr data-ask={`${name}-place`}>
                    <th scope="row">{label}</th>
                    <td>{short(place.l3)}</td>
                    <td>{short(place.ctcvr)}</td>
                  </tr>
                )}
              </tbody>
            </table>
          </details>
        </figure>
      )}
    </>
  );
}

function shownText(text: string): string {
  return text.replaceAll('▁', ' ');
}
