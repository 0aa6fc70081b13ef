/**
 * Cuts a text into pieces of a unigram vocabulary (Kudo, "Subword Regularization", ACL 2018): of all ways to do so, the one
 * with the largest sum of scores. Spaces are written ▁ and belong to the word they precede, as SentencePiece has it.
 */

/** Pieces that stand for no text: unknown, begin, end and extra ones. */
const RESERVED = 6;
const UNKNOWN = 0;
/** How much worse a character of no piece scores than the worst piece. */
const PENALTY = 10;

export class SentencePieces {
  readonly #ids = new Map<string, number>();
  readonly #scores: readonly number[];
  readonly #longest: number;
  readonly #unknownScore: number;

  /** @param vocabulary a piece and its score (a log-probability) for each id */
  constructor(vocabulary: readonly (readonly [piece: string, score: number])[]) {
    this.#scores = vocabulary.map(([, score]) => score);
    let [longest, worst] = [1, 0];
    vocabulary.forEach(([piece, score], id) => {
      if (id < RESERVED) return;
      this.#ids.set(piece, id);
      longest = Math.max(longest, [...piece].length);
      worst = Math.min(worst, score);
    });
    this.#longest = longest;
    this.#unknownScore = worst - PENALTY;
  }

  /** Ids of the text's pieces; a run of characters that no piece has is one unknown. None for a text of spaces. */
  encode(text: string): number[] {
    const plain = text.normalize('NFKC').trim();
    if (plain === '') return [];
    const characters = [...`▁${plain.replace(/\s+/gu, '▁')}`];
    const best = new Float64Array(characters.length + 1).fill(Number.NEGATIVE_INFINITY);
    best[0] = 0;
    const pieceTo = new Int32Array(characters.length + 1);
    const startOf = new Int32Array(characters.length + 1);
    for (let from = 0; from < characters.length; from++) {
      const offer = (to: number, id: number, score: number) => {
        if (best[from] + score <= best[to]) return;
        best[to] = best[from] + score;
        pieceTo[to] = id;
        startOf[to] = from;
      };
      let piece = '';
      for (let to = from + 1; to <= characters.length && to - from <= this.#longest; to++) {
        piece += characters[to - 1];
        const id = this.#ids.get(piece);
        if (id !== undefined) offer(to, id, this.#scores[id]);
      }
      offer(from + 1, UNKNOWN, this.#unknownScore);
    }
    const ids: number[] = [];
    for (let at = characters.length; at > 0; at = startOf[at]) {
      if (pieceTo[at] !== UNKNOWN || ids.at(-1) !== UNKNOWN) ids.push(pieceTo[at]);
    }
    return ids.reverse();
  }
}
