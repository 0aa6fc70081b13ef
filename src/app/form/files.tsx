import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useSession } from '../state/context';
import { takeDrops } from './drop';

/** What a file dialog offers first; what is in a file is found out from the file. */
const OFFERED = '.csv,.tsv,.txt,.zip,.gz,.dat,.data,.item,.inter,.user,.jsonl,.ndjson,.json,.parquet';

/** Where files come in: dropped anywhere on the page, or from the dialog that the data's tile opens. */
export function FilesInput() {
  const session = useSession();
  const over = useSignal(false);
  useEffect(() => {
    return takeDrops(
      (files) => void session.takeFiles(files),
      (hovering) => {
        over.value = hovering;
      },
    );
  }, [session, over]);
  return (
    <input
      type="file"
      data-files="data"
      data-over={over.value}
      aria-label="Your own files"
      multiple
      hidden
      accept={OFFERED}
      onChange={(event) => {
        const files = [...(event.currentTarget.files ?? [])];
        event.currentTarget.value = '';
        void session.takeFiles(files);
      }}
    />
  );
}

/** Opens the dialog. */
export function pickFiles(): void {
  document.querySelector<HTMLInputElement>('[data-files=data]')?.click();
}
