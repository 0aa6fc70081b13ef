/**
 * Opens zip archives: the directory at the end is read by a slice, and an entry is unpacked in a stream when it is read,
 * and no more of it than that takes. Sizes in the archive are only a claim.
 */
import { Inflate } from 'fflate';
import { crc32 } from './crc32';
import { detectEncoding } from './encodings';
import { type Allowance, packedFile } from './packed';
import { ImportError, type SourceFile } from './sources';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_SIZE = 22;
const MAX_COMMENT = 0xffff;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const MAX_ENTRIES = 10_000;
/** An entry with the longest name, remarks and comment that there may be is shorter. */
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
const UTF8_NAME = 1 << 11;
/** What stands where a number is too large for 32 bits; the number is in the entry's zip64 remark. */
const IN_ZIP64 = 0xffffffff;
const ZIP64_REMARK = 1;
/** Compressed bytes at a time, at most: at deflate's highest ratio (1032) they unpack to 16 MiB. */
const MAX_PIECE_BYTES = 16 * 1024;
const MIN_PIECE_BYTES = 64;
/** Compressed bytes read at a time, at most. */
const MAX_READ_BYTES = 256 * 1024;
/** Bytes that a piece shall unpack to, if the archive's sizes are right. */
const UNPACKED_PIECE_BYTES = 64 * 1024;

/** Whether bytes begin as a zip archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 0x03 || bytes[2] === 0x05);
}

/** What an archive's directory says of one file in it. */
export interface Entry {
  path: string;
  flags: number;
  method: number;
  crc: number;
  compressedSize: number;
  size: number;
  offset: number;
}

/**
 * The files in an archive (folders left out), as its directory has them.
 * @throws ImportError: no archive, damaged, zip64, too many files
 */
export async function readDirectory(archive: SourceFile): Promise<Entry[]> {
  const { name } = archive;
  const broken = () =>
    new ImportError(`${name} is not a readable zip archive: unpack it and choose the folder instead.`);
  const tailStart = Math.max(0, archive.size - END_SIZE - MAX_COMMENT);
  const tail = viewOf(await archive.slice(tailStart, archive.size));
  let end = tail.byteLength - END_SIZE;
  while (end >= 0 && tail.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw broken();
  const count = tail.getUint16(end + 10, true);
  const length = tail.getUint32(end + 12, true);
  const claimed = tail.getUint32(end + 16, true);
  if (count === 0xffff || length === IN_ZIP64 || claimed === IN_ZIP64) {
    throw new ImportError(
      `${name} is a zip64 archive, which is not read here: unpack it and choose the folder instead.`,
    );
  }
  if (count > MAX_ENTRIES)
    throw new ImportError(`${name} holds ${count} files; at most ${MAX_ENTRIES} are looked through.`);
  if (length > MAX_DIRECTORY_BYTES) throw broken();
  // Offsets count from where the archive began before something was put in front of it.
  const start = tailStart + end - length;
  const shift = start - claimed;
  if (start < 0 || shift < 0) throw broken();
  return parseEntries(viewOf(await archive.slice(start, start + length)), count, shift, broken);
}

function parseEntries(
  directory: DataView<ArrayBufferLike>,
  count: number,
  shift: number,
  broken: () => ImportError,
): Entry[] {
  const entries: Entry[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + ENTRY_SIZE > directory.byteLength || directory.getUint32(at, true) !== DIRECTORY_ENTRY)
      throw broken();
    const flags = directory.getUint16(at + 8, true);
    const nameEnd = at + ENTRY_SIZE + directory.getUint16(at + 28, true);
    const remarksEnd = nameEnd + directory.getUint16(at + 30, true);
    if (remarksEnd > directory.byteLength) throw broken();
    const path = nameOf(bytesOf(directory, at + ENTRY_SIZE, nameEnd), flags);
    const [size, compressedSize, offset] = wideNumbers(directory, at, nameEnd, remarksEnd);
    if (!path.endsWith('/')) {
      const method = directory.getUint16(at + 10, true);
      const crc = directory.getUint32(at + 16, true);
      entries.push({ path, flags, method, crc, compressedSize, size, offset: offset + shift });
    }
    at = remarksEnd + directory.getUint16(at + 32, true);
  }
  return entries;
}

/** Size, compressed size and offset of the entry at `at`, from its zip64 remark where they are too large for 32 bits. */
function wideNumbers(directory: DataView, at: number, start: number, end: number): number[] {
  const numbers = [24, 20, 42].map((field) => directory.getUint32(at + field, true));
  for (let remark = start; remark + 4 <= end; ) {
    const remarkEnd = remark + 4 + directory.getUint16(remark + 2, true);
    if (directory.getUint16(remark, true) === ZIP64_REMARK) {
      let field = remark + 4;
      return numbers.map((number) => {
        if (number !== IN_ZIP64 || field + 8 > Math.min(remarkEnd, end)) return number;
        field += 8;
        return Number(directory.getBigUint64(field - 8, true));
      });
    }
    remark = remarkEnd;
  }
  return numbers;
}

function nameOf(bytes: Uint8Array, flags: number): string {
  const encoding = flags & UTF8_NAME ? 'utf-8' : detectEncoding(bytes).encoding;
  return new TextDecoder(encoding).decode(bytes).replaceAll('\\', '/');
}

/**
 * One file of an archive; nothing is read of it yet.
 * @returns the file; its methods throw ImportError when it is damaged, encrypted, packed in another way, or too large
 */
export function openEntry(archive: SourceFile, entry: Entry, allowance: Allowance): SourceFile {
  const what = `${entry.path} in ${archive.name}`;
  const { path, size } = entry;
  const unpack = () => unpackEntry(archive, entry, what);
  return packedFile({ name: path.split('/').at(-1)!, path, size, unpack }, what, allowance);
}

async function* unpackEntry(archive: SourceFile, entry: Entry, what: string): AsyncGenerator<Uint8Array> {
  if (entry.flags & ENCRYPTED)
    throw new ImportError(`${what} is encrypted: unpack it and choose the folder instead.`);
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new ImportError(
      `${what} is packed in a way that is not read here: unpack it and choose the folder instead.`,
    );
  }
  let crc = 0;
  let size = 0;
  for await (const piece of inflated(archive, entry, what)) {
    crc = crc32(piece, crc);
    size += piece.length;
    yield piece;
  }
  if (crc !== entry.crc) throw damaged(what, 'its checksum (CRC-32) does not fit');
  if (size !== entry.size) throw damaged(what, 'its size does not fit');
}

function damaged(what: string, why: string, cause?: unknown): ImportError {
  return new ImportError(`${what} is damaged: ${why}; fetch the archive again.`, { cause });
}

async function* inflated(archive: SourceFile, entry: Entry, what: string): AsyncGenerator<Uint8Array> {
  const header = viewOf(await archive.slice(entry.offset, entry.offset + LOCAL_SIZE));
  if (header.byteLength < LOCAL_SIZE || header.getUint32(0, true) !== LOCAL_HEADER)
    throw damaged(what, 'it is not where the directory says');
  const start = entry.offset + LOCAL_SIZE + header.getUint16(26, true) + header.getUint16(28, true);
  const end = start + entry.compressedSize;
  if (end > archive.size) throw damaged(what, 'the archive ends too early');
  let out: Uint8Array[] = [];
  let isComplete = entry.method === STORED;
  const inflate = new Inflate((piece, isFinal) => {
    out.push(piece);
    isComplete = isFinal;
  });
  const wanted = Math.round((UNPACKED_PIECE_BYTES * entry.compressedSize) / Math.max(1, entry.size));
  const step = Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, wanted));
  for await (const piece of range(archive, start, end)) {
    for (let at = 0; at < piece.length; at += step) {
      const part = piece.subarray(at, at + step);
      if (entry.method === STORED) out.push(part);
      else {
        try {
          inflate.push(part);
        } catch (error) {
          throw damaged(what, 'it cannot be unpacked', error);
        }
      }
      yield* out;
      out = [];
    }
  }
  if (entry.method === DEFLATED) {
    try {
      inflate.push(new Uint8Array(0), true);
    } catch (error) {
      throw damaged(what, 'it ends too early', error);
    }
    yield* out;
  }
  if (!isComplete) throw damaged(what, 'it ends too early');
}

/** Bytes [start, end) in pieces, small ones first: often only the head is wanted. */
async function* range(file: SourceFile, start: number, end: number): AsyncGenerator<Uint8Array> {
  let step = MAX_PIECE_BYTES;
  for (let at = start; at < end; ) {
    const next = Math.min(end, at + step);
    yield file.slice(at, next);
    at = next;
    step = Math.min(step * 2, MAX_READ_BYTES);
  }
}

function viewOf(bytes: Uint8Array): DataView<ArrayBufferLike> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(view: DataView, start: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}
