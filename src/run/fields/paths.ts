/** Fields by their dotted paths, such as `popo.eta_over_mu`. */
import type { Field, FormGroup } from './field';
import type { LeafValue } from './kinds';
import { type ConfigPath, FIELDS, type RunConfig } from './list';

type Entry = Field<LeafValue, RunConfig>;
type Section = Readonly<Record<string, Entry>>;

/** That it fits proves that no condition asks for more than a config holds. */
const TREE: Readonly<Record<string, Entry | Section>> = FIELDS;

function isEntry(node: Entry | Section): node is Entry {
  return 'kind' in node && 'schema' in node.kind;
}

/** The config's tree with something else in the place of each field, and of each section's record of fields. */
export function treeOf<T>(leaf: (field: Entry) => T, section: (fields: Record<string, T>) => T) {
  const branch = (fields: Section) =>
    section(Object.fromEntries(Object.entries(fields).map(([key, entry]) => [key, leaf(entry)])));
  return Object.fromEntries(
    Object.entries(TREE).map(([key, node]) => [key, isEntry(node) ? leaf(node) : branch(node)]),
  );
}

/** A map, so that `__proto__` and `constructor` lead nowhere. */
const BY_PATH: ReadonlyMap<string, Entry> = new Map(
  Object.entries(TREE).flatMap(([key, node]): [string, Entry][] =>
    isEntry(node)
      ? [[key, node]]
      : Object.entries(node).map(([name, entry]): [string, Entry] => [`${key}.${name}`, entry]),
  ),
);

/** Every path, in the order of the config's fields. */
export const CONFIG_PATHS: readonly ConfigPath[] = [...BY_PATH.keys()] as ConfigPath[];

export function isConfigPath(text: string): text is ConfigPath {
  return BY_PATH.has(text);
}

export function fieldAt(path: ConfigPath): Entry {
  return BY_PATH.get(path)!;
}

/** The fields of a part of the form, in their order there. */
export function shownIn(group: FormGroup): ConfigPath[] {
  const placeOf = (path: ConfigPath) => fieldAt(path).form?.place ?? 0;
  return CONFIG_PATHS.filter((path) => fieldAt(path).form?.group === group).sort(
    (a, b) => placeOf(a) - placeOf(b),
  );
}

/** What a field is called in the form, and the few words beside that. */
export function wordsOf(path: ConfigPath): { label: string; hint: string } {
  const { form } = fieldAt(path);
  return { label: form?.label ?? path.slice(path.lastIndexOf('.') + 1), hint: form?.hint ?? '' };
}

/** Why a run with this config does not read the field, as a sentence for people; null when it does. */
export function whyUnread(config: RunConfig, path: ConfigPath): string | null {
  const { appliesWhen } = fieldAt(path);
  return appliesWhen === undefined || appliesWhen.holds(config) ? null : appliesWhen.reason;
}

export function leafAt(config: RunConfig, path: ConfigPath): LeafValue {
  const [head, tail] = path.split('.');
  const tree = config as unknown as Record<string, LeafValue & Record<string, LeafValue>>;
  return tail === undefined ? tree[head] : tree[head][tail];
}

/** Changes `config` without checking the value: call `parseConfig` when all fields are set, since rules may span several. */
export function setLeaf(config: RunConfig, path: ConfigPath, value: LeafValue): void {
  const [head, tail] = path.split('.');
  const tree = config as unknown as Record<string, LeafValue | Record<string, LeafValue>>;
  Object.assign(tail === undefined ? tree : tree[head], { [tail ?? head]: value });
}
