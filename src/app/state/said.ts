/** The words of a group of alignment, which the worker is asked for where the page itself does not have them. */
import { type ReadonlySignal, signal } from '@preact/signals';
import type { GroupWords } from '../../run/report';
import type { TrainerApi } from '../../worker/protocol';

interface Answered {
  run: string | null;
  step: number;
  prompt: number;
  /** Null where they are not kept. */
  words: GroupWords | null;
}

export function createSaid(
  trainer: () => Pick<TrainerApi, 'group' | 'lookAt'>,
  runId: ReadonlySignal<string | null>,
) {
  /** The answer to the last question. */
  const answered = signal<Answered | null>(null);
  let asked: Omit<Answered, 'words'> | null = null;

  async function ask(step: number, prompt: number): Promise<void> {
    const run = runId.value;
    const question = { run, step, prompt };
    asked = question;
    // Of a recording no worker knows.
    const words =
      run === null
        ? null
        : await trainer()
            .group(run, step, prompt)
            .catch(() => null);
    if (asked === question) answered.value = { ...question, words };
  }

  /** Undefined until it is answered. */
  function wordsOf(step: number, prompt: number): GroupWords | null | undefined {
    const last = answered.value;
    const isIt = last?.run === runId.value && last.step === step && last.prompt === prompt;
    return isIt ? last.words : undefined;
  }

  /** From the next step on that prompt's answers are measured after the update. */
  async function lookAt(prompt: number | null): Promise<void> {
    if (runId.value !== null)
      await trainer()
        .lookAt(prompt)
        .catch(() => undefined);
  }

  return { ask, wordsOf, lookAt };
}
