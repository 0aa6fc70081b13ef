/**
 * Which member of the family a product takes on this adapter: the one that was fastest when the product was first needed. Only members that
 * sum in one order are tried, so a choice decides how long a product takes and none of its bits. A run is the same on a device that chose
 * otherwise, or never chose. What splits k rounds otherwise, and is left to who names it (`Tuning.members`).
 */
import { BufferTable } from './bufferTable';
import type { Gpu } from './device';
import { keyOf, type Member, nameOf, offered, type ProductExtents, usual } from './kernels/matmulFamily';
import { matmulTiled } from './kernels/matmulTiled';
import { shapeUniform } from './kernels/tuning';
import { Plan } from './plan';
import { millisecondsOf } from './timing';

/** Names of members by `keyOf` their product. */
export type Choices = Readonly<Record<string, string>>;

/** Where choices outlast the page; it may fail, and then they do not. */
export interface ChoiceShelf {
  load(): Promise<Choices>;
  save(choices: Choices): Promise<void>;
}

/** Milliseconds that all timings of a device may take together. What comes later takes the usual member. */
const BUDGET = 2000;
/** Milliseconds that one timing lasts at least, and how often each member has one. */
const LONG_ENOUGH = 3;
const ROUNDS = 3;
/** A member is taken that needs less than this share of the usual one's time: closer ones are told apart by chance. */
const CLEARLY = 0.95;

/** Length of the sums. In tn it is told when it runs: that of slices of 512 rows of activations. */
const sumOf = ({ layout, K, splits }: ProductExtents) => (layout === 'tn' ? 512 * splits : K);
const sizeOf = (product: ProductExtents) => product.rows * product.N * sumOf(product);

export class Tuner {
  readonly #gpu: Gpu;
  readonly #shelf: ChoiceShelf | null;
  readonly #clock: typeof millisecondsOf;
  #known: Record<string, string> | null = null;
  #left: number;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param clock tells the milliseconds of so many runs of a plan, and runs it
   * @param budget milliseconds
   */
  constructor(gpu: Gpu, shelf: ChoiceShelf | null = null, { clock = millisecondsOf, budget = BUDGET } = {}) {
    this.#gpu = gpu;
    this.#shelf = shelf;
    this.#clock = clock;
    this.#left = budget;
  }

  /** All that were chosen or read so far. */
  get known(): Choices {
    return this.#known ?? {};
  }

  /** For these products, where one is known or there is time to find it. One call at a time; never rejects. */
  choose(products: readonly ProductExtents[]): Promise<Choices> {
    const chosen = this.#last.then(() => this.#choose(products)).catch(() => ({}));
    this.#last = chosen;
    return chosen;
  }

  async #choose(products: readonly ProductExtents[]): Promise<Choices> {
    this.#known ??= { ...(await this.#shelf?.load().catch(() => ({}))) };
    const known = this.#known;
    const wanted = new Map(products.map((product) => [keyOf(product), product]));
    let isNew = false;
    // Where time is short the largest have it.
    const bySize = [...wanted].sort(([, one], [, other]) => sizeOf(other) - sizeOf(one));
    for (const [key, product] of bySize) {
      if (Object.hasOwn(known, key) || this.#left <= 0) continue;
      const start = performance.now();
      // A product that there is no room to try is not refused for that.
      const fastest = await this.#fastest(product).catch(() => usual(product));
      this.#gpu.assertHealthy();
      known[key] = nameOf(fastest);
      this.#left -= performance.now() - start;
      isNew = true;
    }
    if (isNew) await this.#shelf?.save(known).catch(() => undefined);
    const whole = new Set(this.#members().map(nameOf));
    // A shelf is a file like any other: what it names must be there.
    return Object.fromEntries(
      [...wanted.keys()].flatMap((key) => (whole.has(known[key]) ? [[key, known[key]]] : [])),
    );
  }

  #members(product?: ProductExtents): Member[] {
    const any: ProductExtents = { layout: 'tn', rows: 4, N: 4, K: 0, splits: 1 };
    return offered(product ?? any, this.#gpu.device.limits).filter(({ splits }) => splits === 1);
  }

  async #fastest(product: ProductExtents): Promise<Member> {
    const { layout, rows, N, splits } = product;
    const gpu = this.#gpu;
    const table = new BufferTable(gpu, 'choosing');
    try {
      const sum = sumOf(product);
      const scene = {
        ...product,
        label: 'choosing',
        a: table.floats('a', rows * sum),
        b: table.floats('b', N * sum),
        out: table.floats('out', splits * rows * N),
        slice: layout === 'tn' ? rows * N : 0,
        shape: table.add(
          shapeUniform(
            gpu,
            layout === 'tn' ? { rows: sum, length: sum, batch: 1 } : { rows, length: rows, batch: 1 },
          ),
        ),
      };
      const first = usual(product);
      let best = { member: first, ms: Number.POSITIVE_INFINITY };
      for (const member of [first, ...this.#members(product).filter((other) => other !== first)]) {
        const plan = new Plan(gpu);
        matmulTiled(plan, scene, member);
        await plan.compile();
        const ms = await this.#time(plan);
        if (ms < best.ms * (member === first ? 1 : CLEARLY)) best = { member, ms };
      }
      return best.member;
    } finally {
      table.destroy();
    }
  }

  /** The quickest of several: what else the machine does only ever adds. */
  async #time(plan: Plan): Promise<number> {
    let runs = 1;
    let ms = await this.#clock(this.#gpu, plan, runs);
    while (ms < LONG_ENOUGH && runs < 1024) {
      runs *= 2;
      ms = await this.#clock(this.#gpu, plan, runs);
    }
    for (let round = 1; round < ROUNDS; round++) ms = Math.min(ms, await this.#clock(this.#gpu, plan, runs));
    return ms / runs;
  }
}
