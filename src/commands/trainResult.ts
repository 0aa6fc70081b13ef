import type { Report } from '../run/report';

/** What a run leaves, wherever it ran. */
export interface TrainResult {
  report: Report;
  files: { name: string; bytes: Uint8Array }[];
}
