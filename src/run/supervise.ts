/** Warm-up, ORFT's scorer and SFT: supervised stages, told apart by their batches. */
import { NotFiniteError, StoppedError } from '../control/hooks';
import type { AdamWStep } from '../model/config';
import type { LanguageModel, TokenBatch } from '../model/languageModel';
import { learningRateAt } from '../sft/schedule';
import { trainSupervised } from '../sft/trainer';
import type { RunConfig } from './config';
import type { StageTools } from './stage';

/** AdamW of update 0, 1, … of a stage: linear warm-up, then half a cosine. */
export function adamW(
  { optimizer }: Pick<RunConfig, 'optimizer'>,
  schedule: { learning_rate: number; steps: number },
): (update: number) => AdamWStep {
  return (update) => ({
    step: update + 1,
    learningRate: learningRateAt({ learningRate: schedule.learning_rate, steps: schedule.steps }, update),
    beta1: optimizer.beta1,
    beta2: optimizer.beta2,
    eps: optimizer.eps,
    weightDecay: optimizer.weight_decay,
    maxGradNorm: optimizer.max_grad_norm,
  });
}

/**
 * Takes the steps of a stage from where it stands, with every loss in its report.
 * @param scheduleOf of the config in force at a step; the number of steps is that of the run's beginning
 * @param batch of each step
 * @throws {StoppedError} when told to stop; NotFiniteError when a loss is not finite
 */
export async function supervise(
  model: Pick<LanguageModel, 'trainStep'>,
  tools: StageTools,
  scheduleOf: (config: RunConfig) => { learning_rate: number; steps: number },
  batch: (step: number) => TokenBatch,
): Promise<void> {
  const { name, from, own } = tools;
  const { steps } = scheduleOf(tools.config);
  const hyper = (step: number) => {
    const config = tools.configAt(step);
    return adamW(config, scheduleOf(config))(step);
  };
  own.gradNorm ??= [];
  const { gradNorm: norms } = own;
  const next = await trainSupervised(
    model,
    { from, steps, batch, hyper },
    {
      gate: tools.gate,
      onStep(step, { loss, gradNorm }) {
        if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
          throw new NotFiniteError(
            `Step ${step + 1} of ${name} is not finite (loss ${loss}, gradient norm ${gradNorm}): training stops ` +
              `here, the last checkpoint is intact. Lower ${name}.learning_rate.`,
          );
        }
        own.loss.push(loss);
        norms.push(gradNorm);
        const { learningRate } = hyper(step);
        tools.emit({ type: 'loss', name, step, loss, gradNorm, learningRate });
        tools.watch({ loss: { values: own.loss }, gradient: { values: norms } });
        tools.reached(step + 1);
        tools.hooks.onProgress(step + 1, steps);
      },
    },
  );
  if (next < steps) throw new StoppedError(name);
}
