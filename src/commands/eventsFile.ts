/** events.jsonl: all that a run told, one event a line, under a line that says when it ended. */
import type { RunEvent } from '../run/report';

const NAME = 'events.jsonl';

/** Of a run that has just ended. */
export function eventsFile(events: readonly RunEvent[]): { name: string; bytes: Uint8Array } {
  const lines = [{ endedAt: new Date().toISOString() }, ...events].map((line) => JSON.stringify(line));
  return { name: NAME, bytes: new TextEncoder().encode(`${lines.join('\n')}\n`) };
}

/** @returns `day` as `2026-11-26`, in UTC. @throws an Error where it is no such file */
export function readEvents(text: string): { day: string; events: RunEvent[] } {
  const [first, ...lines] = text.split('\n').filter(Boolean);
  const { endedAt } = JSON.parse(first ?? '{}') as { endedAt?: unknown };
  if (typeof endedAt !== 'string')
    throw new Error(`${NAME} does not begin with when its run ended: train with --record.`);
  return { day: endedAt.slice(0, 10), events: lines.map((line) => JSON.parse(line) as RunEvent) };
}
