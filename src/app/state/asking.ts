/** What a person asks kept runs: the history as it is put together, the answers, and what a mixture of two runs says. */
import { batch, computed, signal } from '@preact/signals';
import { STAGE_NAMES, type StageName } from '../../run/report';
import type { Answer, Askable, AskedRun, AskRequest } from '../../worker/askProtocol';
import type { SavedRun } from '../../worker/protocol';
import { runName } from '../words/runNames';
import { alignmentName, inSentence } from '../words/runWords';
import { sentence } from '../words/sentence';
import { type Blend, createBlend } from './blend';
import type { Session } from './session';

/** One of the answers side by side. */
export interface AnswerCard {
  key: 'warmup' | 'sft' | 'newest' | 'other' | 'mix' | 'front';
  title: string;
  answer: Answer | null;
  /** Why there is none. */
  problem: string | null;
}

export type AskingState = ReturnType<typeof createAskingState>;

export function createAskingState(session: Session) {
  /** The one on show first. */
  const runs = computed(() => {
    const isShown = ({ id }: SavedRun) => Number(id === session.runId.value);
    return [...session.askable.value].sort((a, b) => isShown(b) - isShown(a));
  });
  /** Of the run asked; null before one is opened. */
  const about = signal<{ run: SavedRun; askable: Askable } | null>(null);
  /** Of the second run; '' for none. */
  const other = signal('');
  /** Ids of items, oldest first. */
  const history = signal<readonly string[]>([]);
  const profile = signal('');
  /** Which held-out person the history is of; null where it was put together by hand. */
  const person = signal<number | null>(null);
  const temperature = signal(0);
  const draw = signal(0);
  const cards = signal<readonly AnswerCard[]>([]);
  const working = signal<string | null>(null);
  const problem = signal<string | null>(null);
  const mayMix = computed(() => about.value?.askable.sameSft.includes(other.value) ?? false);
  const titles = computed(
    () => new Map(about.value?.askable.items.map(({ id, title }) => [id, title] as const) ?? []),
  );
  /** Asks that have been overtaken are not shown. */
  let newest = 0;
  /** The two rewards between which the run's own front goes; null where it has none, or of more. */
  const rewards = computed(() => {
    const named = about.value?.askable.front?.rewards ?? [];
    return named.length === 2 ? named : null;
  });
  const blendOf = (
    card: Pick<AnswerCard, 'key' | 'title'>,
    may: () => boolean,
    runs: (to: number) => AskedRun[],
  ) =>
    createBlend({
      may,
      asking: () => newest,
      ask: (to, heldOutUsers) =>
        answerOf(card, { ...request(), runs: runs(to), alternatives: 0, heldOutUsers }),
    });
  const id = () => about.value?.run.id ?? '';
  /** Of two runs, by the share of the second. */
  const mix = blendOf(
    { key: 'mix', title: 'Mixture' },
    () => mayMix.value,
    (to) => [
      { id: id(), share: 1 - to },
      { id: other.value, share: to },
    ],
  );
  /** Of one run of conditioned parameters, by the weight of its first reward. */
  const front = blendOf(
    { key: 'front', title: 'At these weights' },
    () => rewards.value !== null,
    (to) => [{ id: id(), share: 1, at: [to, 1 - to] }],
  );

  // A curve is of two runs.
  other.subscribe(() => {
    mix.curve.value = [];
  });

  async function open(id: string): Promise<void> {
    const run = runs.value.find((each) => each.id === id);
    if (run === undefined) return;
    const own = ++newest;
    working.value = 'Opening the run and its data';
    problem.value = null;
    try {
      const askable = await session.trainer().askable(id);
      if (own !== newest) return;
      const isFirst = about.value === null;
      batch(() => {
        about.value = { run, askable };
        cards.value = [];
        forget(mix);
        forget(front);
        front.share.value = askable.front?.weights[0] ?? 0.5;
        if (other.value === id) other.value = '';
        if (isFirst && other.value === '') other.value = askable.sameSft[0] ?? '';
      });
      const isKnown = history.value.every((item) => titles.value.has(item));
      if (history.value.length === 0 || !isKnown) take(0);
    } catch (error) {
      if (own === newest) problem.value = `This run cannot be asked: ${sentence(error)}`;
    } finally {
      if (own === newest) working.value = null;
    }
  }

  /** The history of a held-out person. */
  function take(index: number): void {
    const people = about.value?.askable.people ?? [];
    if (people.length === 0) return;
    const at = (index + people.length) % people.length;
    batch(() => {
      person.value = at;
      history.value = people[at].history;
      profile.value = people[at].profile;
    });
  }

  /** A history that is put together by hand. */
  function edit(items: readonly string[], words = profile.value): void {
    batch(() => {
      person.value = null;
      history.value = items;
      profile.value = words;
    });
  }

  const add = (item: string) => edit([...history.value, item]);
  const remove = (place: number) => edit(history.value.filter((_, index) => index !== place));
  const describe = (words: string) => edit(history.value, words);

  const request = (): Omit<AskRequest, 'runs'> => ({
    history: history.value,
    profile: profile.value,
    temperature: temperature.value,
    draw: draw.value,
  });

  async function answerOf(card: Pick<AnswerCard, 'key' | 'title'>, wanted: AskRequest): Promise<AnswerCard> {
    try {
      return { ...card, answer: await session.trainer().ask(wanted), problem: null };
    } catch (error) {
      return { ...card, answer: null, problem: sentence(error) };
    }
  }

  /** Asks all that are to be compared, one after the other; each is shown as it comes. */
  async function ask(): Promise<void> {
    const found = about.value;
    if (found === null) return;
    const own = ++newest;
    const { run, askable } = found;
    const second = runs.value.find(({ id }) => id === other.value);
    const asked: [Pick<AnswerCard, 'key' | 'title'>, AskRequest][] = [];
    const ofRun = (weights: AskRequest['weights']) => ({
      ...request(),
      runs: [{ id: run.id, share: 1 }],
      weights,
    });
    if (askable.hasWarmup) asked.push([{ key: 'warmup', title: 'After warm-up' }, ofRun('warmup')]);
    if (askable.hasSft) asked.push([{ key: 'sft', title: 'After fine-tuning' }, ofRun('sft')]);
    // Before the first step of alignment that is the same model.
    if (!askable.hasSft || run.stage !== 'popo' || run.step > 0)
      asked.push([{ key: 'newest', title: standing(run) }, ofRun('newest')]);
    if (second !== undefined)
      asked.push([
        { key: 'other', title: `Other run: ${standing(second)}` },
        { ...request(), runs: [{ id: second.id, share: 1 }] },
      ]);
    batch(() => {
      problem.value = null;
      cards.value = [];
      forget(mix);
      forget(front);
    });
    for (const [card, wanted] of asked) {
      working.value = `Asking: ${card.title}`;
      const answered = await answerOf(card, wanted);
      if (own !== newest) return;
      cards.value = [...cards.value, answered];
    }
    working.value = null;
    if (mayMix.value) mix.blend(mix.share.value);
    if (rewards.value !== null) front.blend(front.share.value);
  }

  const signals = { runs, about, other, history, profile, person, temperature, draw, cards, mix, front };
  const ways = { open, take, add, remove, describe, ask };
  return { ...signals, rewards, working, problem, mayMix, titles, ...ways };
}

/** What was said of other runs, or of another history. */
function forget({ card, curve }: Blend<AnswerCard>): void {
  card.value = null;
  curve.value = [];
}

/** What weights a kept run has, in words. */
function standing({ config, stage, step, finished }: SavedRun): string {
  const at = STAGE_NAMES.indexOf(stage as StageName);
  const alignment = STAGE_NAMES.indexOf('popo');
  if (finished || at > alignment) return `With ${alignmentName(config)}`;
  if (at === alignment) return `With ${alignmentName(config)}, step ${step}`;
  return at > STAGE_NAMES.indexOf('warmup')
    ? `As it is in ${inSentence(stage, config)}`
    : `In warm-up, step ${step}`;
}

/** A kept run in a list. */
export function askedTitle(run: SavedRun): string {
  return `${runName(run)}, ${run.finished ? 'finished' : `step ${run.step} of ${inSentence(run.stage, run.config)}`}`;
}
