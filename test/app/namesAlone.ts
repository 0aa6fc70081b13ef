/** Whether a text for people has a config field's own name, which they cannot know, with no words beside it. */
import { CONFIG_PATHS } from '../../src/run/fields/paths';

/** Dotted paths, and of those the last parts that are no words of English: `min_weight`, and not `temperature`. */
const NAMES: ReadonlySet<string> = new Set(
  CONFIG_PATHS.flatMap((path) => {
    const name = path.slice(path.lastIndexOf('.') + 1);
    return [...(path.includes('.') ? [path] : []), ...(name.includes('_') ? [name] : [])];
  }),
);

/** Names that stand alone. Words stand beside one that is in brackets behind them; once told, a name needs them no more. */
export function namesAlone(text: string): string[] {
  const told = new Set<string>();
  return [...text.matchAll(/[\w.]*\w/g)].flatMap(({ 0: name, index }) => {
    if (!NAMES.has(name) || told.has(name)) return [];
    told.add(name);
    return /[\p{L}”] ?[(（]$/u.test(text.slice(0, index)) ? [] : [name];
  });
}
