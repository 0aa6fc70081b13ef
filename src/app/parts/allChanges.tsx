/** What was changed on the way, where more was than is told at a glance. */
import type { ComponentChildren } from 'preact';

interface AllChangesProps {
  sentences: readonly string[];
  /** How many of them stand elsewhere already; no more than that need no list. */
  told: number;
  /** What stands beside one of them, by its place. */
  beside?(at: number): ComponentChildren;
}

export function AllChanges({ sentences, told, beside }: AllChangesProps) {
  if (sentences.length <= told) return null;
  return (
    <details class="all-changes">
      <summary>All {sentences.length} changes</summary>
      <ol>
        {sentences.map((sentence, index) => (
          <li key={`${index} ${sentence}`}>
            {sentence}
            {beside !== undefined && <> {beside(index)}</>}
          </li>
        ))}
      </ol>
    </details>
  );
}
