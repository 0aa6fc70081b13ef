/** How data files write that there is nothing: what pandas, SQL, R and spreadsheets leave in an empty cell. */

const NONE = new Set(
  ['', 'nan', 'null', 'none', 'na', 'n/a', 'nil', '\\n', 'undefined', '#n/a', '<na>', '(null)', 'nat'].concat(
    ['#null!', '<null>', '#value!', '#ref!'],
  ),
);
const LONGEST = 9;

/** Whether a trimmed cell says that nothing is there, whatever its case. */
export function isNone(cell: string): boolean {
  return cell.length <= LONGEST && NONE.has(cell.toLowerCase());
}
