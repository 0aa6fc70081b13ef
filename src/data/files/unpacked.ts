/** The visitor's files as importers want them: archives opened, in order, without what operating systems leave beside. */
import { gunzipped, isGzip, perhapsGunzipped } from './gzip';
import { Allowance } from './packed';
import { baseName, type SourceFile } from './sources';
import { type Entry, isZip, openEntry, readDirectory } from './zip';

/** Names of archives that may have a program in front, so that they do not begin as archives do. */
const ARCHIVE_NAME = /\.(zip|exe|sfx)$/;

/**
 * The files themselves, with zip archives and .gz files opened, which are known by content; in the order of their paths.
 * Nothing is unpacked before it is read. Workbooks (.xlsx) and archives in archives stay closed: `openTable` names them.
 * @param maxUnpackedBytes what may come out of archives, all together; only what is read counts
 * @throws ImportError: an archive whose directory cannot be read
 */
export async function unpacked(files: SourceFile[], maxUnpackedBytes: number): Promise<SourceFile[]> {
  const allowance = new Allowance(maxUnpackedBytes);
  const opened: SourceFile[] = [];
  for (const file of usable(files)) {
    const head = await file.slice(0, 4);
    if (isGzip(head)) opened.push(gunzipped(file, allowance));
    else if (isZip(head) || (head.length > 0 && ARCHIVE_NAME.test(baseName(file)))) {
      const entries = await readDirectory(file);
      if (isOfficeFile(entries)) opened.push(file);
      else
        opened.push(
          ...entries.map((entry) => perhapsGunzipped(openEntry(file, entry, allowance), allowance)),
        );
    } else opened.push(file);
  }
  return usable(opened);
}

/** Whether an archive is a workbook or another document of Office. */
export function isOfficeFile(entries: readonly Entry[]): boolean {
  return entries.some(({ path }) => path === '[Content_Types].xml' || path === 'content.xml');
}

function usable(files: SourceFile[]): SourceFile[] {
  const path = (file: SourceFile) => file.path ?? file.name;
  return files
    .filter((file) => !baseName(file).startsWith('.') && !/(^|[/\\])__MACOSX[/\\]/.test(path(file)))
    .sort((a, b) => (path(a) < path(b) ? -1 : path(a) > path(b) ? 1 : 0));
}
