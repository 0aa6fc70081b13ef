/** Whether two arrays hold the same numbers, in the same order. */
export function areSame(a: Float32Array, b: Float32Array): boolean {
  return a === b || (a.length === b.length && a.every((value, index) => value === b[index]));
}
