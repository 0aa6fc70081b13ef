/** Shape of the language model, a Llama-style decoder, in the names of Hugging Face's `LlamaConfig`. */
import { field } from './field';
import { real, whole } from './kinds';

export const model = {
  hidden_size: field(
    whole(8, 2048),
    { tiny: 32, small: 64, base: 128, medium: 256, large: 512 },
    { version2: { tiny: 48, small: 64, base: 128, medium: 256, large: 512 }, help: 'Width of the model.' },
  ),
  num_hidden_layers: field(
    whole(1, 48),
    { tiny: 2, small: 2, base: 3, medium: 6, large: 8 },
    { help: 'Blocks of attention and MLP.', unit: 'layers' },
  ),
  num_attention_heads: field(
    whole(1, 64),
    { tiny: 1, small: 2, base: 4, medium: 8, large: 8 },
    {
      help: 'Query heads. Their width, `hidden_size` divided by their number, is a multiple of 4.',
      unit: 'heads',
    },
  ),
  num_key_value_heads: field(
    whole(1, 64),
    { tiny: 1, small: 2, base: 4, medium: 8, large: 2 },
    {
      help: 'Key and value heads. Divides `num_attention_heads`; query heads share them in equal parts.',
      unit: 'heads',
    },
  ),
  intermediate_size: field(
    whole(8, 8192),
    { tiny: 64, small: 128, base: 256, medium: 768, large: 1408 },
    {
      version2: { tiny: 96, small: 128, base: 256, medium: 768, large: 1408 },
      help: 'Width inside the MLP, a multiple of 4.',
    },
  ),
  rope_theta: field(real(10, 10_000_000), 10_000, { help: 'Base of the rotary positions’ wavelengths.' }),
  rms_norm_eps: field(real(1e-8, 1e-3), 1e-5, { help: 'Added to the mean square before its root is taken.' }),
};
