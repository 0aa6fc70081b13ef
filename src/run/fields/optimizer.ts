/** AdamW with decoupled weight decay, for every stage that trains the language model. */
import { field } from './field';
import { real } from './kinds';

export const optimizer = {
  beta1: field(real(0, 0.9999), 0.9, { help: 'Decay of the mean gradient.' }),
  beta2: field(real(0, 0.99999), 0.98, { help: 'Decay of the mean squared gradient.' }),
  eps: field(real(1e-12, 1e-3), 1e-8, {
    help: 'Added to the root of the mean square that the step is divided by.',
  }),
  weight_decay: field(
    real(0, 1),
    { tiny: 0, small: 0, base: 0, medium: 0.01, large: 0.01 },
    { help: 'How much of each weight is taken off per step, in units of the learning rate.' },
  ),
  max_grad_norm: field(real(1e-3, 1e6), 1, { help: 'Global L2 norm to which the gradient is clipped.' }),
};
