import type { BaselineName } from '../../evaluate/baselines/names';
import { BASELINE_LABELS } from '../../evaluate/baselines/verdict';

/** A row that no stage trained, as the head of its line. */
export function labelOf(stage: string): string {
  const text = (BASELINE_LABELS[stage as BaselineName] ?? stage).replace(/^the /, '');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
