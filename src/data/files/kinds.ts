/** Files that are recognised by their first bytes and not read, with what to do; and those that are no text at all. */
import { detectWide } from './encodings';
import { ImportError, type SourceFile } from './sources';
import { isOfficeFile } from './unpacked';
import { isZip, readDirectory } from './zip';

/** Bytes looked at. */
const HEAD_BYTES = 4096;
/** Share of control characters from which on bytes are no text. */
const CONTROL_SHARE = 0.01;

/** A kind of file that is recognised and not read: what it is, and what to do. */
interface Refused {
  is: string;
  advice: string;
}

/** Known by bytes at the front, in Latin letters. */
export const KINDS: readonly (Refused & { begins: string })[] = [
  { begins: '\xd0\xcf\x11\xe0', is: 'an Excel workbook of the old kind (.xls)', advice: 'save it as CSV' },
  { begins: 'BZh', is: 'packed with bzip2', advice: 'unpack it first' },
  { begins: '\x28\xb5\x2f\xfd', is: 'packed with zstd', advice: 'unpack it first' },
  { begins: '\xfd7zXZ\0', is: 'packed with xz', advice: 'unpack it first' },
  { begins: '7z\xbc\xaf\x27\x1c', is: 'a 7-Zip archive', advice: 'unpack it and choose the folder' },
  { begins: 'Rar!\x1a\x07', is: 'a RAR archive', advice: 'unpack it and choose the folder' },
  { begins: '%PDF-', is: 'a PDF', advice: 'save its table as CSV' },
  { begins: 'SQLite format 3\0', is: 'an SQLite database', advice: 'save its tables as CSV' },
  { begins: '\x89HDF\r\n', is: 'an HDF5 file', advice: 'save its table as CSV' },
  { begins: '\x93NUMPY', is: 'a NumPy array', advice: 'save it as CSV' },
  { begins: 'ARROW1\0', is: 'an Arrow (Feather) file', advice: 'save it as Parquet or CSV' },
  { begins: 'Obj\x01', is: 'an Avro file', advice: 'save it as Parquet or CSV' },
  { begins: 'ORC', is: 'an ORC file', advice: 'save it as Parquet or CSV' },
];

/** Known by how their text begins. */
export const TEXTS: readonly (Refused & { begins: RegExp })[] = [
  {
    begins: /^<(!doctype html|html|head|body)\b/i,
    is: 'an HTML page, not the file that it links to',
    advice: 'download the file itself',
  },
  { begins: /^<\?xml|^<[a-z][\w:-]*[\s>]/i, is: 'XML', advice: 'save its table as CSV' },
  {
    begins:
      /^(--[^\n]*\n|\/\*[^\n]*\n|\s)*(SET |USE |DROP TABLE|CREATE (TABLE|DATABASE)|INSERT INTO|BEGIN;|PRAGMA |LOCK TABLES)/i,
    is: 'an SQL dump',
    advice: 'save its tables as CSV',
  },
  {
    begins: /^version https:\/\/git-lfs/,
    is: 'a pointer of Git LFS, not the file',
    advice: 'fetch the file itself',
  },
];

/** Known by what stands further in. */
export const ARCHIVES = {
  tar: { is: 'a tar archive', advice: 'unpack it and choose the folder' },
  workbook: { is: 'an Excel workbook (.xlsx)', advice: 'save it as CSV' },
  office: { is: 'an Office document', advice: 'save its table as CSV' },
  nested: { is: 'an archive inside an archive', advice: 'unpack it and choose the folder instead' },
} as const satisfies Record<string, Refused>;

/**
 * What kind of file it is: text, Parquet, or none that holds a table.
 * @throws ImportError that names what it is and what to do, where it is known and not read
 */
export async function kindOf(file: SourceFile): Promise<'text' | 'parquet' | null> {
  const head = await file.slice(0, HEAD_BYTES);
  const letters = String.fromCharCode(...head);
  if (letters.startsWith('PAR1')) return 'parquet';
  if (isZip(head)) throw await zipRefusal(file);
  const known = KINDS.find(({ begins }) => letters.startsWith(begins));
  if (known && (known.begins.length > 3 || isBinary(head))) throw refusal(file, known);
  if (letters.slice(257, 262) === 'ustar') throw refusal(file, ARCHIVES.tar);
  const text = letters.replace(/^\xef\xbb\xbf/, '').trimStart();
  const written = TEXTS.find(({ begins }) => begins.test(text));
  if (written) throw refusal(file, written);
  return isBinary(head) ? null : 'text';
}

function refusal(file: SourceFile, { is, advice }: Refused): ImportError {
  return new ImportError(`${file.name} is ${is}, which is not read here: ${advice}.`);
}

async function zipRefusal(file: SourceFile): Promise<ImportError> {
  const entries = await readDirectory(file).catch(() => []);
  if (entries.some(({ path }) => /^xl\//.test(path))) return refusal(file, ARCHIVES.workbook);
  return refusal(file, isOfficeFile(entries) ? ARCHIVES.office : ARCHIVES.nested);
}

/** By control characters that no text has. Zeros in every other byte are UTF-16. */
function isBinary(head: Uint8Array): boolean {
  let [controls, zeros] = [0, 0];
  for (const byte of head) {
    if (byte === 0) zeros++;
    else if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) controls++;
  }
  return controls + zeros > head.length * CONTROL_SHARE && detectWide(head) === null;
}
