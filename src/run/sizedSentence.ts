import { grouped } from '../numeric/grouped';
import type { RunConfig } from './config';
import { type DataSize, isSmallDevice, type SizedDevice } from './sizing';

/** What `auto` read and what it chose. */
export function sizedSentence(data: DataSize, device: SizedDevice, config: RunConfig): string {
  const { preset, text, warmup, ranker, popo, evaluate } = config;
  const what = device.isSlow ? 'a processor' : isSmallDevice(device) ? 'a small GPU' : 'a GPU';
  const [users, items, rows, tokens, warm, judged, aligned, tested] = [
    ...[data.users, data.items, data.interactions, text.vocab_size],
    ...[warmup.steps, ranker.steps, popo.steps, evaluate.users],
  ].map(grouped);
  return (
    `Auto read ${users} users, ${items} items, ${rows} rows and ${what}, and chose ${preset}: ${tokens} tokens, ` +
    `${warm} steps of warm-up, ${judged} of the ranker, ${aligned} of alignment, ${tested} test users.`
  );
}
