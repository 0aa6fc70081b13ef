/** POPO: GRPO with all rewards, starting from SFT, which is also the reference that the KL term holds it to. */
import { StoppedError } from '../../control/hooks';
import { bestPoint } from '../../evaluate/bestPoint';
import type { LanguageModel, ModelState } from '../../model/languageModel';
import { padRows } from '../../model/padding';
import { policyOptions } from '../../popo/options';
import { rewardLevel } from '../../popo/rewardLevel';
import { ruleOf } from '../../popo/rules';
import type { Rollout } from '../../popo/sampling';
import { trainPolicy } from '../../popo/trainer';
import { widestGroup } from '../../popo/weighting';
import type { RunConfig } from '../config';
import type { StageGauges } from '../divergence';
import { HeldOut } from '../heldOut';
import type { GroupWords, PopoStep, Report, Sample } from '../report';
import { rewardSources } from '../rewardSources';
import type { Onlooker, ResumableStage } from '../stage';
import { adamW } from '../supervise';
import { textOf, type Wording } from '../transcript';
import type { TrainingInputs } from './trainingInputs';

export interface Aligned {
  rewardNames: string[];
  steps: PopoStep[];
  /** What the policy optimiser carries from step to step besides the model's moments. */
  weights: number[];
  curve: Report['popo']['curve'];
  samples: Sample[];
  /** The weights that the stage began with; null before it does. */
  reference: Float32Array<ArrayBuffer> | null;
  /** Where `popo.keep` is `best`: the best point of the curve so far, and its weights; null once they are the model's own. */
  best: { step: number; score: number; parameters: ModelState['parameters'] | null } | null;
  /** Where the model is composed of ends: the weights of the mixture that is measured and handed over. Older states lack it. */
  mixture?: number[];
  /** Weights after the last step, where others are handed over. */
  last: ModelState['parameters'] | null;
  /** Mean rewards [K] of the model that the stage began with, by the temperature of its answers; of steps that hold one of them. */
  levels?: { temperature: number; rewards: number[]; answers: number }[];
}

export const popo: ResumableStage<'popo', TrainingInputs, Aligned, Aligned> = {
  name: 'popo',
  reads: ['seed', 'popo', 'optimizer', 'evaluate.curve_every'],
  steps: (config) => config.popo.steps,
  begin: ({ popo }) => ({
    rewardNames: [...popo.rewards],
    steps: [],
    weights: [...popo.reward_weights],
    curve: [],
    samples: [],
    reference: null,
    best: null,
    last: null,
  }),
  async run(inputs, tools, made) {
    const { config, from, own } = tools;
    const { popo } = config;
    const { model, format, length, tokenizer } = inputs.tokenizer;
    const { dataset, draw } = inputs.data;
    const heldOut = new HeldOut(inputs, tools);

    /** A point of the held-out curve, every `curve_every` steps, at the start and at the end. */
    const measure = async (step: number) => {
      const isDue = popo.steps > 0 && (step % config.evaluate.curve_every === 0 || step === popo.steps);
      // A run that was paused in the middle of this finds the point missing, not twice.
      if (!isDue || made.curve.some((point) => point.step === step)) return;
      await tools.hooks.work.part(`curve at ${step}`, async (work) => {
        const { row, samples } = await heldOut.validationUsers('popo', work);
        made.curve.push({ step, row });
        const best = popo.keep === 'best' ? bestPoint(made.curve) : null;
        if (best !== null && best.step === step) {
          // Read back, since a checkpoint needs them here too; a copy on the device would take its memory for the whole run.
          const parameters = step === 0 ? made.reference : (await model.snapshot()).parameters;
          made.best = { ...best, parameters };
        }
        made.samples.push(...samples);
        tools.emit({ type: 'curve', row, step });
        // The point is kept with the others.
        return true;
      });
    };

    if (from === 0) {
      await model.resetOptimizer();
      await model.freezeReference();
      made.reference = tools.beginning ?? (await model.snapshot()).parameters;
      if (drawsWeights(config)) await model.split(popo.rewards.length);
    } else if (made.reference !== null) {
      const now = await model.snapshot();
      await model.restore({ ...now, parameters: made.reference });
      await model.freezeReference();
      await model.restore(now);
    }
    const optionsOf = ({ popo }: RunConfig, level: number | null = null) =>
      policyOptions(popo, format.options.maxCompletionLength, level);
    if (model.ends > 0) made.mixture ??= popo.reward_weights;
    const optimizer = tools.device.createPolicyOptimizer(model, optionsOf(config));
    const sampled = {
      model,
      dataset,
      examples: draw.policy,
      format,
      eosToken: tokenizer.special.endAnswer,
      sources: rewardSources(inputs, config),
    };

    /** b of `constraint`; measured where a step first asks for it, always by the model that the stage began with. */
    const levelAt = async (step: number, { popo: inForce }: RunConfig): Promise<number | null> => {
      if (inForce.weighting !== 'constraint' || popo.rewards.length < 2) return null;
      const { temperature, constrained, constraint_margin: margin } = inForce;
      made.levels ??= [];
      let level = made.levels.find((known) => known.temperature === temperature);
      if (level === undefined) {
        const begun = performance.now();
        const now = step > 0 ? await model.snapshot() : null;
        if (now !== null && made.reference !== null)
          await model.restore({ ...now, parameters: made.reference });
        const training = { seed: config.seed, promptsPerStep: popo.prompts_per_step };
        const measured = await rewardLevel(sampled, training, { ...optionsOf(config), temperature });
        if (now !== null) await model.restore(now);
        level = { temperature, ...measured };
        made.levels.push(level);
        tools.spend('rollout', (performance.now() - begun) / 1000);
      }
      return margin * level.rewards[popo.rewards.indexOf(constrained)];
    };
    const wording = wordingOf(inputs);
    try {
      optimizer.weights = made.weights;
      await measure(from);
      const { step } = await trainPolicy(
        { ...sampled, optimizer },
        {
          seed: config.seed,
          from,
          steps: popo.steps,
          promptsPerStep: popo.prompts_per_step,
          length,
          async at(step) {
            const inForce = tools.configAt(step);
            return {
              options: optionsOf(inForce, await levelAt(step, inForce)),
              weights: tools.changedAt(step, 'popo.reward_weights') as number[] | null,
            };
          },
          hyper(update) {
            const inForce = tools.configAt(Math.floor(update / popo.num_iterations));
            return adamW(inForce, { ...inForce.popo, steps: popo.steps * popo.num_iterations })(update);
          },
        },
        {
          ...tools.hooks,
          async onStep(done, rollouts) {
            made.steps.push(done);
            made.weights = optimizer.weights;
            if (model.ends > 0) made.mixture = tools.configAt(done.step).popo.reward_weights;
            own.loss.push(done.loss);
            tools.reached(done.step + 1);
            const words = wordsOf(promptOf(done, tools.onlooker), done, rollouts, wording);
            // A model that is composed of ends stands at another mixture by now than the one that was sampled.
            if (tools.onlooker !== undefined && model.ends === 0)
              await measureAfter(words, rollouts, { model, length });
            tools.onlooker?.keep({ step: done.step, rollouts, measured: words, wording });
            tools.emit({ type: 'group', group: words });
            tools.emit({ type: 'popo', step: done });
            tools.watch(gaugesOf(made));
            await measure(done.step + 1);
            tools.watch(gaugesOf(made));
          },
          onTiming: tools.spend,
        },
      );
      if (step < popo.steps) throw new StoppedError('popo');
      const { best } = made;
      if (best !== null && best.parameters !== null) {
        if (best.step < popo.steps) {
          const now = await model.snapshot();
          made.last = now.parameters;
          await model.restore({ ...now, parameters: best.parameters });
        }
        made.best = { ...best, parameters: null };
      }
    } finally {
      optimizer.destroy();
    }
  },
  open: (made) => made,
  report: ({ rewardNames, steps, curve, samples, best }) => ({
    popo: { rewardNames, steps, curve, ...(best && { best: { step: best.step, score: best.score } }) },
    samples,
  }),
  *events({ popo, samples }, { name }) {
    for (const step of popo?.steps ?? []) yield { type: 'popo', step };
    for (const { step, row } of popo?.curve ?? []) yield { type: 'curve', row, step };
    for (const sample of samples ?? []) if (sample.stage === name) yield { type: 'sample', sample };
  },
};

/** Whether the rule draws its weights, so that the model is split into an end for each reward. */
export function drawsWeights({ popo }: Pick<RunConfig, 'popo'>): boolean {
  return popo.steps > 0 && ruleOf(popo.weighting).draw !== undefined;
}

/** Which group is told in words: the one that is looked at, else the one whose answers were paid most differently, and so taught most. */
function promptOf({ rewards, weightsAfter }: PopoStep, onlooker: Onlooker | undefined): number {
  const chosen = onlooker?.prompt() ?? null;
  return chosen !== null && chosen < rewards.length ? chosen : widestGroup(rewards, weightsAfter);
}

function wordingOf({ data, tokenizer: { tokenizer } }: TrainingInputs): Wording {
  return {
    piece: (token) => tokenizer.token(token).replaceAll('▁', ' '),
    item: (index) => data.dataset.items[index].title,
  };
}

function wordsOf(
  prompt: number,
  { step, rewards }: PopoStep,
  rollouts: readonly Rollout[],
  wording: Wording,
): GroupWords {
  const size = rewards[prompt].length;
  const group = rollouts.slice(prompt * size, (prompt + 1) * size);
  return {
    step,
    prompt,
    text: textOf(group[0].prompt, wording),
    answers: group.map(({ completion, logps, parsed }) => ({
      pieces: Array.from(completion, wording.piece),
      probabilities: Array.from(logps, Math.exp),
      item: parsed.valid && parsed.item >= 0 ? wording.item(parsed.item) : null,
    })),
  };
}

/** What the step's update made of the probabilities of the answers that are told: one pass over G rows, for eyes alone. */
async function measureAfter(
  { prompt, answers }: GroupWords,
  rollouts: readonly Rollout[],
  { model, length }: { model: LanguageModel; length: number },
): Promise<void> {
  const group = rollouts.slice(prompt * answers.length, (prompt + 1) * answers.length);
  const { logps } = await model.score(
    padRows(
      group.map((rollout) => [...rollout.prompt, ...rollout.completion]),
      length,
    ),
  );
  group.forEach(({ prompt: { length: from }, completion }, g) => {
    const begin = g * length + from;
    answers[g].after = Array.from(logps.subarray(begin, begin + completion.length), Math.exp);
  });
}

/** What tells of alignment that runs away: of its steps, and of the held-out curve. */
function gaugesOf({ steps, curve }: Aligned): StageGauges {
  return {
    gradient: { values: steps.map(({ grad_norm }) => grad_norm) },
    kl: { values: steps.map(({ kl }) => kl) },
    entropy: { values: steps.map(({ entropy }) => entropy) },
    valid: { values: steps.map(({ completions }) => completions.valid_rate) },
    answers: {
      values: curve.map(({ row }) => row.distinct_top1),
      // A point after n steps tells of step n − 1.
      steps: curve.map(({ step }) => step - 1),
    },
  };
}
