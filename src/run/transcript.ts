/**
 * What was said in alignment, for whoever looks on: the answers of every group of the newest steps, as tokens with their probabilities, some
 * kilobytes a step. In no report and no checkpoint.
 */
import type { Rollout } from '../popo/sampling';
import type { GroupWords } from './report';

/** Bytes of one run; the oldest steps go first. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Steps of a nat in which a probability is kept: a hundredth of what the page shows of it, and e^−32 is the least. */
const NAT = 2048;

/** How tokens and items of a run are written. */
export interface Wording {
  prompt(tokens: readonly number[]): string;
  piece(token: number): string;
  item(index: number): string;
}

/** All that was said at a step. */
export interface SaidStep {
  step: number;
  /** [P·G] */
  rollouts: readonly Rollout[];
  measured: GroupWords;
  wording: Wording;
}

type Tokens = Uint16Array | Uint32Array;

interface PackedStep {
  groupSize: number;
  /** [P]: where each one's tokens end. */
  promptEnds: Uint32Array;
  promptTokens: Tokens;
  /** [P·G] */
  answerEnds: Uint32Array;
  answerTokens: Tokens;
  /** −ln P of each of them, in `NAT`ths. */
  surprises: Uint16Array;
  /** [P·G]; −1 for an answer that names none. */
  items: Int32Array;
  /**
   * Of the group that was measured after the update: P of its answers' tokens before it and after, the latter empty where it was not.
   * They are kept better, since products over an answer are set against each other.
   */
  measured: { prompt: number; before: Float32Array; after: Float32Array };
  bytes: number;
}

export class Transcript {
  readonly #steps: Map<number, PackedStep>;
  #bytes = 0;
  #wording: Wording | null;

  /** @param before what was said until a second line began */
  constructor(
    before: Transcript | null = null,
    readonly most = MOST_BYTES,
  ) {
    this.#steps = new Map(before === null ? [] : before.#steps);
    this.#bytes = before === null ? 0 : before.#bytes;
    this.#wording = before === null ? null : before.#wording;
  }

  /** Steps are taken in order; from one that is taken again on, what was said before is void. */
  keep({ step, rollouts, measured, wording }: SaidStep): void {
    this.#wording = wording;
    this.cut(step);
    const packed = packedOf(rollouts, measured);
    this.#steps.set(step, packed);
    this.#bytes += packed.bytes;
    for (const oldest of this.#steps.keys()) {
      if (this.#bytes <= this.most) break;
      this.#drop(oldest);
    }
  }

  /** Forgets this step and those after it. */
  cut(from: number): void {
    for (const step of [...this.#steps.keys()].reverse()) {
      if (step < from) break;
      this.#drop(step);
    }
  }

  /** Null where it is not kept. */
  group(step: number, prompt: number): GroupWords | null {
    const packed = this.#steps.get(step);
    const wording = this.#wording;
    if (packed === undefined || wording === null) return null;
    if (prompt < 0 || prompt >= packed.promptEnds.length) return null;
    const { groupSize, promptEnds, promptTokens, answerEnds, answerTokens, surprises, items } = packed;
    const range = (ends: Uint32Array, at: number) => [at === 0 ? 0 : ends[at - 1], ends[at]] as const;
    const { before, after } =
      packed.measured.prompt === prompt ? packed.measured : { before: null, after: new Float32Array() };
    const [begin] = range(answerEnds, prompt * groupSize);
    return {
      step,
      prompt,
      text: wording.prompt([...promptTokens.subarray(...range(promptEnds, prompt))]),
      answers: Array.from({ length: groupSize }, (_, g) => {
        const row = prompt * groupSize + g;
        const own = range(answerEnds, row);
        const within = own.map((at) => at - begin);
        return {
          pieces: Array.from(answerTokens.subarray(...own), wording.piece),
          probabilities: before
            ? Array.from(before.subarray(within[0], within[1]))
            : Array.from(surprises.subarray(...own), (nats) => Math.exp(-nats / NAT)),
          ...(after.length > 0 && { after: Array.from(after.subarray(within[0], within[1])) }),
          item: items[row] < 0 ? null : wording.item(items[row]),
        };
      }),
    };
  }

  #drop(step: number): void {
    this.#bytes -= this.#steps.get(step)?.bytes ?? 0;
    this.#steps.delete(step);
  }
}

function packedOf(rollouts: readonly Rollout[], measured: GroupWords): PackedStep {
  const groupSize = measured.answers.length;
  const prompts = rollouts.filter((_, row) => row % groupSize === 0).map(({ prompt }) => prompt);
  const logps = rollouts.flatMap((rollout) => [...rollout.logps]);
  const arrays = {
    promptEnds: endsOf(prompts),
    promptTokens: tokensOf(prompts.flat()),
    answerEnds: endsOf(rollouts.map(({ completion }) => completion)),
    answerTokens: tokensOf(rollouts.flatMap(({ completion }) => [...completion])),
    surprises: Uint16Array.from(logps, (logp) => Math.min(65_535, Math.round(-logp * NAT))),
    items: Int32Array.from(rollouts, ({ parsed }) => (parsed.valid ? parsed.item : -1)),
  };
  const before = Float32Array.from(measured.answers.flatMap(({ probabilities }) => probabilities));
  const after = Float32Array.from(measured.answers.flatMap((answer) => answer.after ?? []));
  const bytes = [...Object.values(arrays), before, after].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );
  return { groupSize, ...arrays, measured: { prompt: measured.prompt, before, after }, bytes };
}

function endsOf(parts: readonly ArrayLike<number>[]): Uint32Array {
  let end = 0;
  return Uint32Array.from(parts, ({ length }) => (end += length));
}

function tokensOf(tokens: readonly number[]): Tokens {
  return tokens.some((token) => token > 65_535) ? Uint32Array.from(tokens) : Uint16Array.from(tokens);
}
