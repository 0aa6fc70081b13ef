/** `map` and `filter` of iterators (ES2025), which jax-js uses and Node 20 lacks. */

interface Helpers {
  map?: (this: Iterator<unknown>, change: (value: unknown) => unknown) => Iterator<unknown>;
  filter?: (this: Iterator<unknown>, keep: (value: unknown) => boolean) => Iterator<unknown>;
}

/** Adds what is missing; does nothing where the engine has them. */
export function addIteratorHelpers(): void {
  // %IteratorPrototype%, from which every built-in iterator inherits.
  const prototype: Helpers = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  const define = (name: keyof Helpers, value: Helpers[typeof name]) => {
    if (!prototype[name])
      Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  };
  define('map', function* (this: Iterator<unknown>, change: (value: unknown) => unknown) {
    for (let step = this.next(); !step.done; step = this.next()) yield change(step.value);
  });
  define('filter', function* (this: Iterator<unknown>, keep: (value: unknown) => boolean) {
    for (let step = this.next(); !step.done; step = this.next()) if (keep(step.value)) yield step.value;
  });
}
