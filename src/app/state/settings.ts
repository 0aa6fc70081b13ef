/** The settings that a run was made with, as the form has them. */
import { parseConfig, type RunConfig } from '../../run/config';
import type { Report } from '../../run/report';
import { sentence } from '../words/sentence';

/** Of a report; `problem` says why the form cannot take them, where another version of the app wrote it. */
export async function settingsOf(found: Report): Promise<{ settings: RunConfig; problem: string | null }> {
  try {
    return { settings: parseConfig(found.config), problem: null };
  } catch (error) {
    const { configOfOlderReport } = await import('./olderReport');
    return { settings: configOfOlderReport(found), problem: sentence(error) };
  }
}
