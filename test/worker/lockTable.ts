import type { Locks } from '../../src/worker/runLock';

interface Request {
  owner: object;
  name: string;
  isShared: boolean;
  grant(): void;
}

/** Web Locks as the standard has them, as far as they are used: in the order of requests, freed with their tab. */
export class LockTable {
  held: Request[] = [];
  queue: Request[] = [];

  /** What a tab has of them. */
  of(owner: object): Locks {
    const request = (
      name: string,
      { signal, mode, ifAvailable }: LockOptions,
      work: (lock: Lock | null) => unknown,
    ) =>
      new Promise((resolve, reject) => {
        const own: Request = {
          owner,
          name,
          isShared: mode === 'shared',
          grant: () => {
            void Promise.resolve()
              .then(() => work({ name, mode: mode ?? 'exclusive' }))
              .then(resolve, reject)
              .finally(() => {
                this.held = this.held.filter((one) => one !== own);
                this.#serve();
              });
          },
        };
        if (ifAvailable && !this.#isFree(own, this.queue)) {
          void Promise.resolve(work(null)).then(resolve, reject);
          return;
        }
        this.queue.push(own);
        signal?.addEventListener('abort', () => {
          if (!this.queue.includes(own)) return;
          this.queue = this.queue.filter((one) => one !== own);
          reject(signal.reason);
          this.#serve();
        });
        this.#serve();
      });
    const query = async () => ({
      held: this.held.map(({ name, isShared }) => ({ name, mode: isShared ? 'shared' : 'exclusive' })),
      pending: [],
    });
    return { request, query } as unknown as Locks;
  }

  /** Who trains the run. */
  holder(id: string): object | undefined {
    return this.held.find(({ name, isShared }) => name.endsWith(id) && !isShared)?.owner;
  }

  free(gone: object): void {
    this.held = this.held.filter(({ owner }) => owner !== gone);
    this.queue = this.queue.filter(({ owner }) => owner !== gone);
    this.#serve();
  }

  #isFree(wanted: Request, before: readonly Request[]): boolean {
    const others = [...this.held, ...before].filter(({ name }) => name === wanted.name);
    return others.every(({ isShared }) => isShared && wanted.isShared);
  }

  #serve(): void {
    for (const [at, request] of [...this.queue.entries()]) {
      if (!this.#isFree(request, this.queue.slice(0, at))) continue;
      this.queue = this.queue.filter((one) => one !== request);
      this.held.push(request);
      request.grant();
      this.#serve();
      return;
    }
  }
}
