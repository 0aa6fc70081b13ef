/** A history of one's own, put to kept models: what they think, what they answer, and how sure they are of each token. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { type AskingState, askedTitle, createAskingState } from '../state/asking';
import { useSession } from '../state/context';
import { inFieldWords } from '../words/fieldWords';
import { percent } from '../words/format';
import { Card } from './answerCard';
import { Mixture, weightWords } from './mixture';
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
