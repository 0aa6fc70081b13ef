import type { PreviewTable, SeenFiles } from '../../../data/preview';
import { useSession } from '../../state/context';
import { ROLE_WORDS } from './roleWords';

/** Rows that are shown of each table. */
const SHOWN = 6;

const KIND_WORDS: Record<PreviewTable['kind'], string> = {
  interactions: 'who took what',
  items: 'what the items are',
  users: 'who the users are',
  other: 'not understood yet',
};

interface TablesProps {
  seen: SeenFiles;
  /** The other files than the one of a name; null where that one cannot be left out, undefined where none need be. */
  leaveOut?: (file: string) => File[] | null;
}

/** The first rows of each file as read, and what is not read. */
export function Tables({ seen, leaveOut }: TablesProps) {
  return (
    <>
      {seen.tables.map((table) => (
        <Table key={table.file} table={table} rest={leaveOut?.(table.file) ?? null} />
      ))}
      {seen.notRead.length > 0 && (
        <ul class="preview-unread">
          {seen.notRead.map(({ file, reason }) => (
            <li key={file}>
              <b>{file}</b> is not read: {reason}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Table({ table, rest }: { table: PreviewTable; rest: File[] | null }) {
  const { data } = useSession();
  const { file, kind, columns, roles, rows, unread } = table;
  const isUnread = columns.map((column) => unread.includes(column));
  return (
    <div class="preview-table">
      <p>
        <b>{file}</b> <span class="faint">{KIND_WORDS[kind]}</span>{' '}
        {rest !== null && (
          <button
            type="button"
            class="inline"
            onClick={() => void data.readFiles(rest, data.draft.value?.map)}
          >
            Leave out {file}
          </button>
        )}
      </p>
      <section class="table-scroll" tabindex={0} aria-label={`First rows of ${file}`}>
        <table>
          <thead>
            <tr>
              {columns.map((column, index) => (
                <th key={column} scope="col" data-unread={isUnread[index]}>
                  <span translate={false}>{column}</span>
                  {chipOf(roles[index])}
                </th>
              ))}
            </tr>
          </thead>
          <tbody translate={false}>
            {rows.slice(0, SHOWN).map((cells, row) => (
              <tr key={row}>
                {columns.map((column, index) => (
                  <td key={column} data-unread={isUnread[index]} title={cells[index]}>
                    {cells[index]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {unread.length > 0 && <p class="faint">Not read: {unread.join(', ')}</p>}
    </div>
  );
}

function chipOf(role: PreviewTable['roles'][number]) {
  return role !== null && <span class="chip">{ROLE_WORDS[role].label}</span>;
}
