import { describe, expect, it } from 'vitest';
import { droppedFiles } from '../../src/app/form/drop';

const file = (name: string) => new File([name], name);

function fileEntry(name: string) {
  return { isFile: true, isDirectory: false, file: (resolve: (file: File) => void) => resolve(file(name)) };
}

/** A folder whose reader hands out one entry at a time. */
function folder(...children: object[]) {
  return {
    isFile: false,
    isDirectory: true,
    createReader() {
      const rest = [...children];
      return { readEntries: (resolve: (entries: object[]) => void) => resolve(rest.splice(0, 1)) };
    },
  };
}

function drop(entries: (object | null)[], files: File[] = []): DataTransfer {
  return {
    items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })),
    files,
  } as unknown as DataTransfer;
}

describe('droppedFiles', () => {
  it('takes plain files as they are', async () => {
    const files = [file('a.csv'), file('b.csv')];
    expect(await droppedFiles(drop([fileEntry('a.csv'), fileEntry('b.csv')], files))).toEqual(files);
  });

  it('opens folders, also within folders, to the last portion', async () => {
    const nested = folder(fileEntry('ratings.csv'), folder(fileEntry('movies.csv')), fileEntry('links.csv'));
    const names = (await droppedFiles(drop([nested, fileEntry('readme.txt')]))).map(({ name }) => name);
    expect(names).toEqual(['ratings.csv', 'movies.csv', 'links.csv', 'readme.txt']);
  });

  it('stops at 500 files', async () => {
    const many = folder(...Array.from({ length: 700 }, (_, k) => fileEntry(`${k}.csv`)));
    expect(await droppedFiles(drop([many]))).toHaveLength(500);
  });
});
