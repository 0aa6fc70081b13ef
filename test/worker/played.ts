/** A run of `STEPS` steps that trains nothing: it takes them when it is told to, and keeps each. */
import type { Controls } from '../../src/run/controls';
import type { StageReport } from '../../src/run/report';
import type { runPipeline } from '../../src/run/runner';
import { NOTHING_DONE, type RunCheckpoint } from '../../src/run/runState';
import { APP_VERSION } from '../../src/run/version';
import { fakePopoSteps, fakeReport } from '../page/fakeTrainer';

export const STEPS = 12;

export interface Played {
  controls: Controls;
  /** The step that it was taken up at. */
  from: number;
  /** All that is left is the next step. */
  toEnd: boolean;
}

/** The run at a step, in its first stage, which needs no model. */
export function playedState(config: RunCheckpoint['state']['config'], step: number): RunCheckpoint {
  const stage: StageReport = { name: 'data', seconds: 0, steps: STEPS, loss: [], heldOutLoss: [] };
  return { state: { ...NOTHING_DONE, app: APP_VERSION, config, step, stages: [stage] }, model: null };
}

/**
 * It rests until it may take a step, or go.
 * @param onRun with null once it has ended
 */
export function playedPipeline(onRun: (running: Played | null) => void = () => {}): typeof runPipeline {
  return async ({ controls, config, resume, save, emit }) => {
    controls.pause();
    const running = { controls, from: resume?.state.step ?? 0, toEnd: false };
    onRun(running);
    let checkpoint = resume ?? playedState(config, 0);
    emit({ type: 'stage', name: 'data', status: 'started', steps: STEPS });
    try {
      for (;;) {
        const { step } = checkpoint.state;
        if (step === STEPS) {
          const report = fakeReport(config, [], fakePopoSteps(config, 1));
          await save(checkpoint, report);
          return { report, checkpoint, slices: null };
        }
        const isStopped = (await controls.pass()) === 'stop';
        const next = running.toEnd ? STEPS : step + (isStopped ? 0 : 1);
        checkpoint = playedState(config, next);
        const stored = await save(checkpoint, null);
        emit({ type: 'checkpoint', stage: 'data', step: next, stored });
        if (isStopped) return { report: null, checkpoint, slices: null };
      }
    } finally {
      onRun(null);
    }
  };
}
