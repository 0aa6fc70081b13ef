/** The steps of alignment in full, as the report has them, and the words of some of the groups, which no report has. */
import type { GroupWords, PopoStep } from '../../run/report';

/** Steps, counted from the newest, whose words are kept: some kilobytes each. */
export const WORDS_KEPT = 200;

export class AlignmentRecord {
  /** In order; without gaps. */
  readonly steps: PopoStep[] = [];
  readonly #words = new Map<number, GroupWords>();

  /** A step at or before the last one rewinds to it, as a resumed run does. */
  push(step: PopoStep): void {
    while (this.steps.length > 0 && this.steps[this.steps.length - 1].step >= step.step) this.steps.pop();
    this.steps.push(step);
  }

  keep(group: GroupWords): void {
    this.#words.delete(group.step);
    this.#words.set(group.step, group);
    for (const step of this.#words.keys()) {
      if (this.#words.size <= WORDS_KEPT) break;
      this.#words.delete(step);
    }
  }

  /** The last step that is not after this one; null before there is any. */
  at(step: number): PopoStep | null {
    return this.steps.findLast((one) => one.step <= step) ?? this.steps[0] ?? null;
  }

  wordsAt(step: number): GroupWords | null {
    return this.#words.get(step) ?? null;
  }

  clear(): void {
    this.steps.length = 0;
    this.#words.clear();
  }
}
