/** Reads chosen files out of a zip archive, and no more bytes than allowed: sizes in the archive are only a claim. */
import { Inflate } from 'fflate';
import { ImportError, type SourceFile } from './sources';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_SIZE = 22;
const MAX_COMMENT = 0xffff;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const MAX_ENTRIES = 10_000;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
/** Compressed bytes at a time: at deflate's highest ratio (1032) they unpack to 16 MiB. */
const PIECE_BYTES = 16 * 1024;

/** Whether bytes begin as a zip archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 0x03 || bytes[2] === 0x05);
}

/**
 * The archive's tables (names that end in .csv, .tsv or .txt), unpacked when their `bytes()` are asked for. All of them
 * together may unpack to `maxUnpackedBytes`.
 * @throws ImportError, also from `bytes()`: not an archive, damaged, encrypted, too large
 */
export function openArchive(name: string, bytes: Uint8Array, maxUnpackedBytes: number): SourceFile[] {
  let budget = maxUnpackedBytes;
  return readDirectory(name, bytes).map((entry) => ({
    name: entry.path.split('/').at(-1)!,
    path: entry.path,
    bytes: async () => {
      const unpacked = unpack(`${entry.path} in ${name}`, bytes, entry, budget);
      budget -= unpacked.length;
      return unpacked;
    },
  }));
}

interface Entry {
  path: string;
  flags: number;
  method: number;
  compressedSize: number;
  offset: number;
}

function readDirectory(name: string, bytes: Uint8Array): Entry[] {
  const broken = () =>
    new ImportError(`${name} is not a readable zip archive: unpack it and choose the folder instead.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - END_SIZE;
  const first = Math.max(0, end - MAX_COMMENT);
  while (end >= first && view.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < first || end < 0) throw broken();
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) {
    throw new ImportError(
      `${name} is a zip64 archive, which is not read here: unpack it and choose the folder instead.`,
    );
  }
  if (count > MAX_ENTRIES)
    throw new ImportError(`${name} holds ${count} files; at most ${MAX_ENTRIES} are looked through.`);
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    if (at + ENTRY_SIZE > bytes.length || view.getUint32(at, true) !== DIRECTORY_ENTRY) throw broken();
    const nameLength = view.getUint16(at + 28, true);
    const path = new TextDecoder().decode(bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength));
    if (/\.(csv|tsv|txt)$/i.test(path)) {
      entries.push({
        path,
        flags: view.getUint16(at + 8, true),
        method: view.getUint16(at + 10, true),
        compressedSize: view.getUint32(at + 20, true),
        offset: view.getUint32(at + 42, true),
      });
    }
    at += ENTRY_SIZE + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

function unpack(what: string, bytes: Uint8Array, entry: Entry, budget: number): Uint8Array {
  const damaged = (cause?: unknown) =>
    new ImportError(`${what} is damaged: fetch the archive again.`, { cause });
  const tooLarge = () =>
    new ImportError(
      `${what} unpacks to more than is allowed in all: unpack it and choose the folder instead.`,
    );
  if (entry.flags & ENCRYPTED)
    throw new ImportError(`${what} is encrypted: unpack it and choose the folder instead.`);
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new ImportError(
      `${what} is packed in a way that is not read here: unpack it and choose the folder instead.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (entry.offset + LOCAL_SIZE > bytes.length || view.getUint32(entry.offset, true) !== LOCAL_HEADER)
    throw damaged();
  const start =
    entry.offset +
    LOCAL_SIZE +
    view.getUint16(entry.offset + 26, true) +
    view.getUint16(entry.offset + 28, true);
  const packed = bytes.subarray(start, start + entry.compressedSize);
  if (packed.length < entry.compressedSize) throw damaged();
  if (entry.method === STORED) {
    if (packed.length > budget) throw tooLarge();
    return packed;
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  let isComplete = false;
  const inflate = new Inflate((piece, isFinal) => {
    pieces.push(piece);
    size += piece.length;
    isComplete = isFinal;
  });
  try {
    for (let offset = 0; offset < packed.length && size <= budget; offset += PIECE_BYTES) {
      inflate.push(packed.subarray(offset, offset + PIECE_BYTES), offset + PIECE_BYTES >= packed.length);
    }
  } catch (error) {
    throw damaged(error);
  }
  if (size > budget) throw tooLarge();
  if (!isComplete) throw damaged();
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
