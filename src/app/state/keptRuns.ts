/** The runs that are kept on this device, in whichever tab they are trained, and what they take of its storage. */
import { batch, computed, signal } from '@preact/signals';
import { type NoticeLevel, STAGE_NAMES, type StageName } from '../../run/report';
import type { RunNote } from '../../store/runNotes';
import type { SavedRun, TrainerApi } from '../../worker/protocol';
import { sentence } from '../words/sentence';

export interface Room {
  used: number;
  quota: number;
  /** Whether only the person deletes it. */
  isPersistent: boolean;
}

interface Surroundings {
  tabs: { runIsFree(id: string): Promise<void> };
  disk: { room(): Promise<Room | null>; persist(): Promise<void> };
}

interface KeptRunTools {
  trainer(): Pick<TrainerApi, 'savedRuns' | 'deleteRun' | 'noteRun' | 'importRun'>;
  say(level: NoticeLevel, message: string): void;
  /** Does something, and says where it fails. */
  attempt(what: string, action: () => Promise<void>): Promise<boolean>;
  onDeleted(id: string): void;
}

export function createKeptRuns(
  { tabs, disk }: Surroundings,
  { trainer, say, attempt, onDeleted }: KeptRunTools,
) {
  const runs = signal<SavedRun[]>([]);
  /** The newest that can be taken up; the worker lists the newest first. */
  const left = computed(() => runs.value.find((run) => !run.finished && !run.isElsewhere) ?? null);
  /** Those that have a model to ask, the newest first. */
  const askable = computed(() => runs.value.filter(({ stage }) => hasModel(stage as StageName)));
  /** Ids of those whose newest checkpoint could not be taken up, while the one before it might be. */
  const refused = signal<ReadonlySet<string>>(new Set());
  const room = signal<Room | null>(null);
  /** Runs in other tabs, which are waited for. */
  const awaited = new Set<string>();
  let askedToPersist = false;
  let looks = 0;
  let latest: Promise<void> = Promise.resolve();

  /** Resolves once the list is as it was when this was asked, or newer. */
  function refresh(): Promise<void> {
    latest = lookAgain(++looks);
    return latest;
  }

  async function lookAgain(look: number): Promise<void> {
    try {
      const found = await trainer().savedRuns();
      const left = await disk.room();
      // Who began to look later sees more.
      if (look !== looks) return latest;
      batch(() => {
        runs.value = found;
        room.value = left;
      });
      for (const { id, isElsewhere } of found) if (isElsewhere) void awaitRun(id);
    } catch {
      // Without IndexedDB there are none; training says so when it first wants to keep a checkpoint.
      runs.value = [];
    }
  }

  /** Looks again once no other tab trains the run: it can be taken over then. */
  async function awaitRun(id: string): Promise<void> {
    if (awaited.has(id)) return;
    awaited.add(id);
    await tabs.runIsFree(id);
    awaited.delete(id);
    await refresh();
  }

  /** Looks again, for this one. */
  async function find(id: string): Promise<SavedRun | undefined> {
    await refresh();
    return runs.value.find((run) => run.id === id);
  }

  /** Once there is something to lose: a language model that has begun to learn. */
  async function askToPersist(stage: StageName): Promise<void> {
    if (askedToPersist || STAGE_NAMES.indexOf(stage) <= STAGE_NAMES.indexOf('warmup')) return;
    askedToPersist = true;
    await disk.persist();
    room.value = await disk.room();
  }

  async function deleteRun(id: string): Promise<void> {
    if (await attempt('Deleting the run', () => trainer().deleteRun(id))) onDeleted(id);
    await refresh();
  }

  /** Keeps what a person calls a run and notes about it. */
  async function noteRun(id: string, note: RunNote): Promise<void> {
    await attempt('Keeping the note', () => trainer().noteRun(id, note));
    await refresh();
  }

  /** Takes a run in from its file. */
  async function importRun(file: File): Promise<void> {
    try {
      say('info', (await trainer().importRun(file)).message);
    } catch (error) {
      say('error', `${file.name} was not taken in: ${sentence(error)}`);
    }
    await refresh();
  }

  return { runs, left, askable, refused, room, refresh, find, askToPersist, deleteRun, noteRun, importRun };
}

/** Whether a run in this stage has a model that has begun to learn. */
function hasModel(stage: StageName): boolean {
  return STAGE_NAMES.indexOf(stage) >= STAGE_NAMES.indexOf('warmup');
}
