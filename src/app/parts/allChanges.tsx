/** What was changed on the way, where more was than is told at a glance. */
interface AllChangesProps {
  sentences: readonly string[];
  /** How many of them stand elsewhere already; no more than that need no list. */
  told: number;
}

export function AllChanges({ sentences, told }: AllChangesProps) {
  if (sentences.length <= told) return null;
  return (
    <details class="all-changes">
      <summary>All {sentences.length} changes</summary>
      <ol>
        {sentences.map((sentence, index) => (
          <li key={`${index} ${sentence}`}>{sentence}</li>
        ))}
      </ol>
    </details>
  );
}
