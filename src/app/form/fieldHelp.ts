/**
 * What fields mean at length, for the search. The page is built without the help of the fields' entries, so it is read from the reference
 * that is written from them. Fetched when somebody searches.
 */
import reference from '../../../docs/CONFIG.md?raw';

/** By path. */
export const HELP: ReadonlyMap<string, string> = new Map(
  reference.split('\n').flatMap((line): [string, string][] => {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const path = /^`([\w.]+)`$/.exec(cells[1] ?? '')?.[1];
    return path === undefined ? [] : [[path, cells.at(-2) ?? '']];
  }),
);
