/** A study by what it is to answer: each question chooses its methods, those of several questions once. */
import { METHODS } from '../../study/methods';
import { answersOf, QUESTIONS, type Question } from '../../study/questions';
import { useSession } from '../state/context';
import { rangeWords } from '../words/timeWords';

export function Questions() {
  const { studies } = useSession();
  const { methods, result } = studies;
  const isChosen = (question: Question) => question.methods.every((name) => methods.value.includes(name));
  const choose = (question: Question, on: boolean) => {
    if (on) {
      methods.value = [...new Set([...methods.value, ...question.methods])];
      return;
    }
    const others = new Set(
      QUESTIONS.filter((other) => other !== question && isChosen(other)).flatMap((other) => other.methods),
    );
    methods.value = methods.value.filter((name) => !question.methods.includes(name) || others.has(name));
  };
  return (
    <ul class="study-questions">
      {QUESTIONS.map((question) => {
        const answers = result.value === null ? [] : answersOf(question, result.value.tables);
        return (
          <li key={question.name} data-question={question.name}>
            <label class="check">
              <input
                type="checkbox"
                checked={isChosen(question)}
                onChange={(event) => choose(question, event.currentTarget.checked)}
              />
              <span>
                {question.title} <small>{question.note}</small>
              </span>
            </label>
            {answers.map((answer) => (
              <p key={answer} class="study-answer">
                {answer}
              </p>
            ))}
          </li>
        );
      })}
    </ul>
  );
}

/** Every method by itself, for whoever asks something else. */
export function AllMethods() {
  const { methods } = useSession().studies;
  return (
    <details class="study-all">
      <summary>All methods, one by one</summary>
      <div class="study-methods">
        {METHODS.map(({ name, words }) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={methods.value.includes(name)}
              onChange={(event) => {
                const others = methods.value.filter((known) => known !== name);
                methods.value = event.currentTarget.checked ? [...others, name] : others;
              }}
            />
            <span>
              {name} <small>{words}</small>
            </span>
          </label>
        ))}
      </div>
    </details>
  );
}

/** How many models are still to be trained, and how long that takes here. */
export function StudyTime() {
  const { studies } = useSession();
  const cost = studies.cost.value;
  if (cost === null || studies.busy.value || cost.runs === 0) return null;
  return (
    <p class="study-time">
      {cost.models === 1
        ? 'One model is still to be trained.'
        : `${cost.models} models are still to be trained.`}{' '}
      {cost.range !== null && `That takes about ${rangeWords(cost.range)} on this device.`}
    </p>
  );
}
