/** The preview of an import: what a person looks at before training on it. */
import { type Assembled, FEW } from './assemble';
import type { Role } from './columns/roles';
import type { Problems } from './files/sources';
import type { FilesLayout, ItemsPart, LogPart } from './layouts/layout';
import type { ImportPreview, PreviewChoice, PreviewTable } from './preview';
import type { ReadTables } from './readLayout';
import { counted, verb } from './words';

/** Rows of a table that are shown. */
const ROWS = 8;
/** Behaviours of one user that are shown. */
const BEHAVIOURS = 20;
/** Shares from which on a person is told to look. */
const MANY_TIES = 0.5;
const MANY_DROPPED = 0.05;

export function previewOf(
  layout: FilesLayout,
  read: ReadTables,
  assembled: Assembled,
  problems: Problems,
): ImportPreview {
  const { log: part, items, profiles } = layout;
  const { tables, rule, time } = read;
  const { log, order } = tables;
  const { dataset } = assembled;
  const clicks = assembled.conversions.reduce((total, { length }) => total + length, 0);
  const conversions = conversionsOf(assembled);
  return {
    layout: layout.name,
    tables: [
      tableOf(
        part.table,
        'interactions',
        Object.values(part.roles).flatMap((columns) => columns ?? []),
      ),
      ...(items === null ? [] : [tableOf(items.table, 'items', [items.key, ...items.columns])]),
      ...(profiles === null ? [] : [tableOf(profiles.table, 'users', [profiles.key, ...profiles.columns])]),
    ],
    notRead: layout.notRead,
    choices: choicesOf(part, items),
    dates: time?.order ? { order: time.order, isAmbiguous: time.isAmbiguous, words: time.words } : null,
    threshold: rule.threshold,
    events: rule.events,
    counts: {
      rows: read.rows,
      interactions: log.length,
      notUsed: read.notUsed,
      users: log.userIds.length,
      items: new Set(log.item.subarray(0, log.length)).size,
      clicks,
      conversions,
      conversion: rule.words,
      duplicates: read.copies,
      ties: tables.hasTimes ? order.ties : 0,
      kept: { interactions: clicks, users: dataset.users.length, items: dataset.items.length },
    },
    problems: problems.kinds(),
    history: historyOf(read, assembled),
    doubts: doubtsOf(layout, read, assembled),
  };
}

function conversionsOf({ conversions }: Assembled): number {
  return conversions.reduce((total, user) => total + user.reduce((sum, each) => sum + each, 0), 0);
}

function tableOf(
  { file, columns, head }: LogPart['table'],
  kind: PreviewTable['kind'],
  read: readonly number[],
): PreviewTable {
  return {
    file,
    kind,
    columns,
    rows: head.slice(0, ROWS).map((cells) => [...cells]),
    unread: columns.filter((_, index) => !read.includes(index)),
  };
}

/** The roles that a person may correct: those of the log, and of the items' table where it names them. */
function choicesOf({ table, guesses, roles }: LogPart, items: ItemsPart | null): PreviewChoice[] {
  return guesses.map(({ role, columns, sure, why }) => {
    const own = items?.guesses.find((guess) => guess.role === role);
    const there = own !== undefined && own.columns.length > 0 && roles[role] === undefined;
    const at = there ? items!.table : table;
    const from = there ? own : { columns, sure, why };
    return {
      role,
      columns: from.columns.map((index) => at.columns[index]),
      options:
        OF_BOTH.includes(role) && items !== null
          ? [...new Set([...items.table.columns, ...table.columns])]
          : table.columns,
      sure: from.sure,
      why: from.why,
    };
  });
}

/** Roles of which a person must know that a column looks like one and is not read: a row counts otherwise then. */
const TOLD: readonly Role[] = ['time', 'conversion', 'rating', 'quantity'];

const OF_BOTH: readonly Role[] = ['title', 'categories'];

function historyOf(
  { tables }: ReadTables,
  { dataset, rowsOf, conversions }: Assembled,
): ImportPreview['history'] {
  // A user with neither the most nor the fewest tells most.
  const lengths = dataset.users.map(({ history }, index) => [history.length, index] as const);
  const [, user] = [...lengths].sort((a, b) => a[0] - b[0] || a[1] - b[1])[Math.floor(lengths.length / 2)];
  const { history } = dataset.users[user];
  const rows = rowsOf[user];
  const from = Math.max(0, history.length - BEHAVIOURS);
  return {
    user: tables.log.userIds[tables.log.user[rows[0]]],
    behaviours: Array.from(history.subarray(from), (item, index) => ({
      time: tables.hasTimes ? timeText(tables.log.time[rows[from + index]]) : '',
      title: dataset.items[item].title,
      isConversion: conversions[user][from + index] === 1,
    })),
  };
}

/** Dates end here, in milliseconds. */
const LAST_DATE = 8.64e15;

/** A time as a date where it is one: ranks and days stay numbers. */
function timeText(time: number): string {
  if (Math.abs(time) < 1e10 || Math.abs(time) > LAST_DATE) return String(time);
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

function doubtsOf(
  { log: part, items }: FilesLayout,
  { tables, rows, time, rule }: ReadTables,
  assembled: Assembled,
): string[] {
  const { dataset } = assembled;
  const doubts: string[] = [];
  for (const { role, sure, why, columns } of [...part.guesses, ...(items?.guesses ?? [])]) {
    if (!sure && columns.length > 0) doubts.push(`The column of the ${role} is a guess. ${why}`);
    else if (!sure && TOLD.includes(role)) doubts.push(`No ${role} is read. ${why}`);
  }
  if (time?.isAmbiguous)
    doubts.push(
      `No date tells whether the day or the month comes first; ${time.order === 'dmy' ? 'the day' : 'the month'} is taken to.`,
    );
  if (!tables.hasTimes)
    doubts.push('No column of times is read, so the order of the rows is taken for the order in time.');
  else if (tables.order.ties >= MANY_TIES)
    doubts.push(
      `${Math.round(100 * tables.order.ties)} % of a user’s neighbouring interactions have one time: what comes next is often not known.`,
    );
  const lost = rows - tables.log.length;
  if (lost > MANY_DROPPED * rows)
    doubts.push(`${lost} of ${counted(rows, 'row')} ${verb(lost, 'is', 'are')} not used.`);
  if (dataset.users.length < FEW || dataset.items.length < FEW)
    doubts.push(
      `${counted(dataset.users.length, 'user')} and ${counted(dataset.items.length, 'item')} are left: with fewer than ${FEW} of either, results are of chance.`,
    );
  if (conversionsOf(assembled) === 0)
    doubts.push(`No interaction counts as a conversion (${rule.words}), so CTCVR says nothing.`);
  if (new Set(dataset.items.map(({ categories }) => categories[2])).size === 1)
    doubts.push(
      'All items are in one category: the Category accuracies say nothing, and the built-in teacher reasons in words of titles.',
    );
  return [...doubts, ...rule.remarks];
}
