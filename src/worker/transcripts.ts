/** What was said in the alignment of kept runs: of the one that is on or was last it is at hand, of all others in storage. */
import type { GroupWords } from '../run/report';
import type { RunState } from '../run/runState';
import { STAGE_NAMES } from '../run/stageNames';
import { groupOf, type PackedStep, Transcript } from '../run/transcript';
import type { StoredTranscripts } from '../store/transcripts';

interface Held {
  id: string;
  transcript: Transcript;
  isOn: boolean;
  /** When the run's checkpoint was made that was kept with it; null where none was. */
  keptAt: number | null;
}

export class Transcripts {
  #held: Held | null = null;

  /** @param keptAt when the newest checkpoint that is kept of a run was made; null where there is none */
  constructor(
    readonly stored: () => Promise<StoredTranscripts<PackedStep>>,
    readonly keptAt: (id: string) => Promise<number | null>,
  ) {}

  /**
   * Of a run that begins now.
   * @param resume where it is taken up: what was said up to there stands; null where it begins anew
   */
  async begin(id: string, resume: RunState | null): Promise<Transcript> {
    const transcript = resume === null ? new Transcript() : await this.#of(id);
    if (resume !== null) transcript.cut(stepsOf(resume));
    const keptAt = resume === null ? null : await this.keptAt(id).catch(() => null);
    this.#held = { id, transcript, isOn: true, keptAt };
    return transcript;
  }

  /** Keeps what the run that is on has said by now. @throws {StoreError} where it cannot be */
  async keep(): Promise<void> {
    const { id, transcript } = this.#held!;
    await transcript.keepWith(async (steps, from) => (await this.stored()).save(id, steps, from));
  }

  /** A checkpoint of the run that is on was kept. */
  kept(at: number): void {
    this.#held!.keptAt = at;
  }

  /** The run that was on is no more. */
  end(): void {
    if (this.#held !== null) this.#held.isOn = false;
  }

  /** A second line has what was said until it began. */
  async fork(of: string, id: string, state: RunState): Promise<void> {
    const { steps } = await this.#of(of);
    const until = stepsOf(state);
    const shared = steps.filter(({ step }) => step < until);
    await (await this.stored()).save(id, shared);
  }

  /** Null where its words are not kept. */
  async group(id: string, step: number, prompt: number): Promise<GroupWords | null> {
    const held = await this.#current(id);
    if (held !== null) return held.group(step, prompt);
    const said = await (await this.stored()).step(id, step);
    return said && groupOf(said, prompt);
  }

  async #of(id: string): Promise<Transcript> {
    const held = await this.#current(id);
    return held ?? new Transcript(await (await this.stored()).load(id).catch(() => []));
  }

  /** What is at hand of a run, unless another tab has gone on with it since. */
  async #current(id: string): Promise<Transcript | null> {
    const held = this.#held;
    if (held?.id !== id) return null;
    const isCurrent = held.isOn || held.keptAt === (await this.keptAt(id).catch(() => held.keptAt));
    return isCurrent ? held.transcript : null;
  }
}

/** Of alignment, that are done. */
function stepsOf({ stage, step }: Pick<RunState, 'stage' | 'step'>): number {
  const apart = STAGE_NAMES.indexOf(stage) - STAGE_NAMES.indexOf('popo');
  return apart < 0 ? 0 : apart === 0 ? step : Number.POSITIVE_INFINITY;
}
