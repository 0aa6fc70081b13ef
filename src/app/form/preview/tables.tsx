import type { ImportPreview, PreviewTable } from '../../../data/preview';
import { ROLE_WORDS } from './roleWords';

/** Rows that are shown of each table. */
const SHOWN = 6;

const KIND_WORDS: Record<PreviewTable['kind'], string> = {
  interactions: 'who took what',
  items: 'what the items are',
  users: 'who the users are',
};

/** The first rows of each file as read, and what is not read. */
export function Tables({ preview }: { preview: ImportPreview }) {
  const roles = new Map(
    preview.choices.flatMap(({ role, columns }) => columns.map((column) => [column, role] as const)),
  );
  return (
    <>
      {preview.tables.map((table) => (
        <Table key={table.file} table={table} roles={roles} />
      ))}
      {preview.notRead.length > 0 && (
        <ul class="preview-unread">
          {preview.notRead.map(({ file, reason }) => (
            <li key={file}>
              <b>{file}</b> is not read: {reason}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

type Roles = ReadonlyMap<string, ImportPreview['choices'][number]['role']>;

function Table({ table, roles }: { table: PreviewTable; roles: Roles }) {
  const { file, kind, columns, rows, unread } = table;
  const isUnread = columns.map((column) => unread.includes(column));
  return (
    <div class="preview-table">
      <p>
        <b>{file}</b> <span class="faint">{KIND_WORDS[kind]}</span>
      </p>
      <section class="table-scroll" tabindex={0} aria-label={`First rows of ${file}`}>
        <table>
          <thead>
            <tr>
              {columns.map((column, index) => (
                <th key={column} scope="col" data-unread={isUnread[index]}>
                  {column}
                  {!isUnread[index] && roles.has(column) && (
                    <span class="chip">{ROLE_WORDS[roles.get(column)!].label}</span>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
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
