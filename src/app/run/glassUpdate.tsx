/** What an update made of the answers that it learnt from: the last part of the walk through a group. */
import { likelihoodRatio } from '../../popo/workings';
import { count, percent } from '../words/format';
import type { Looked } from './glassParts';

export function Update({ looked: { words, step, prompt } }: { looked: Looked }) {
  if (words === null || words.answers.some(({ after }) => after === undefined))
    return (
      <p class="plot-note">
        By how much these very answers became likelier was not measured at this step. It is measured for one
        prompt of a step: that paid most differently, or from the next step on the one that is chosen here.
      </p>
    );
  const advantages = step.advantages[prompt];
  const ratios = words.answers.map(({ probabilities, after = [] }) => likelihoodRatio(probabilities, after));
  const largest = Math.max(...ratios.map((ratio) => Math.abs(Math.log(ratio))), 1e-9);
  const changes = words.answers.flatMap(({ probabilities, after = [] }) =>
    probabilities.map((before, at) => Math.abs(Math.log(after[at] / before))),
  );
  const largestOfPiece = Math.max(...changes, 1e-9);
  const told = advantages
    .map((advantage, g) => ({ advantage, ratio: ratios[g] }))
    .filter(({ advantage }) => advantage !== 0);
  const asTold = told.filter(({ advantage, ratio }) => ratio > 1 === advantage > 0).length;
  return (
    <>
      <ol class="glass-advantages">
        {words.answers.map(({ pieces, probabilities, after = [] }, g) => (
          <li key={g} style={{ '--i': g }}>
            <b>{g + 1}</b>
            <p class="glass-after">
              {pieces.map((piece, at) => {
                const change = Math.log(after[at] / probabilities[at]);
                return (
                  <span
                    key={at}
                    class={`glass-piece ${change < 0 ? 'less' : 'more'}`}
                    style={{ '--p': Math.abs(change) / largestOfPiece }}
                    title={`P = ${percent(probabilities[at])}, then ${percent(after[at])}`}
                  >
                    <span translate={false}>{piece}</span>
                  </span>
                );
              })}
            </p>
            <span
              class={`glass-bar ${ratios[g] < 1 ? 'down' : 'up'}`}
              style={{ '--length': Math.abs(Math.log(ratios[g])) / largest }}
              aria-hidden="true"
            />
            <output data-ratio={g}>× {ratioText(ratios[g])}</output>
          </li>
        ))}
      </ol>
      <p class="plot-note">
        Each number says how many times as likely the whole answer is now. {count(asTold)} of{' '}
        {count(told.length)} went the way of their advantage. All answers of the step change one model, so
        others may carry one along, and the optimizer’s running means bring in what earlier steps taught.
      </p>
    </>
  );
}

/** Near 1 the digits that matter come late. */
function ratioText(ratio: number): string {
  if (ratio >= 100 || ratio < 0.01) return ratio.toExponential(1);
  return Math.abs(ratio - 1) < 0.1 ? ratio.toFixed(4) : ratio.toFixed(2);
}
