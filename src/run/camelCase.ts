/** The config's edge: links, reports and `--set` say `batch_size`, as TRL does; the code inside says `batchSize`. */

type Camel<S> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;

/** T with its own keys in camelCase; `num_l1` becomes `numL1`. */
export type CamelCased<T> = { [K in keyof T as Camel<K> & string]: T[K] };

/** A section of the config with its keys in camelCase. Values are handed on as they are. */
export function camelCased<T extends object>(section: T): CamelCased<T> {
  const entries = Object.entries(section).map(([key, value]) => [
    key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries) as CamelCased<T>;
}
