import { useSession } from '../state/context';
import { teacherWords } from '../words/runWords';

/** What a reader must know before believing a chart. What the trade-off says of POPO beside the run is not said again. */
export function WhatToKnow() {
  const session = useSession();
  void session.view.tick.value;
  const config = session.shownConfig.value;
  const teacher = teacherWords(config);
  const isLight = config.popo.weighting === 'popo-light';
  // Beside results it waits until it is asked for.
  const isFresh = session.view.table.value.length === 0;
  return (
    <section class="know" aria-labelledby="know-title">
      <details open={isFresh}>
        <summary>
          <h2 id="know-title">What to know</h2>
        </summary>
        <div class="know-grid">
          {session.view.popo.length === 0 && (
            <p>
              <b>The larger gradient gains weight.</b> With two rewards the cross term of POPO cancels: I_s −
              I_id = ‖g_s‖² − ‖g_id‖². Conflict between the rewards does not by itself move the weights, so
              the page draws both norms and their cosine. The method seeks the Pareto front; nobody has proven
              that it reaches it.
            </p>
          )}
          {isLight ? (
            <p>
              <b>POPO-light counts scale twice.</b> Its weight is the spread over the mean of a reward whose
              own pull already grows with its spread, and it is undefined where the mean is not positive.
              Rewards here are kept within 0 and 1, so that it stays defined.
            </p>
          ) : (
            <p>
              <b>Two runs did what five did.</b> In our study of five worlds at tiny, two runs at fixed
              weights and mixtures of their parameters covered what five runs did. No rule that moves the
              weights was better for certain than weights that stay. On the first marketplace, advantages
              divided by the spread of the whole batch (scale_rewards, under More) gained more than any rule.
            </p>
          )}
          <p>
            <b>A reward is not the goal.</b> If rewards rise while held-out users are served worse, the model
            is gaming them. That is why both are drawn side by side, and why the marketplace that invites it
            can be chosen.
          </p>
          <p>
            <b>{teacher.title}</b> {teacher.text}
          </p>
        </div>
      </details>
      <p class="source faint">
        Method:{' '}
        <span translate={false}>Taiji: Pareto Optimal Policy Optimization with Semantics-IDs Trade-off</span>,
        arXiv 2606.03866 (2026). An independent implementation; neither code nor prompts were published. Press{' '}
        <kbd>?</kbd> for the keys.{' '}
        <a href="./licences.html" target="_blank" rel="noopener">
          Licences
        </a>
      </p>
    </section>
  );
}
