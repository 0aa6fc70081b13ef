/** What a stage has done of its parts, for checkpoints to keep until the stage is finished. */
import type { Work } from '../control/hooks';

/** Of a part: what came of it; before that, where it stands and what came of its own parts. Plain JSON with arrays of f32. */
export interface KeptPart {
  result?: unknown;
  standing?: unknown;
  parts: Record<string, KeptPart>;
}

export class Workbench {
  readonly #reads = new Map<KeptPart, () => unknown>();
  readonly #root: KeptPart;

  /** @param root of the stage; it changes as parts are done */
  constructor(root: KeptPart) {
    this.#root = root;
  }

  get work(): Work {
    return this.#workOf(this.#root);
  }

  /** Whether there is anything to keep. */
  get isBegun(): boolean {
    return this.#reads.size > 0 || Object.keys(this.#root.parts).length > 0;
  }

  /** Brings what stands in the state up to date with what is under way. */
  async read(): Promise<void> {
    for (const [part, read] of this.#reads) part.standing = await read();
  }

  #workOf(own: KeptPart): Work {
    return {
      kept: own.standing ?? null,
      keep: (read) => void this.#reads.set(own, read),
      part: async <Result>(name: string, run: (work: Work) => Promise<Result>) => {
        own.parts[name] ??= { parts: {} };
        const part = own.parts[name];
        if (part.result !== undefined) return part.result as Result;
        try {
          const result = await run(this.#workOf(part));
          own.parts[name] = { result, parts: {} };
          return result;
        } finally {
          this.#reads.delete(part);
        }
      },
    };
  }
}
