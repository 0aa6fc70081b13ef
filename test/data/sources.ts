/** Files for importer tests, made in memory. */
import { blobFile } from '../../src/data/files/blobFile';
import type { SourceFile } from '../../src/data/files/sources';

export function file(path: string, content: string | Uint8Array<ArrayBuffer>): SourceFile {
  return blobFile(new Blob([content]), path.split('/').at(-1)!, path);
}

/** Users u1 … u`users`, each with `length` interactions with items that everybody has, in a rotating order. */
export function interactionsCsv(users: number, length: number, items = length): string {
  const rows = ['user,item,time,title,categories'];
  for (let user = 1; user <= users; user++) {
    for (let step = 0; step < length; step++) {
      const item = (user + step) % items;
      rows.push(
        `u${user},i${item},${1000 + step},Thing ${item} deluxe,home > kind ${item % 2} > sort ${item % 4}`,
      );
    }
  }
  return rows.join('\n');
}
