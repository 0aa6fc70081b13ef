import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { isZip, openArchive } from '../../src/data/files/archive';
import { ImportError } from '../../src/data/files/sources';

const LIMIT = 1_000_000;
const encode = (text: string) => new TextEncoder().encode(text);

function zip(files: Record<string, Uint8Array>, level: 0 | 6 = 6): Uint8Array {
  return zipSync(files, { level });
}

async function readAll(bytes: Uint8Array, limit = LIMIT): Promise<Record<string, string>> {
  const read: Record<string, string> = {};
  for (const file of openArchive('a.zip', bytes, limit)) {
    read[file.path!] = new TextDecoder().decode(await file.bytes());
  }
  return read;
}

describe('archives', () => {
  const files = {
    'ml/ratings.csv': encode('a,b\n'.repeat(20_000)),
    'ml/readme.md': encode('no'),
    'x.tsv': encode(''),
  };

  test.each([0, 6] as const)('give their tables, at level %i', async (level) => {
    const bytes = zip(files, level);
    expect(isZip(bytes)).toBe(true);
    expect(await readAll(bytes)).toEqual({ 'ml/ratings.csv': 'a,b\n'.repeat(20_000), 'x.tsv': '' });
  });

  test('unpack no more than allowed, all files together, whatever sizes they claim', async () => {
    const bomb = zip({ 'bomb.csv': new Uint8Array(20_000_000) });
    expect(bomb.length).toBeLessThan(100_000);
    // The claimed size is in the directory 24 bytes from an entry's start; make it a lie.
    const view = new DataView(bomb.buffer, bomb.byteOffset, bomb.byteLength);
    for (let at = 0; at < bomb.length - 46; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 10, true);
    await expect(readAll(bomb)).rejects.toThrow(/bomb\.csv in a\.zip unpacks to more than is allowed/);
    const two = zip({ 'a.csv': new Uint8Array(600_000), 'b.csv': new Uint8Array(600_000) });
    await expect(readAll(two)).rejects.toThrow(/b\.csv in a\.zip unpacks to more/);
    await expect(readAll(zip({ 'a.csv': new Uint8Array(600_000) }, 0), 100)).rejects.toThrow(
      /more than is allowed/,
    );
  });

  test('that are none, or damaged, or encrypted, are refused in a sentence', async () => {
    await expect(readAll(encode('not a zip'))).rejects.toThrow(/a\.zip is not a readable zip archive/);
    await expect(readAll(new Uint8Array(0))).rejects.toThrow(ImportError);
    const bytes = zip(files);
    await expect(readAll(bytes.subarray(0, bytes.length - 30))).rejects.toThrow(ImportError);
    const cut = zip({ 'a.csv': encode(Array.from({ length: 3000 }, (_, i) => `${i * 7919}`).join(',')) });
    cut.fill(0xff, 60, 200);
    await expect(readAll(cut)).rejects.toThrow(/a\.csv in a\.zip is damaged/);
    const locked = zip({ 'a.csv': encode('abc') });
    const view = new DataView(locked.buffer, locked.byteOffset, locked.byteLength);
    for (let at = 0; at < locked.length - 46; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint16(at + 8, 1, true);
    await expect(readAll(locked)).rejects.toThrow(/encrypted/);
  });

  test('with any bytes changed are read or refused, never anything else', async () => {
    const bytes = zip({ 'ratings.csv': encode('user,item\n1,2\n'), 'b.csv': encode('hello '.repeat(200)) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const changed = bytes.slice();
          for (const [at, value] of changes) changed[at] = value;
          await readAll(changed).catch((error) => expect(error).toBeInstanceOf(ImportError));
        },
      ),
      { numRuns: 500 },
    );
  });
});
