/** The recorded runs that lie beside the page. `npm run recorded` makes them, and recordings.json. */
import recordings from './recordings.json';

/** A file beside the page that it was built with. */
export interface FileBeside {
  /** Its path. */
  file: string;
  bytes: number;
  sha256: string;
}

export interface RecordingBeside extends FileBeside {
  /** The weights that its alignment came to; absent where none were written. */
  aligned?: FileBeside;
}

export const RECORDINGS: readonly RecordingBeside[] = recordings;
