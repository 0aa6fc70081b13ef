/**
 * A run as it was told, in a file: its events, in the order in which a page is told them, and what is to be said of it. Whoever is told
 * the first of them again sees the run as it stood then.
 */
import type { RunConfig } from './config';
import type { DeviceInfo, PopoStep, Report, RunEvent } from './report';

/** Of the file. Another one is refused, also where the app is newer; a recording of an older app in this form is not. */
const FORM = 1;

export interface Recording {
  form: typeof FORM;
  /** Version of the app that made it. */
  app: string;
  /** As the report has it. */
  config: RunConfig;
  rewardNames: string[];
  /** Of the report: with its fingerprint. */
  link: string;
  device: Omit<DeviceInfo, 'limits'>;
  /** All that the run took. */
  seconds: number;
  /** When it ended, as `2026-11-26`. */
  day: string;
  events: RunEvent[];
}

/**
 * Significant digits: of perplexities, which are only drawn; of what no panel shows; and of probabilities, whose products over an answer
 * are set against each other with four decimals.
 */
const DIGITS = { perplexities: 4, unseen: 3, probabilities: 7 } as const;

/**
 * @param events all that the run told, from its beginning to its end
 * @param day as `2026-11-26`
 */
export function recordingOf(report: Report, events: readonly RunEvent[], day: string): Recording {
  const { limits: _, ...device } = report.device;
  // What was told before the run went on from an earlier checkpoint is void.
  const from = events.findLastIndex(({ type }) => type === 'again') + 1;
  return {
    form: FORM,
    app: report.app,
    config: report.config,
    rewardNames: report.popo.rewardNames,
    link: report.link,
    device,
    seconds: report.timings.total,
    day,
    events: events.slice(from).flatMap((event) => keptOf(event) ?? []),
  };
}

/** Null for what concerns only the device and the moment that trained: how fast it goes, what is compiled and kept, what it says to a person. */
function keptOf(event: RunEvent): RunEvent | null {
  switch (event.type) {
    case 'progress':
    case 'compiling':
    case 'checkpoint':
    case 'device':
    case 'asked':
    case 'notice':
    case 'divergence':
    case 'again':
      return null;
    case 'loss':
      return {
        ...event,
        loss: short(event.loss),
        gradNorm: rounded(event.gradNorm, DIGITS.unseen),
        learningRate: rounded(event.learningRate, DIGITS.unseen),
      };
    case 'cots':
      return { ...event, ppl: event.ppl.map((ppl) => rounded(ppl, DIGITS.perplexities)) };
    case 'popo':
      return { ...event, step: withSingles(event.step, short) };
    case 'group': {
      const short = (values: number[]) => values.map((value) => rounded(value, DIGITS.probabilities));
      const answers = event.group.answers.map(({ probabilities, after, ...answer }) => ({
        ...answer,
        probabilities: short(probabilities),
        ...(after && { after: short(after) }),
      }));
      return { ...event, group: { ...event.group, answers } };
    }
    default:
      return event;
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/** A number of single precision in as few digits as tell it from the others; `Math.fround` has it back to the bit. */
function short(value: number): number {
  for (let digits = 1; digits < 9; digits++)
    if (Math.fround(rounded(value, digits)) === value) return rounded(value, digits);
  return value;
}

/** What of a step there is much of, and is of single precision. */
function withSingles(step: PopoStep, each: (value: number) => number): PopoStep {
  return {
    ...step,
    rewards: step.rewards.map((group) => group.map((values) => values.map(each))),
    advantages: step.advantages.map((values) => values.map(each)),
  };
}

function restored(event: RunEvent): RunEvent {
  if (event.type === 'loss') return { ...event, loss: Math.fround(event.loss) };
  return event.type === 'popo' ? { ...event, step: withSingles(event.step, Math.fround) } : event;
}

/** The file's bytes: gzip, which every browser unpacks. */
export async function packRecording(recording: Recording): Promise<Uint8Array<ArrayBuffer>> {
  return through(new Blob([JSON.stringify(recording)]), new CompressionStream('gzip'));
}

/** @throws an Error with one sentence where it is damaged, no recording, of a form that is not known, or the browser is too old */
export async function unpackRecording(bytes: Uint8Array<ArrayBuffer>): Promise<Recording> {
  if (typeof DecompressionStream === 'undefined')
    throw new Error('This browser cannot unpack it: Chrome 80, Firefox 113 and Safari 16.4 can.');
  let found: Partial<Recording> | null;
  try {
    const text = await through(new Blob([bytes]), new DecompressionStream('gzip'));
    found = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    throw new Error('The recording is damaged or cut off.');
  }
  if (typeof found?.form !== 'number') throw new Error('The file is no recording of a run.');
  if (found.form !== FORM)
    throw new Error(`The recording is of form ${found.form}, and this page knows form ${FORM} alone.`);
  if (!isWhole(found)) throw new Error('The recording is not whole: something that it must say is missing.');
  return { ...found, events: found.events.map(restored) };
}

function isWhole(found: Partial<Recording>): found is Recording {
  const { app, config, rewardNames, link, device, seconds, day, events } = found;
  return (
    [app, link, day, device?.backend].every((text) => typeof text === 'string') &&
    typeof config === 'object' &&
    config !== null &&
    typeof seconds === 'number' &&
    Array.isArray(rewardNames) &&
    Array.isArray(events) &&
    events.some(({ type }) => type === 'popo')
  );
}

async function through(
  blob: Blob,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(blob.stream().pipeThrough(stream)).arrayBuffer());
}

/**
 * The events by how many steps of alignment had been taken: those before the first, then those of each step with what was measured after
 * it. With the last step comes all that followed alignment.
 */
export function chaptersOf(events: readonly RunEvent[]): RunEvent[][] {
  const chapters: RunEvent[][] = [[]];
  let steps = 0;
  for (const event of events) {
    const { length } = chapters;
    // The words of a step's group come just before the step.
    const begins = event.type === 'group' || (event.type === 'popo' && length === steps + 1);
    if (begins) chapters.push([]);
    chapters[chapters.length - 1].push(event);
    if (event.type === 'popo') steps++;
  }
  return chapters;
}
