/** What an opened link says came out for its maker. It stays beside whatever is trained here, until another link or run is opened. */
import { signal } from '@preact/signals';
import type { RunChange } from '../../run/changes';
import type { RunConfig } from '../../run/config';
import type { ParsedLink } from '../../run/link';
import type { NoticeLevel } from '../../run/report';
import type { LinkResult } from '../../run/result/linkResult';
import type { LinkedColumns } from './linkedColumns';

export interface Linked {
  /** Of the link, whatever the form holds by now. */
  config: RunConfig;
  changes: readonly RunChange[];
  /** Null while it is being read. */
  found: { result: LinkResult; columns: LinkedColumns } | null;
}

/** @param say where it is said that a result cannot be read */
export function createLinkedResult(say: (level: NoticeLevel, message: string) => void) {
  const linked = signal<Linked | null>(null);

  /** Takes what a link carries; nothing where it carries no result. */
  async function open({ config, changes, result: text }: ParsedLink): Promise<void> {
    const opened: Linked = { config, changes, found: null };
    linked.value = text === null ? null : opened;
    if (text === null) return;
    let problem: string | null;
    let found: Linked['found'] = null;
    try {
      const { readLinked } = await import('./linkedColumns');
      ({ found, problem } = await readLinked(text, config));
    } catch {
      problem = 'What reads the result in this link could not be loaded: reload the page.';
    }
    // Another link was opened meanwhile.
    if (linked.value !== opened) return;
    linked.value = found === null ? null : { ...opened, found };
    if (problem !== null) say('warning', problem);
  }

  function close(): void {
    linked.value = null;
  }

  return { linked, open, close };
}
