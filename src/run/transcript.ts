/**
 * What was said in alignment, for whoever looks on: the answers of every group of the newest steps, with the probabilities of their tokens,
 * some kilobytes a step. In no report and no checkpoint: a store keeps it beside them.
 */
import type { Rollout } from '../popo/sampling';
import { sizeOf } from '../store/size';
import { MOST_TRANSCRIPT_BYTES } from '../store/transcripts';
import type { GroupWords } from './report';

/** Steps of a nat in which a probability is kept: a hundredth of what the page shows of it, and e^−32 is the least. */
const NAT = 2048;

/** How tokens and items of a run are written. */
export interface Wording {
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

type Indices = Uint16Array | Uint32Array;

/** A step as it is kept: plain data that a structured clone can carry, with all the words that it takes, so that nothing else is needed to read it. */
export interface PackedStep {
  step: number;
  groupSize: number;
  /** What tokens are written as, each once. */
  pieces: string[];
  /** [P]: where each one's pieces end. */
  promptEnds: Uint32Array;
  promptPieces: Indices;
  /** [P·G] */
  answerEnds: Uint32Array;
  answerPieces: Indices;
  /** −ln P of each of them, in `NAT`ths. */
  surprises: Uint16Array;
  /** Titles, each once. */
  titles: string[];
  /** [P·G]: which title; −1 for an answer that names no item. */
  items: Int32Array;
  /**
   * Of the group that was measured after the update: P of its answers' tokens before it and after, the latter empty where it was not.
   * They are kept better, since products over an answer are set against each other.
   */
  measured: { prompt: number; before: Float32Array; after: Float32Array };
}

export class Transcript {
  readonly #steps = new Map<number, PackedStep>();
  #bytes = 0;
  /** From this step on, what is kept elsewhere may be another. */
  #unkept = Number.POSITIVE_INFINITY;

  /** @param steps what is kept of it, in order */
  constructor(
    steps: readonly PackedStep[] = [],
    readonly most = MOST_TRANSCRIPT_BYTES,
  ) {
    for (const step of steps) this.#add(step);
  }

  /** In order. */
  get steps(): PackedStep[] {
    return [...this.#steps.values()];
  }

  /** Steps are taken in order; from one that is taken again on, what was said before is void. */
  keep(said: SaidStep): void {
    this.cut(said.step);
    this.#unkept = Math.min(this.#unkept, said.step);
    this.#add(packedOf(said));
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
      this.#unkept = Math.min(this.#unkept, step);
    }
  }

  /**
   * Has it kept as it is now, where it is another than was kept last. What fails is tried again the next time.
   * @param write all steps, and from which on they are to be written
   */
  async keepWith(write: (steps: PackedStep[], from: number) => Promise<void>): Promise<void> {
    const from = this.#unkept;
    if (from === Number.POSITIVE_INFINITY) return;
    this.#unkept = Number.POSITIVE_INFINITY;
    try {
      await write(this.steps, from);
    } catch (error) {
      this.#unkept = Math.min(this.#unkept, from);
      throw error;
    }
  }

  /** Null where it is not kept. */
  group(step: number, prompt: number): GroupWords | null {
    const packed = this.#steps.get(step);
    return packed === undefined ? null : groupOf(packed, prompt);
  }

  #add(packed: PackedStep): void {
    this.#steps.set(packed.step, packed);
    this.#bytes += sizeOf(packed);
  }

  #drop(step: number): void {
    this.#bytes -= sizeOf(this.#steps.get(step));
    this.#steps.delete(step);
  }
}

/** A group of a step; null where the step has no such prompt. */
export function groupOf(packed: PackedStep, prompt: number): GroupWords | null {
  const { step, groupSize, pieces, promptEnds, promptPieces, answerEnds, answerPieces } = packed;
  if (prompt < 0 || prompt >= promptEnds.length) return null;
  const { surprises, titles, items } = packed;
  const range = (ends: Uint32Array, at: number) => [at === 0 ? 0 : ends[at - 1], ends[at]] as const;
  const written = (indices: Indices, own: readonly [number, number]) =>
    Array.from(indices.subarray(...own), (index) => pieces[index]);
  const { before, after } =
    packed.measured.prompt === prompt ? packed.measured : { before: null, after: new Float32Array() };
  const [begin] = range(answerEnds, prompt * groupSize);
  return {
    step,
    prompt,
    text: joined(written(promptPieces, range(promptEnds, prompt))),
    answers: Array.from({ length: groupSize }, (_, g) => {
      const row = prompt * groupSize + g;
      const own = range(answerEnds, row);
      const within = own.map((at) => at - begin);
      return {
        pieces: written(answerPieces, own),
        probabilities: before
          ? Array.from(before.subarray(within[0], within[1]))
          : Array.from(surprises.subarray(...own), (nats) => Math.exp(-nats / NAT)),
        ...(after.length > 0 && { after: Array.from(after.subarray(within[0], within[1])) }),
        item: items[row] < 0 ? null : titles[items[row]],
      };
    }),
  };
}

/** A text as its tokens are written one after another. */
export function textOf(tokens: readonly number[], { piece }: Pick<Wording, 'piece'>): string {
  return joined(tokens.map(piece));
}

/** The first word has no space before it. */
function joined(pieces: readonly string[]): string {
  return pieces.join('').replace(/^ /, '');
}

function packedOf({ step, rollouts, measured, wording }: SaidStep): PackedStep {
  const groupSize = measured.answers.length;
  const prompts = rollouts.filter((_, row) => row % groupSize === 0).map(({ prompt }) => prompt);
  const logps = rollouts.flatMap((rollout) => [...rollout.logps]);
  const pieces = new Table(wording.piece);
  const titles = new Table(wording.item);
  const indicesOf = (tokens: readonly number[]) =>
    packedIndices(tokens.map((token) => pieces.indexOf(token)));
  return {
    step,
    groupSize,
    promptEnds: endsOf(prompts),
    promptPieces: indicesOf(prompts.flat()),
    answerEnds: endsOf(rollouts.map(({ completion }) => completion)),
    answerPieces: indicesOf(rollouts.flatMap(({ completion }) => [...completion])),
    surprises: Uint16Array.from(logps, (logp) => Math.min(65_535, Math.round(-logp * NAT))),
    items: Int32Array.from(rollouts, ({ parsed }) =>
      parsed.valid && parsed.item >= 0 ? titles.indexOf(parsed.item) : -1,
    ),
    measured: {
      prompt: measured.prompt,
      before: Float32Array.from(measured.answers.flatMap(({ probabilities }) => probabilities)),
      after: Float32Array.from(measured.answers.flatMap((answer) => answer.after ?? [])),
    },
    pieces: pieces.words,
    titles: titles.words,
  };
}

/** What numbers are written as, each once, in the order in which they come. */
class Table {
  readonly words: string[] = [];
  readonly #indices = new Map<number, number>();

  constructor(readonly written: (number: number) => string) {}

  indexOf(number: number): number {
    const known = this.#indices.get(number);
    if (known !== undefined) return known;
    this.#indices.set(number, this.words.length);
    return this.words.push(this.written(number)) - 1;
  }
}

function endsOf(parts: readonly ArrayLike<number>[]): Uint32Array {
  let end = 0;
  return Uint32Array.from(parts, ({ length }) => (end += length));
}

function packedIndices(indices: readonly number[]): Indices {
  return indices.some((index) => index > 65_535) ? Uint32Array.from(indices) : Uint16Array.from(indices);
}
