/** The link of what the page shows, and of what the form would run. */
import type { ReadonlySignal } from '@preact/signals';
import type { RunChange } from '../../run/changes';
import { parseConfig, type RunConfig } from '../../run/config';
import { formatLink } from '../../run/link';
import type { Report } from '../../run/report';

interface Shown {
  /** What the form holds. */
  config: ReadonlySignal<RunConfig>;
  changes: ReadonlySignal<readonly RunChange[]>;
  /** Of the run on show; null while there is none. */
  runConfig: ReadonlySignal<RunConfig | null>;
  report: ReadonlySignal<Report | null>;
  view: { changes: ReadonlySignal<readonly RunChange[]> };
  runIsOn(): boolean;
}

export function createLinks({ config, changes, runConfig, report, view, runIsOn }: Shown) {
  function formLink(): string {
    return formatLink(config.value, null, null, changes.value);
  }

  /** What is shown as the fragment of a link, with its `#`; with its fingerprint when it has ended. */
  function link(): string {
    const shown = report.value;
    const begun = runConfig.value;
    if (shown === null && begun !== null && runIsOn())
      return formatLink(begun, null, null, view.changes.value);
    if (shown === null) return formLink();
    try {
      const { dataset, fingerprint } = shown;
      return formatLink(parseConfig(shown.config), dataset.sha256, fingerprint, shown.changes);
    } catch {
      // Of another version of the app: the link that the run was given then.
      return shown.link;
    }
  }

  return { formLink, link };
}
