/** Lower-case words of a text (runs of letters and digits), in order. */
export function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** "1 row", "2 rows". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The verb's form for so many. */
export function verb(count: number, one: string, several: string): string {
  return count === 1 ? one : several;
}
