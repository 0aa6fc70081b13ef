/** What is said in alignment, kept beside runs of the real trainer at minuscule sizes: a page that was reloaded finds all of it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { GroupWords, RunEvent } from '../../src/run/report';
import { memoryStore } from '../../src/store/memory';
import { type Store, StoreError, storeSentence } from '../../src/store/store';
import type { ResumeFrom, TrainerApi } from '../../src/worker/protocol';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from '../run/tinyRun';

const TIMEOUT = 180_000;
const [STEPS, PROMPTS] = [6, 2];

const config = minusculeConfig((config) => {
  config.ranking.users = 0;
  Object.assign(config.popo, { steps: STEPS, prompts_per_step: PROMPTS, num_generations: 3, probe_every: 0 });
  config.evaluate.curve_every = 100;
});

const trainerOn = (store: Store) =>
  createTrainer({
    openStore: async () => ({ store, problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
  });

/** Trains on as though somebody lived with whatever becomes of the answers. */
const train = (
  trainer: TrainerApi,
  from: ResumeFrom | null,
  onEvent: (event: RunEvent) => void = () => {},
  id?: string,
) =>
  trainer.start(
    config,
    from,
    (event) => {
      if (event.type === 'divergence' && event.decided === null) setTimeout(() => trainer.decide('go-on'));
      onEvent(event);
    },
    { id },
  );

/** Every group that is kept of a run, by step and prompt. */
async function groupsOf(trainer: TrainerApi, id: string): Promise<(GroupWords | null)[]> {
  const all: (GroupWords | null)[] = [];
  for (let step = 0; step < STEPS; step++)
    for (let prompt = 0; prompt < PROMPTS; prompt++) all.push(await trainer.group(id, step, prompt));
  return all;
}

const newestOf = (id: string): ResumeFrom => ({ id, generation: 'newest' });
const afterStep = (step: number) => (event: RunEvent) => event.type === 'popo' && event.step.step === step;

describe('what is said in alignment', { timeout: TIMEOUT }, () => {
  const store = memoryStore();
  const whole = crypto.randomUUID();
  let told: (GroupWords | null)[] = [];

  beforeAll(async () => {
    const trainer = trainerOn(store);
    const words: GroupWords[] = [];
    const onEvent = (event: RunEvent) => void (event.type === 'group' && words.push(event.group));
    await train(trainer, null, onEvent, whole);
    told = await groupsOf(trainer, whole);
    // What the page was told meanwhile, to the digits in which it is kept.
    expect(words).toHaveLength(STEPS);
    for (const { step, prompt, ...said } of words) {
      const { answers, text } = told[step * PROMPTS + prompt]!;
      expect({ text, pieces: answers.map(({ pieces }) => pieces) }).toEqual({
        text: said.text,
        pieces: said.answers.map(({ pieces }) => pieces),
      });
      answers.forEach(({ after }, g) => {
        expect(after!.length).toBe(said.answers[g].after!.length);
      });
    }
    expect(told.every((group) => group !== null && group.text.length > 10)).toBe(true);
  }, TIMEOUT);

  it('is there of every step and prompt after a reload, until the run is deleted', async () => {
    const reloaded = trainerOn(store);
    expect(await groupsOf(reloaded, whole)).toEqual(told);
    await reloaded.openRun(whole);
    expect(await groupsOf(reloaded, whole)).toEqual(told);
    // Of a file it is none.
    const { bytes } = await reloaded.exportRun(whole);
    const elsewhere = trainerOn(memoryStore());
    const { id } = await elsewhere.importRun(new File([bytes], 'run.zip'));
    expect(id).toBe(whole);
    expect(new Set(await groupsOf(elsewhere, id))).toEqual(new Set([null]));
  });

  it('is the same of a run that was paused, stopped and gone on with by another page', async () => {
    const id = crypto.randomUUID();
    const first = trainerOn(store);
    let stopping: Promise<void> | undefined;
    const onEvent = (event: RunEvent) => {
      if (afterStep(2)(event)) stopping = first.stop();
    };
    await train(first, null, onEvent, id);
    await stopping;
    const [{ step }] = (await first.savedRuns()).filter((run) => run.id === id);
    expect(step).toBeGreaterThanOrEqual(3);
    const until = step * PROMPTS;
    const reloaded = trainerOn(store);
    const none = told.slice(until).map(() => null);
    expect(await groupsOf(reloaded, id)).toEqual([...told.slice(0, until), ...none]);
    await train(reloaded, newestOf(id));
    expect(await groupsOf(reloaded, id)).toEqual(told);
    expect(await groupsOf(trainerOn(store), id)).toEqual(told);
    // The first page knows that another has gone on.
    expect(await groupsOf(first, id)).toEqual(told);
  });

  it('is shared by a second line until its change, and by one that undoes that', async () => {
    const trainer = trainerOn(store);
    const id = crypto.randomUUID();
    let forking: Promise<ResumeFrom> | undefined;
    const running = train(
      trainer,
      null,
      (event) => {
        if (!afterStep(1)(event)) return;
        forking = trainer.pause().then(async () => {
          const fork = await trainer.fork('here', id);
          await trainer.stop();
          return fork;
        });
      },
      id,
    );
    await running;
    const fork = await forking!;
    const [{ step }] = (await trainer.savedRuns()).filter((run) => run.id === fork.id);
    const shared = told.slice(0, step * PROMPTS);
    expect(shared.length).toBeGreaterThanOrEqual(2 * PROMPTS);
    expect((await groupsOf(trainerOn(store), fork.id)).slice(0, shared.length)).toEqual(shared);

    const other = trainerOn(store);
    await train(other, fork, (event) => {
      if (afterStep(step)(event)) void other.change([{ field: 'popo.temperature', to: 0.3 }]);
    });
    const changed = await groupsOf(trainerOn(store), fork.id);
    const at = (await other.savedRuns()).find((run) => run.id === fork.id)!.changes![0];
    expect(changed.slice(0, at.step * PROMPTS)).toEqual(told.slice(0, at.step * PROMPTS));
    expect(changed.at(-1)).not.toEqual(told.at(-1));

    const undone = await other.fork(at, fork.id);
    await train(trainerOn(store), undone);
    expect(await groupsOf(trainerOn(store), undone.id)).toEqual(told);
    // One that is deleted takes nothing of the others along.
    await other.deleteRun(fork.id);
    expect(new Set(await groupsOf(other, fork.id))).toEqual(new Set([null]));
    expect(await groupsOf(other, undone.id)).toEqual(told);
  });

  it('is done without where the browser refuses to keep it, and the page is told, also when it is kept again', async () => {
    const own = memoryStore();
    let isFull = true;
    const refusing: Store = {
      ...own,
      async put(collection, record) {
        if (isFull && collection === 'transcripts')
          throw new StoreError('quota', storeSentence('quota', 'write'));
        return own.put(collection, record);
      },
    };
    const trainer = trainerOn(refusing);
    const id = crypto.randomUUID();
    const notices: RunEvent[] = [];
    const noted = (event: RunEvent) => void (event.type === 'notice' && notices.push(event));
    let stopping: Promise<void> | undefined;
    const stopped = (event: RunEvent) => {
      noted(event);
      if (afterStep(1)(event)) stopping = trainer.stop();
    };
    await train(trainer, null, stopped, id);
    await stopping;
    // This tab has it at hand, and no other.
    expect((await groupsOf(trainer, id)).slice(0, 2 * PROMPTS)).toEqual(told.slice(0, 2 * PROMPTS));
    expect(new Set(await groupsOf(trainerOn(own), id))).toEqual(new Set([null]));
    let pausing: Promise<void> | undefined;
    const report = await train(
      trainer,
      newestOf(id),
      (event) => {
        noted(event);
        if (afterStep(3)(event))
          pausing = trainer.pause().then(async () => {
            isFull = false;
            await trainer.resume();
          });
      },
      id,
    );
    await pausing;
    expect(report).not.toBeNull();
    const warning = {
      type: 'notice',
      level: 'warning',
      message: `This run is being kept, but not what it says in alignment: ${storeSentence('quota', 'write')}`,
      about: 'keeping',
    };
    expect(notices).toEqual([
      warning,
      warning,
      {
        type: 'notice',
        level: 'info',
        message: 'What this run says in alignment is being kept again.',
        about: 'keeping',
      },
    ]);
    expect(await groupsOf(trainerOn(own), id)).toEqual(told);
  });
});
