/** What a model says to a history: its answer, its thoughts token by token, and what else each token might have been. */
import { useSignal } from '@preact/signals';
import type { Answer, AnsweredToken } from '../../worker/askProtocol';
import type { AnswerCard } from '../state/asking';
import { inFieldWords } from '../words/fieldWords';
import { percent } from '../words/format';
import '../styles/ask.css';

export function Card({ card: { key, title, answer, problem } }: { card: AnswerCard }) {
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

function shownText(text: string): string {
  return text.replaceAll('▁', ' ');
}
