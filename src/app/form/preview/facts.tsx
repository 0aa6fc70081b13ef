import type { ImportPreview, PreviewProblem } from '../../../data/preview';
import { count, percent } from '../../words/format';

type CountsOf = ImportPreview['counts'];

/** How much there is, and what of it stays. */
export function Counts({ counts }: { counts: CountsOf }) {
  const { kept } = counts;
  return (
    <>
      <dl class="preview-counts">
        {inNumbers(counts).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p>
        An interaction counts as a conversion if {counts.conversion}.{' '}
        {kept.interactions === counts.interactions ? (
          'Everybody and everything has enough interactions to be kept.'
        ) : (
          <>
            Users and items with too few interactions are left out, so <b>{count(kept.interactions)}</b>{' '}
            interactions of <b>{count(kept.users)}</b> users with <b>{count(kept.items)}</b> items are kept.
          </>
        )}
      </p>
      <NotUsed counts={counts} />
    </>
  );
}

/** Why there are more rows than interactions: the reasons add up to the difference. */
function NotUsed({ counts }: { counts: CountsOf }) {
  if (counts.notUsed.length === 0) return null;
  const rows = counts.rows - counts.interactions;
  return (
    <details>
      <summary>
        {inRows(rows)} {rows === 1 ? 'is no interaction' : 'are no interactions'}
      </summary>
      <ul class="preview-problems">
        {counts.notUsed.map(({ reason, rows, example }) => (
          <li key={reason}>
            <b>{inRows(rows)}</b>: {reason}
            {example !== '' && <>, as in {example}</>}
          </li>
        ))}
      </ul>
    </details>
  );
}

function inNumbers(counts: CountsOf): [name: string, value: string][] {
  return [
    ['rows', count(counts.rows)],
    ['users', count(counts.users)],
    ['items', count(counts.items)],
    ['interactions', count(counts.interactions)],
    ['clicks', count(counts.clicks)],
    ['conversions', count(counts.conversions)],
    ['copies dropped', count(counts.duplicates)],
    ['ties in time', percent(counts.ties)],
  ];
}

/** Rows that were dropped or mended, by kind, with examples; then what else was noticed. */
export function Problems({ problems }: { problems: readonly PreviewProblem[] }) {
  if (problems.length === 0) return null;
  const rows = problems.reduce((sum, problem) => sum + problem.rows, 0);
  return (
    <details>
      <summary>
        {rows === 0
          ? 'What else was noticed'
          : `${inRows(rows)} ${rows === 1 ? 'was' : 'were'} dropped or mended`}
      </summary>
      <ul class="preview-problems">
        {problems.map((problem) => (
          <li key={`${problem.file} ${problem.kind}`}>
            {problem.rows > 0 && <b>{inRows(problem.rows)} in </b>}
            {problem.file}: <span>{problem.kind}</span>
            {problem.examples.length > 0 && (
              <ul>
                {problem.examples.map((example) => (
                  <li key={example}>{example}</li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

function inRows(rows: number): string {
  return `${count(rows)} ${rows === 1 ? 'row' : 'rows'}`;
}

/** What one user did, in the order in which it is learned from. */
export function History({ history }: { history: ImportPreview['history'] }) {
  if (history.behaviours.length === 0) return null;
  return (
    <details>
      <summary>One user in order: {history.user}</summary>
      <ol class="preview-history">
        {history.behaviours.map(({ time, title, isConversion }, index) => (
          <li key={index}>
            <span class="number faint">{time}</span> {title}{' '}
            {isConversion && <span class="chip">conversion</span>}
          </li>
        ))}
      </ol>
    </details>
  );
}
