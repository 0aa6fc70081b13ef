/** A file of the browser's (or of Node's), read by slices so that it may be larger than memory. */
import { ImportError, type SourceFile } from './sources';

const PIECE_BYTES = 256 * 1024;

/**
 * @param path with folders, where it came from one
 * @returns the file; its methods throw ImportError when the disk no longer gives it
 */
export function blobFile(blob: Blob, name: string, path?: string): SourceFile {
  const slice = async (start: number, end: number) => {
    try {
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ImportError(`${name} cannot be read (${reason}).`, { cause: error });
    }
  };
  return {
    name,
    path,
    size: blob.size,
    slice,
    async *chunks() {
      for (let start = 0; start < blob.size; start += PIECE_BYTES) yield slice(start, start + PIECE_BYTES);
    },
  };
}
