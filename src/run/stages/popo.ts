/** POPO: GRPO with all rewards, starting from SFT, which is also the reference that the KL term holds it to. */
import { StoppedError } from '../../control/hooks';
import { policyOptions } from '../../popo/options';
import { trainPolicy } from '../../popo/trainer';
import { HeldOut } from '../heldOut';
import type { PopoStep, Report, Sample } from '../report';
import { rewardSources } from '../rewardSources';
import type { ResumableStage } from '../stage';
import { adamW } from '../supervise';
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
      const { row, samples } = await heldOut.validationUsers('popo');
      made.curve.push({ step, row });
      made.samples.push(...samples);
      tools.emit({ type: 'curve', row, step });
    };

    if (from === 0) {
      await model.resetOptimizer();
      await model.freezeReference();
      made.reference = (await model.snapshot()).parameters;
    } else if (made.reference !== null) {
      const now = await model.snapshot();
      await model.restore({ ...now, parameters: made.reference });
      await model.freezeReference();
      await model.restore(now);
    }
    const options = policyOptions(popo, format.options.maxCompletionLength);
    const optimizer = tools.device.createPolicyOptimizer(model, options);
    try {
      optimizer.weights = made.weights;
      await measure(from);
      const { step } = await trainPolicy(
        {
          model,
          optimizer,
          dataset,
          examples: draw.policy,
          format,
          eosToken: tokenizer.special.endAnswer,
          sources: rewardSources(inputs, config),
        },
        {
          ...options,
          seed: config.seed,
          from,
          length,
          hyper: adamW(config, { ...popo, steps: popo.steps * popo.num_iterations }),
        },
        {
          ...tools.hooks,
          async onStep(done) {
            made.steps.push(done);
            made.weights = optimizer.weights;
            own.loss.push(done.loss);
            tools.reached(done.step + 1);
            tools.emit({ type: 'popo', step: done });
            await measure(done.step + 1);
          },
          onTiming: tools.spend,
        },
      );
      if (step < popo.steps) throw new StoppedError('popo');
    } finally {
      optimizer.destroy();
    }
  },
  open: (made) => made,
  report: ({ rewardNames, steps, curve, samples }) => ({ popo: { rewardNames, steps, curve }, samples }),
  *events({ popo, samples }, { name }) {
    for (const step of popo?.steps ?? []) yield { type: 'popo', step };
    for (const { step, row } of popo?.curve ?? []) yield { type: 'curve', row, step };
    for (const sample of samples ?? []) if (sample.stage === name) yield { type: 'sample', sample };
  },
};
