/** One group under the glass: a prompt, its answers, and how they came to their advantages, all at once or step by step. */
import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { aggregationOf, policyOptions } from '../../popo/options';
import { widestGroup } from '../../popo/weighting';
import { groupWorking, weightsWorking } from '../../popo/workings';
import { configAt } from '../../run/changes';
import { useSession } from '../state/context';
import { spreadSentence, weightsSentence } from '../words/glassWords';
import { Advantages, Answers, type Looked, RewardPlane, Spread, Weights, WhatItRead } from './glassParts';
import { Update } from './glassUpdate';
import '../styles/glass.css';

/** What is looked at, the step counted from 0 as the report has it; null follows what is newest, or pointed at in a chart. */
interface Choice {
  step: Signal<number | null>;
  prompt: Signal<number | null>;
}

function useLooked({ step: chosenStep, prompt: chosenPrompt }: Choice): Looked | null {
  const session = useSession();
  const { view, runConfig, config: formConfig } = session;
  void view.tick.value;
  const { alignment, changes, hovered } = view;
  const pointed = hovered.value === null ? Number.POSITIVE_INFINITY : hovered.value - 1;
  const step = alignment.at(chosenStep.value ?? pointed);
  if (step === null) return null;
  const at = { stage: 'popo', step: step.step } as const;
  const { popo } = configAt(runConfig.value ?? formConfig.value, changes.value, at);
  const here = alignment.wordsAt(step.step);
  const widest = widestGroup(step.rewards, step.weightsAfter);
  const prompt = Math.min(chosenPrompt.value ?? here?.prompt ?? widest, step.rewards.length - 1);
  const words = here?.prompt === prompt ? here : session.said.wordsOf(step.step, prompt);
  const options = policyOptions(popo, 0);
  return {
    step,
    prompt,
    names: popo.rewards,
    options,
    isProduct: aggregationOf(options) === 'multiply_then_normalize',
    group: groupWorking(step, prompt, options),
    weights: weightsWorking(step, options),
    words: words ?? null,
    isAsked: words === undefined,
    measured: here?.prompt ?? null,
  };
}

interface Part {
  title: string;
  sentence: string;
  view: ComponentChildren;
}

function partsOf(looked: Looked): Part[] {
  const { step, prompt, options, weights } = looked;
  const G = step.rewards[prompt].length;
  const K = looked.names.length;
  return [
    {
      title: 'The prompt',
      sentence: 'The model reads who a shopper is and what they did last. This text is called the prompt.',
      view: <WhatItRead looked={looked} />,
    },
    {
      title: 'The answers',
      sentence: `It answers ${G} times, and draws each piece of a word by chance. One such try is called a rollout; the ${G} together are a group.`,
      view: <Answers looked={looked} />,
    },
    {
      title: 'The rewards',
      sentence:
        K === 1
          ? 'A judge pays each answer a number, its reward.'
          : `${K} judges pay each answer a number each, its rewards. They need not agree.`,
      view: <RewardPlane looked={looked} />,
    },
    {
      title: 'Mean and spread',
      sentence: spreadSentence(options),
      view: <Spread looked={looked} />,
    },
    {
      title: 'The advantages',
      sentence:
        'What an answer earned above the others is its advantage. Below zero, it earned less than they did.',
      view: <Advantages looked={looked} />,
    },
    {
      title: 'The weights',
      sentence: weightsSentence(weights, options),
      view: <Weights looked={looked} />,
    },
    {
      title: 'The update',
      sentence:
        'Now the model is changed a little, towards answers with an advantage above zero and away from the others.',
      view: <Update looked={looked} />,
    },
  ];
}

export function Glass() {
  const choice = { step: useSignal<number | null>(null), prompt: useSignal<number | null>(null) };
  /** Which part the walk has come to; null shows all. */
  const at = useSignal<number | null>(0);
  const looked = useLooked(choice);
  const { said } = useSession();
  const isAsked = looked?.isAsked ?? false;
  useEffect(() => {
    if (isAsked && looked !== null) void said.ask(looked.step.step, looked.prompt);
  }, [said, isAsked, looked?.step.step, looked?.prompt]);
  const chosen = choice.prompt.value;
  useEffect(() => {
    void said.lookAt(chosen);
    return () => void said.lookAt(null);
  }, [said, chosen]);
  if (looked === null) return <p class="faint">No step of alignment has been taken yet.</p>;
  const parts = partsOf(looked);
  const last = parts.length - 1;
  const move = (by: number) => {
    // Numbers that are being explained must not run away.
    choice.step.value = looked.step.step;
    at.value = Math.min(last, Math.max(0, (at.value ?? 0) + by));
  };
  const now = at.value;
  const shown = now === null ? parts : [parts[now]];
  return (
    <section class="glass" aria-labelledby="glass-title">
      <div class="section-head">
        <h2 id="glass-title">One group under the glass</h2>
        <p>How a step of alignment learns from the answers to one prompt.</p>
      </div>
      <Choose looked={looked} choice={choice} />
      <fieldset
        class="glass-walk"
        aria-label="Slow motion"
        onKeyDown={({ key }) => {
          if (now !== null && (key === 'ArrowRight' || key === 'ArrowLeft'))
            move(key === 'ArrowRight' ? 1 : -1);
        }}
      >
        <button
          type="button"
          data-action="glass-back"
          aria-disabled={now === null || now === 0}
          onClick={() => now !== null && move(-1)}
        >
          Back
        </button>
        <button
          type="button"
          data-action="glass-next"
          aria-disabled={now === last}
          onClick={() => (now === null ? move(0) : move(1))}
        >
          {now === null ? 'In slow motion' : 'Next'}
        </button>
        {now !== null && (
          <span class="glass-at">
            {now + 1} of {parts.length}
          </span>
        )}
        <button
          type="button"
          class="plain"
          data-action="glass-all"
          aria-pressed={now === null}
          onClick={() => {
            at.value = now === null ? 0 : null;
          }}
        >
          All at once
        </button>
      </fieldset>
      <div aria-live={now === null ? 'off' : 'polite'} class="glass-parts" data-all={now === null}>
        {shown.map(({ title, sentence, view }, index) => (
          <article key={title} class="glass-part" data-part={now ?? index}>
            <h3>{title}</h3>
            <p class="glass-sentence">{sentence}</p>
            {view}
          </article>
        ))}
      </div>
    </section>
  );
}

function Choose({ looked, choice }: { looked: Looked; choice: Choice }) {
  const { step, prompt, words, measured } = looked;
  const { view, busy } = useSession();
  const { steps } = view.alignment;
  const [first, last] = [steps[0].step + 1, steps[steps.length - 1].step + 1];
  const shown = step.step + 1;
  return (
    <div class="glass-choose">
      <label class="glass-step">
        <span>
          Step <b>{shown}</b> of {first} to {last}
        </span>
        <input
          type="range"
          data-glass="step"
          min={first}
          max={last}
          value={shown}
          aria-label="Step of alignment"
          aria-valuetext={`step ${shown}`}
          onInput={(event) => {
            choice.step.value = event.currentTarget.valueAsNumber - 1;
          }}
        />
      </label>
      <label>
        <span>Prompt</span>
        <select
          data-glass="prompt"
          value={choice.prompt.value ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget;
            choice.prompt.value = value === '' ? null : Number(value);
            choice.step.value = step.step;
          }}
        >
          <option value="">
            Paid most differently{choice.prompt.value === null && `: ${prompt + 1} of ${step.rewards.length}`}
          </option>
          {step.rewards.map((_, index) => (
            <option key={index} value={index}>
              {index + 1} of {step.rewards.length}
              {index === measured ? ', measured after the update' : ''}
            </option>
          ))}
        </select>
      </label>
      {choice.step.value !== null && (
        <button
          type="button"
          class="plain"
          data-action="glass-newest"
          onClick={() => {
            choice.step.value = null;
          }}
        >
          {busy.value ? 'Follow the newest step' : 'Newest step'}
        </button>
      )}
      {words === null && !looked.isAsked && (
        <p class="plot-note glass-wordless">
          The words of this group are not kept, only its numbers. This browser keeps them of the runs that it
          trains, for every prompt of the newest steps, up to 16 MB of each run. A file or a link holds none.
        </p>
      )}
    </div>
  );
}
