import fc from 'fast-check';
import { gzipSync, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { blobFile } from '../../../src/data/files/blobFile';
import { ImportError, Problems, type SourceFile, wholeBytes } from '../../../src/data/files/sources';
import { openTable } from '../../../src/data/files/table';
import { unpacked } from '../../../src/data/files/unpacked';
import { encode, memoryFile, readTable } from './memory';

const LIMIT = 1_000_000;

async function readAll(bytes: Uint8Array, limit = LIMIT, name = 'a.zip'): Promise<Record<string, string>> {
  const read: Record<string, string> = {};
  for (const file of await unpacked([memoryFile(name, bytes)], limit)) {
    read[file.path!] = new TextDecoder().decode(await wholeBytes(file, 1e9));
  }
  return read;
}

/** Changes something in each entry of an archive's directory. */
function patchDirectory(bytes: Uint8Array, patch: (view: DataView, at: number) => void): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length - 46; at++) if (view.getUint32(at, true) === 0x02014b50) patch(view, at);
  return bytes;
}

describe('archives', () => {
  const files = {
    'ml/ratings.csv': encode('a,b\n'.repeat(20_000)),
    'ml/readme.md': encode('no'),
    'x.tsv': encode(''),
    '__MACOSX/x.tsv': encode('no'),
    'ml/.DS_Store': encode('no'),
  };

  test.each([0, 6] as const)('give their files, at level %i', async (level) => {
    expect(await readAll(zipSync(files, { level }))).toEqual({
      'ml/ratings.csv': 'a,b\n'.repeat(20_000),
      'ml/readme.md': 'no',
      'x.tsv': '',
    });
  });

  test('are read at their ends and where an entry is, and no further than is wanted', async () => {
    const noise = Array.from({ length: 60_000 }, (_, index) => `${(index * 7919 * 31) % 1_000_003}`).join(
      ',',
    );
    const bytes = zipSync({ 'a.csv': encode(noise), 'b.csv': encode('b') });
    let read = 0;
    const blob = blobFile(new Blob([bytes as BlobPart]), 'a.zip');
    const counting: SourceFile = {
      ...blob,
      slice: async (start, end) => {
        const part = await blob.slice(start, end);
        read += part.length;
        return part;
      },
    };
    const [a] = await unpacked([counting], LIMIT * 10);
    expect(read).toBeLessThan(70_000);
    expect(new TextDecoder().decode(await a.slice(2, 10))).toBe(noise.slice(2, 10));
    expect(read).toBeLessThan(bytes.length);
    expect(new TextDecoder().decode(await wholeBytes(a, 1e9)) === noise).toBe(true);
  });

  test('unpack no more than allowed, all files together, whatever sizes they claim', async () => {
    const bomb = zipSync({ 'bomb.csv': new Uint8Array(5_000_000) });
    expect(bomb.length).toBeLessThan(100_000);
    patchDirectory(bomb, (view, at) => view.setUint32(at + 24, 10, true));
    await expect(readAll(bomb)).rejects.toThrow(/bomb\.csv in a\.zip unpacks to more than is allowed/);
    const two = zipSync({ 'a.csv': new Uint8Array(600_000), 'b.csv': new Uint8Array(600_000) });
    await expect(readAll(two)).rejects.toThrow(/b\.csv in a\.zip unpacks to more/);
    const stored = zipSync({ 'a.csv': new Uint8Array(600_000) }, { level: 0 });
    await expect(readAll(stored, 100)).rejects.toThrow(/more than is allowed/);
  });

  test('may be read twice, which counts once', async () => {
    const [file] = await unpacked(
      [memoryFile('a.zip', zipSync({ 'a.csv': new Uint8Array(600_000) }))],
      LIMIT,
    );
    for (let time = 0; time < 3; time++) expect(await wholeBytes(file, 1e9)).toHaveLength(600_000);
  });

  test('that are none, or damaged, or encrypted, are refused in a sentence', async () => {
    await expect(readAll(encode('not a zip'))).rejects.toThrow(/a\.zip is not a readable zip archive/);
    expect(await readAll(new Uint8Array(0))).toEqual({ 'a.zip': '' });
    const bytes = zipSync(files);
    await expect(readAll(bytes.subarray(0, bytes.length - 30))).rejects.toThrow(ImportError);
    const cut = zipSync({ 'a.csv': encode(Array.from({ length: 3000 }, (_, i) => `${i * 7919}`).join(',')) });
    cut.fill(0xff, 60, 200);
    await expect(readAll(cut)).rejects.toThrow(/a\.csv in a\.zip is damaged/);
    const locked = patchDirectory(zipSync({ 'a.csv': encode('abc') }), (view, at) =>
      view.setUint16(at + 8, 1, true),
    );
    await expect(readAll(locked)).rejects.toThrow(/encrypted/);
    const other = patchDirectory(zipSync({ 'a.csv': encode('abc') }), (view, at) =>
      view.setUint16(at + 10, 14, true),
    );
    await expect(readAll(other)).rejects.toThrow(/packed in a way/);
  });

  test('have their checksums looked at, deflated or stored', async () => {
    for (const level of [0, 6] as const) {
      const bytes = zipSync({ 'a.csv': encode('user,item\n1,2\n'.repeat(50)) }, { level });
      patchDirectory(bytes, (view, at) => view.setUint8(at + 16, view.getUint8(at + 16) ^ 1));
      await expect(readAll(bytes)).rejects.toThrow(
        'a.csv in a.zip is damaged: its checksum (CRC-32) does not fit; fetch the archive again.',
      );
    }
  });

  test('have names that are not UTF-8', async () => {
    const bytes = zipSync({ 'caf_.csv': encode('x') });
    for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0x5f) bytes[at] = 0xe9;
    expect(Object.keys(await readAll(bytes))).toEqual(['café.csv']);
  });

  test('with any bytes changed give what they held, or are refused: 2,000 of them', async () => {
    const texts = { 'ratings.csv': 'user,item\n1,2\n', 'b.csv': 'hello '.repeat(200) };
    const bytes = zipSync({ 'ratings.csv': encode(texts['ratings.csv']), 'b.csv': encode(texts['b.csv']) });
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (changes) => {
          const changed = bytes.slice();
          for (const [at, value] of changes) changed[at] = value;
          let read: Record<string, string>;
          try {
            read = await readAll(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(ImportError);
            return;
          }
          accepted++;
          // Names may have changed, and so the file be no archive any more; its texts may not.
          for (const text of Object.values(read)) {
            if (!text.startsWith('PK') && changed[0] === 0x50) expect(Object.values(texts)).toContain(text);
          }
        },
      ),
      { numRuns: 2000, seed: 13 },
    );
    expect(accepted).toBeGreaterThan(200);
  });
});

describe('gzip', () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `u${index % 97},i${(index * 31) % 1009}`).join(
    '\n',
  );
  const whole = gzipSync(encode(text));

  test('is opened by its content, whatever it is called, in pieces of any size', async () => {
    for (const piece of [501, 4096, 1 << 20]) {
      const [file] = await unpacked([memoryFile('d/log.csv.gz', whole.slice(), piece)], LIMIT);
      expect([file.name, file.path]).toEqual(['log.csv', 'd/log.csv']);
      expect(new TextDecoder().decode(await wholeBytes(file, 1e9))).toBe(text);
    }
    expect(await readAll(whole, LIMIT, 'log')).toEqual({ log: text });
  });

  test('of several members is one file', async () => {
    const bytes = new Uint8Array([...whole, ...gzipSync(encode('\nmore')), ...gzipSync(encode(''))]);
    expect(await readAll(bytes, LIMIT, 'a.gz')).toEqual({ a: `${text}\nmore` });
    bytes[whole.length - 6] ^= 1;
    await expect(readAll(bytes, LIMIT, 'a.gz')).rejects.toThrow(/a\.gz is damaged: its checksum/);
  });

  test('that is cut or changed is refused', async () => {
    await expect(readAll(whole.subarray(0, -1), LIMIT, 'a.gz')).rejects.toThrow(ImportError);
    await expect(readAll(whole.subarray(0, 5000), LIMIT, 'a.gz')).rejects.toThrow(/a\.gz is damaged/);
    const changed = whole.slice();
    changed[changed.length - 2] ^= 1;
    await expect(readAll(changed, LIMIT, 'a.gz')).rejects.toThrow(/its size does not fit/);
    await expect(readAll(gzipSync(new Uint8Array(5_000_000)), LIMIT, 'a.gz')).rejects.toThrow(
      /more than is allowed/,
    );
  });

  test('with any bytes changed gives what it held or is refused', async () => {
    const bytes = gzipSync(encode('user,item\n1,2\n'.repeat(30)));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        if (at < 3) return;
        const read = await readAll(changed, LIMIT, 'a.gz').catch((error) => {
          expect(error).toBeInstanceOf(ImportError);
          return null;
        });
        if (read) expect(read).toEqual({ a: 'user,item\n1,2\n'.repeat(30) });
      }),
      { numRuns: 500, seed: 13 },
    );
  });

  test('inside an archive is a table', async () => {
    const bytes = zipSync({ 'x/log.csv.gz': gzipSync(encode('user,item\na,1\nb,2\n')) });
    const [file] = await unpacked([memoryFile('a.zip', bytes)], LIMIT);
    expect(file.path).toBe('x/log.csv');
    expect((await readTable(file))!.rows).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
  });
});

test.each([
  ['BZh91AY&SY\u0001\u0002\u0003\u0004', /packed with bzip2.*unpack it first/],
  ['%PDF-1.4\n', /a PDF/],
  ['<!DOCTYPE html><html>', /an HTML page.*download the file itself/],
  ['-- MySQL dump 10.13\n--\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `a`;', /an SQL dump/],
  ['CREATE TABLE a (b int);\nINSERT INTO a VALUES (1,2),(3,4);', /an SQL dump/],
  ["{'asin': '1', 'title': 'x'}\n{'asin': '2', 'title': 'y'}", /as Python writes them/],
])('%j is refused by name', async (content, reason) => {
  await expect(openTable(memoryFile('f', content), new Problems())).rejects.toThrow(reason);
});

test.each([
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], /xz/],
  [[0x28, 0xb5, 0x2f, 0xfd, 1], /zstd/],
  [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], /7-Zip/],
  [[0x52, 0x61, 0x72, 0x21, 0x1a, 7, 0], /RAR/],
  [[0xd0, 0xcf, 0x11, 0xe0, 0xa1], /\.xls\).*save it as CSV/],
])('bytes %j are refused by name', async (bytes, reason) => {
  await expect(openTable(memoryFile('f', new Uint8Array(bytes)), new Problems())).rejects.toThrow(reason);
});

test.each([
  ['nothing', ''],
  ['blank lines', '\n \n\n'],
  ['prose', 'A readme.\n\nThis is a data set, which was made, in part, by us.\nCite it.\nThanks\nBye\nNow\n'],
  ['an image', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 1, 2, 3])],
])('%s is no table', async (_, content) => {
  expect(await openTable(memoryFile('f', content), new Problems())).toBeNull();
});
