/**
 * The text a model reads and writes.
 *
 *     prompt      profile (<sep> title L1 L2 L3)…          the last n behaviours, newest first
 *     completion  [<think> CoT </think>] <answer> title <sep> L1 <sep> L2 <sep> L3 </answer>
 *
 * Fields are told apart by a token in the answer, where they are parsed, and by order alone in the prompt, where every
 * token is paid for n times. What does not fit is dropped in this order: oldest behaviours, the end of the CoT, the end
 * of a title. The answer's form is never cut.
 */
import type { Dataset, Example, Item } from '../data/dataset';
import type { Tokenizer } from './tokenizer';

/** A prompt with its completion; the loss is on `tokens[promptLength …]`. */
export interface Sequence {
  tokens: number[];
  promptLength: number;
}

export interface PromptOptions {
  /** n, behaviours in the prompt. */
  historyLength: number;
  /** Tokens. */
  maxPromptLength: number;
  /** Tokens, CoT and answer together. */
  maxCompletionLength: number;
}

/** What a completion says. Parsing never throws: of garbage, everything is null and `valid` false. */
export interface ParsedCompletion {
  think: string | null;
  /** Title and categories as one text. */
  answer: string | null;
  title: string | null;
  /** L1, L2, L3, in the catalogue's own spelling where it has such a category. */
  categories: [string, string, string] | null;
  /** The catalogue item with exactly this title (among equals, the first whose categories agree); −1: none. */
  item: number;
  /** Well formed: optional think block, then an answer of four fields that ends. It may still name no item. */
  valid: boolean;
  /** Whether the answer's categories are those of `item`. */
  coherent: boolean;
}

/** Behaviours of training users that the corpus counts at most: enough for frequencies. */
const CORPUS_BEHAVIOURS = 50_000;

const describe = (item: Item): string => `${item.title} ${item.categories.join(' ')}`;

/**
 * Texts to train the tokenizer on: the catalogue, its facts, and the profiles and behaviours of training users, as often
 * as a prompt would show them.
 * @param extra further words in use, such as the teacher's; counted like an item seen by every user
 */
export function corpus(dataset: Dataset, extra: Iterable<string> = []): string[] {
  const texts = dataset.items.map(describe);
  const described = texts.slice();
  for (const fact of dataset.facts) texts.push(fact);
  // A user may be in more than one split: what lies beyond the last training example may be asked for, and is left out.
  const ends = new Map<number, number>();
  for (const { user, position } of dataset.splits.train) {
    ends.set(user, Math.max(ends.get(user) ?? 0, position + 1));
  }
  let behaviours = 0;
  let users = 0;
  for (const [user, end] of ends) {
    if (behaviours > CORPUS_BEHAVIOURS) break;
    users++;
    const { profile, history } = dataset.users[user];
    texts.push(profile);
    for (const item of history.subarray(0, end)) texts.push(described[item]);
    behaviours += end;
  }
  for (const text of extra) {
    for (let i = 0; i < users; i++) texts.push(text);
  }
  return texts;
}

/** Writes prompts and completions of one data set as tokens, and reads completions back. */
export class PromptFormat {
  /** Tokens of the longest answer before titles are cut: what `maxCompletionLength` should leave room for. */
  readonly longestAnswer: number;
  readonly #items: { behaviour: number[]; answer: number[]; categoryKeys: string[] }[];
  readonly #byTitle = new Map<string, number[]>();
  readonly #categoryNames = new Map<string, string>();

  /** @throws Error when the categories of an item alone do not fit into a completion */
  constructor(
    readonly dataset: Dataset,
    readonly tokenizer: Tokenizer,
    readonly options: PromptOptions,
  ) {
    let longest = 0;
    this.#items = dataset.items.map((item, index) => {
      const title = tokenizer.encodePlain(item.title);
      const categories = item.categories.map((category) => tokenizer.encodePlain(category));
      const categoryLength = categories.reduce((sum, category) => sum + category.length, 0);
      longest = Math.max(longest, title.length + categoryLength + 5);
      const room = options.maxCompletionLength - categoryLength - 5;
      if (room < 1) {
        throw new Error(
          `The answer "${describe(item)}" needs ${categoryLength + 6} tokens with a title of one, but a completion has ` +
            `${options.maxCompletionLength}: raise text.max_completion_length or text.vocab_size.`,
        );
      }
      const shown = title.slice(0, room);
      const key = this.#text(shown);
      const equals = this.#byTitle.get(key);
      if (equals) equals.push(index);
      else this.#byTitle.set(key, [index]);
      const categoryKeys = categories.map((ids) => this.#text(ids));
      categoryKeys.forEach((name, level) => {
        const levelled = `${level} ${name}`;
        if (!this.#categoryNames.has(levelled)) this.#categoryNames.set(levelled, item.categories[level]);
      });
      const { separator, answer, endAnswer } = tokenizer.special;
      return {
        behaviour: [separator, ...title, ...categories.flat()],
        answer: [answer, ...shown, ...categories.flatMap((category) => [separator, ...category]), endAnswer],
        categoryKeys,
      };
    });
    this.longestAnswer = longest;
  }

  /** Tokens of the prompt, at least one and at most `maxPromptLength`. The newest behaviour is always in it. */
  prompt(example: Example): number[] {
    const { historyLength, maxPromptLength } = this.options;
    const { profile, history } = this.dataset.users[example.user];
    const tokens = this.tokenizer.encodePlain(profile).slice(0, Math.floor(maxPromptLength / 2));
    const oldest = Math.max(0, example.position - historyLength);
    for (let position = example.position - 1; position >= oldest; position--) {
      const { behaviour } = this.#items[history[position]];
      const room = maxPromptLength - tokens.length;
      if (behaviour.length > room) {
        if (position === example.position - 1) tokens.push(...behaviour.slice(0, room));
        break;
      }
      tokens.push(...behaviour);
    }
    return tokens.length > 0 ? tokens : [this.tokenizer.special.separator];
  }

  promptText(example: Example): string {
    return this.tokenizer.decode(this.prompt(example));
  }

  /** `<answer> title <sep> L1 <sep> L2 <sep> L3 </answer>` */
  answer(item: number): number[] {
    return this.#items[item].answer.slice();
  }

  /** The answer, after a CoT that is cut to fit. `null`: no think block. */
  completion(cot: string | null, item: number): number[] {
    const answer = this.answer(item);
    const room = this.options.maxCompletionLength - answer.length - 2;
    if (cot === null || room < 0) return answer;
    const { think, endThink } = this.tokenizer.special;
    return [think, ...this.tokenizer.encodePlain(cot).slice(0, room), endThink, ...answer];
  }

  /** The example with its true answer. */
  example(example: Example, cot: string | null): Sequence {
    const prompt = this.prompt(example);
    const item = this.dataset.users[example.user].history[example.position];
    return { tokens: [...prompt, ...this.completion(cot, item)], promptLength: prompt.length };
  }

  /** A behaviour by itself, as in a prompt: title L1 L2 L3. */
  description(item: number): number[] {
    return this.#items[item].behaviour.slice(1);
  }

  /** Reads a completion; ends at the first `</answer>`. */
  parse(completion: ArrayLike<number>): ParsedCompletion {
    const { think, endThink, answer, endAnswer, separator } = this.tokenizer.special;
    const parsed: ParsedCompletion = {
      think: null,
      answer: null,
      title: null,
      categories: null,
      item: -1,
      valid: false,
      coherent: false,
    };
    const tokens = Array.from(completion);
    const end = tokens.indexOf(endAnswer);
    let at = 0;
    if (tokens[0] === think) {
      const close = tokens.findIndex((token, index) => index > 0 && this.#isSpecial(token));
      const until = close < 0 ? tokens.length : close;
      parsed.think = this.#text(tokens.slice(1, until));
      if (tokens[until] !== endThink) return parsed;
      at = until + 1;
    }
    if (tokens[at] !== answer) return parsed;
    const fields: number[][] = [[]];
    for (const token of tokens.slice(at + 1, end < 0 ? tokens.length : end)) {
      if (token === separator) fields.push([]);
      else if (this.#isSpecial(token)) return parsed;
      else fields[fields.length - 1].push(token);
    }
    const texts = fields.map((field) => this.#text(field));
    parsed.answer = texts.filter((text) => text !== '').join(' ') || null;
    parsed.title = texts[0] || null;
    if (end < 0 || texts.length !== 4 || texts.some((text) => text === '')) return parsed;
    const keys = texts.slice(1);
    const [l1, l2, l3] = keys.map((key, level) => this.#categoryNames.get(`${level} ${key}`) ?? key);
    parsed.categories = [l1, l2, l3];
    parsed.valid = true;
    const equals = this.#byTitle.get(texts[0]) ?? [];
    const coherent = equals.find((item) =>
      this.#items[item].categoryKeys.every((key, level) => key === keys[level]),
    );
    parsed.item = coherent ?? equals[0] ?? -1;
    parsed.coherent = coherent !== undefined;
    return parsed;
  }

  /** Whether each parsed category is that of `item`, up to spelling that a model cannot see. */
  categoryHits(categories: ParsedCompletion['categories'], item: number): [boolean, boolean, boolean] {
    const hit = (level: 0 | 1 | 2) =>
      categories !== null &&
      this.#text(this.tokenizer.encodePlain(categories[level])) === this.#items[item].categoryKeys[level];
    return [hit(0), hit(1), hit(2)];
  }

  #isSpecial(token: number): boolean {
    const { unknown, ...others } = this.tokenizer.special;
    return token !== unknown && Object.values(others).includes(token);
  }

  #text(ids: number[]): string {
    return this.tokenizer.decode(ids).trim();
  }
}
