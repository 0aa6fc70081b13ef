/** The settings that a run was made with, as the form has them. */
import { parseConfig, type RunConfig } from '../../run/config';
import { sentence } from '../words/sentence';
import type { ToldSettings } from './olderReport';

/** Of a report; `problem` says why the form cannot take them, where another version of the app wrote it. */
export async function settingsOf(
  found: ToldSettings,
): Promise<{ settings: RunConfig; problem: string | null }> {
  try {
    return { settings: parseConfig(found.config), problem: null };
  } catch (error) {
    const { configOfOlderReport } = await import('./olderReport');
    return { settings: configOfOlderReport(found), problem: sentence(error) };
  }
}
