import type { StageName } from '../run/report';
import { useSession } from './context';
import { duration } from './format';
import type { StageState } from './runView';

/** Each stage in a few words: its name, and what it does. */
export const STAGE_WORDS: Record<StageName, { label: string; does: string }> = {
  data: { label: 'Data', does: 'Users, items and what happened between them' },
  tokenizer: { label: 'Tokenizer', does: 'Learn the pieces of words the catalogue is made of' },
  warmup: { label: 'Warm-up', does: 'A language model from scratch: history in, next item out' },
  rupr: { label: 'Reasoning', does: 'A teacher that knows the purchase argues why (RUPR)' },
  orft: { label: 'Rejection', does: 'Keep only reasoning that makes the answer likelier (ORFT)' },
  sft: { label: 'Fine-tuning', does: 'Learn to reason from what was kept (SFT)' },
  ranker: { label: 'ID reward', does: 'A ranker learns who clicks and buys' },
  encoder: { label: 'Semantic reward', does: 'An encoder learns which titles mean alike' },
  popo: { label: 'Alignment', does: 'Reinforce both rewards, weighed anew at each step (POPO)' },
  evaluate: { label: 'Evaluation', does: 'Measure on users it has never seen' },
};

export function Stages() {
  const session = useSession();
  const stages = session.view.stages.value;
  const paused = session.status.value === 'paused';
  return (
    <section class="stages" aria-labelledby="stages-title">
      <h2 id="stages-title" class="overline">
        Stages
      </h2>
      <ol>
        {stages.map((stage) => (
          <StageLine key={stage.name} stage={stage} paused={paused} />
        ))}
      </ol>
    </section>
  );
}

function StageLine({ stage, paused }: { stage: StageState; paused: boolean }) {
  const words = STAGE_WORDS[stage.name];
  const fraction = stage.status === 'done' ? 1 : stage.steps > 0 ? Math.min(1, stage.step / stage.steps) : 0;
  return (
    <li class={`stage ${stage.status}`} aria-current={stage.status === 'running' ? 'step' : undefined}>
      <Ring fraction={fraction} status={stage.status} />
      <div>
        <p class="stage-name">
          <span>{words.label}</span>
          <span class="stage-time">{timing(stage, paused)}</span>
        </p>
        <p class="stage-does">{words.does}</p>
      </div>
    </li>
  );
}

function timing(stage: StageState, paused: boolean): string {
  if (stage.status === 'done') return stage.seconds === null ? 'done' : duration(stage.seconds);
  if (stage.status === 'waiting') return '';
  if (paused) return `paused at ${stage.step}`;
  if (stage.secondsLeft !== null) return `${duration(stage.secondsLeft)} left`;
  return stage.steps > 0 ? `${stage.step} / ${stage.steps}` : '…';
}

const CIRCUMFERENCE = 2 * Math.PI * 7;

function Ring({ fraction, status }: { fraction: number; status: StageState['status'] }) {
  return (
    <svg class="ring" viewBox="0 0 18 18" aria-hidden="true">
      <circle cx="9" cy="9" r="7" class="ring-track" />
      {status === 'running' && (
        <circle
          cx="9"
          cy="9"
          r="7"
          class="ring-fill"
          stroke-dasharray={`${CIRCUMFERENCE * Math.max(0.04, fraction)} ${CIRCUMFERENCE}`}
          transform="rotate(-90 9 9)"
        />
      )}
      {status === 'done' && <path d="M5.6 9.3l2.3 2.3 4.5-4.9" class="ring-check" />}
    </svg>
  );
}
