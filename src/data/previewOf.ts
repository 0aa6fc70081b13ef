/** The preview of an import: what a person looks at before training on it. */
import { type Assembled, FEW } from './assemble';
import type { Role } from './columns/roles';
import type { Problems } from './files/sources';
import type { FilesLayout } from './layouts/layout';
import type { ImportPreview } from './preview';
import type { ReadTables } from './readLayout';
import { seenOf } from './seenFiles';
import { counted, verb } from './words';

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
  const { tables, rule } = read;
  const { log, order } = tables;
  const { dataset } = assembled;
  const clicks = assembled.conversions.reduce((total, { length }) => total + length, 0);
  const conversions = conversionsOf(assembled);
  const doubts = doubtsOf(layout, read, assembled);
  const seen = seenOf(layout, read, problems);
  return {
    layout: layout.name,
    ...seen,
    // What is said at the top is not said again among the reports.
    problems: seen.problems.filter(({ kind }) => !doubts.includes(kind)),
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
    history: historyOf(read, assembled),
    doubts,
  };
}

function conversionsOf({ conversions }: Assembled): number {
  return conversions.reduce((total, user) => total + user.reduce((sum, each) => sum + each, 0), 0);
}

/** Roles of which a person must know that a column looks like one and is not read: a row counts otherwise then. */
const TOLD: readonly Role[] = ['time', 'conversion', 'rating', 'quantity'];

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
  { tables, rows, sampling, time, rule }: ReadTables,
  assembled: Assembled,
): string[] {
  const { dataset } = assembled;
  const doubts = sampling === null ? [] : [sampling.words];
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
  // Of these another sentence tells.
  const told = rule.neither.reduce((sum, kind) => sum + kind.rows, sampling?.rows ?? 0);
  const lost = rows - tables.log.length - told;
  if (lost > MANY_DROPPED * rows)
    doubts.push(
      `${lost} of ${counted(rows, 'row')} ${verb(lost, 'is', 'are')} not used${told === 0 ? '' : ' for other reasons'}: the list of dropped rows says why.`,
    );
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
