/** What was said in the alignment of runs that were trained in this tab: of the few that were on last. */
import type { GroupWords } from '../run/report';
import type { RunState } from '../run/runState';
import { STAGE_NAMES } from '../run/stageNames';
import { Transcript } from '../run/transcript';

/** Runs: one and those it is set against. */
const MOST = 4;

export class Transcripts {
  /** The one that began last is the last. */
  readonly #runs = new Map<string, Transcript>();

  /**
   * Of a run that begins now. One that is taken up, or is a second line, has what was said up to there.
   * @param resume where it is taken up; null where it begins anew
   */
  of(id: string, resume: RunState | null): Transcript {
    const own = this.#runs.get(id) ?? null;
    const fork = resume?.fork;
    const other = fork === undefined ? null : (this.#runs.get(fork.of) ?? null);
    const transcript = new Transcript(own ?? other);
    transcript.cut(resume === null ? 0 : stepsOf(resume));
    // The other line may have gone on.
    if (own === null && fork !== undefined) transcript.cut(stepsOf(fork));
    this.#runs.delete(id);
    this.#runs.set(id, transcript);
    const [oldest] = this.#runs.keys();
    if (this.#runs.size > MOST) this.#runs.delete(oldest);
    return transcript;
  }

  /** Null where its words are not kept. */
  group(id: string, step: number, prompt: number): GroupWords | null {
    return this.#runs.get(id)?.group(step, prompt) ?? null;
  }
}

/** Of alignment, that are done. */
function stepsOf({ stage, step }: Pick<RunState, 'stage' | 'step'>): number {
  const apart = STAGE_NAMES.indexOf(stage) - STAGE_NAMES.indexOf('popo');
  return apart < 0 ? 0 : apart === 0 ? step : Number.POSITIVE_INFINITY;
}
