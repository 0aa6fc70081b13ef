import { useSignal } from '@preact/signals';
import { FORKED_STAGES, type ForkedStage } from '../../run/forkPoints';
import { countsInWords } from '../../sft/cot';
import { useSession } from '../state/context';
import type { StageState } from '../state/runView';
import type { Status } from '../state/status';
import { count, duration } from '../words/format';
import { compilingWords, stageWords } from '../words/runWords';
import { rangeWords } from '../words/timeWords';
import { Notify } from './notify';

export function Stages() {
  const session = useSession();
  const stages = session.view.stages.value;
  const status = session.status.value;
  const done = stages.filter((stage) => stage.status === 'done').length;
  const isOn = stages.some((stage) => stage.status === 'running');
  const left = status === 'running' ? session.times.left.value : null;
  return (
    <section class="stages" aria-labelledby="stages-title">
      <h2 id="stages-title" class="overline">
        Stages{isOn && ` · ${done} of ${stages.length} done`}
      </h2>
      <ol>
        {stages.map((stage) => (
          <StageLine key={stage.name} stage={stage} status={status} />
        ))}
      </ol>
      {left !== null && <p class="stages-left">About {rangeWords(left)} left in all</p>}
      <ForkBefore />
      <Notify />
    </section>
  );
}

/** Where the run on show rests or is over: a second line from where one of its stages began. */
function ForkBefore() {
  const session = useSession();
  const chosen = useSignal<ForkedStage | null>(null);
  const status = session.status.value;
  const id = session.runId.value;
  const begun = session.view.stages.value
    .filter((stage) => stage.status !== 'waiting')
    .map(({ name }) => name);
  const points = FORKED_STAGES.filter((name) => begun.includes(name));
  if ((status !== 'paused' && status !== 'done') || id === null || points.length === 0) return null;
  if (session.watched.value !== null) return null;
  const point = chosen.value !== null && points.includes(chosen.value) ? chosen.value : points.at(-1)!;
  return (
    <p class="fork-before">
      <label>
        <span>Fork before</span>{' '}
        <select
          value={point}
          data-action="fork-point"
          onChange={(event) => {
            chosen.value = event.currentTarget.value as ForkedStage;
          }}
        >
          {points.map((name) => (
            <option key={name} value={name}>
              {stageWords(name, session.shownConfig.value).label}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="plain"
        data-action="fork-before"
        title="A second line from where this stage began. This one is kept, and its curves stay behind the new ones."
        onClick={() => void session.fork(point, id)}
      >
        Fork
      </button>
    </p>
  );
}

function StageLine({ stage, status }: { stage: StageState; status: Status }) {
  const session = useSession();
  const words = stageWords(stage.name, session.shownConfig.value);
  const auc = stage.name === 'ranker' ? session.view.rankerAuc.value : null;
  const counts = stage.name === 'rupr' ? session.view.teacher.value : null;
  const told = counts === null ? null : countsInWords(counts, count);
  const isCurrent = stage === session.view.currentStage.value;
  const compiling = isCurrent && status === 'running' ? session.view.compiling.value : null;
  const fraction = stage.status === 'done' ? 1 : stage.steps > 0 ? Math.min(1, stage.step / stage.steps) : 0;
  return (
    <li class={`stage ${stage.status}`} aria-current={stage.status === 'running' ? 'step' : undefined}>
      <Ring fraction={fraction} status={stage.status} />
      <div>
        <p class="stage-name">
          <span>{words.label}</span>
          <span class="stage-time">{timing(stage, status, words.code)}</span>
        </p>
        <p class="stage-does">{told ?? words.does}</p>
        {compiling !== null && <p class="stage-found">{compilingWords(compiling)}</p>}
        {auc !== null && (
          <p
            class="stage-found"
            title="One number over all held-out impressions, which are not kept: it has no interval"
          >
            AUC, held out: CTR {auc.ctr.toFixed(2)}, CVR {auc.cvr.toFixed(2)}, CTCVR {auc.ctcvr.toFixed(2)}
          </p>
        )}
      </div>
    </li>
  );
}

function timing(stage: StageState, status: Status, code: string): string {
  if (stage.status === 'done') return stage.seconds === null ? 'done' : duration(stage.seconds);
  if (stage.status === 'waiting') return code;
  if (status === 'error') return `stopped at ${stage.step}`;
  if (status === 'paused') return `paused at ${stage.step}`;
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
