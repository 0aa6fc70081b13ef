/** RUPR: who writes the reasoning, and how much of it. */
import { endpointProblem } from '../../sft/endpoint';
import { field } from './field';
import { checkedText, hash, oneOf, real, textOf, truth, whole } from './kinds';

interface Facts {
  rupr: { teacher: 'attributes' | 'openai' | 'file' };
}

const ENDPOINT = {
  holds: ({ rupr }: Facts) => rupr.teacher === 'openai',
  reason: 'Only the teacher openai is asked over the network.',
};
const WRITTEN_NOW = {
  holds: ({ rupr }: Facts) => rupr.teacher !== 'file',
  reason: 'The reasoning of a file is written already.',
};
const GIVEN = {
  holds: ({ rupr }: Facts) => rupr.teacher !== 'attributes',
  reason: 'The teacher attributes writes the same reasoning again, so it is not named.',
};

export const rupr = {
  teacher: field(oneOf(['attributes', 'openai', 'file']), 'attributes', {
    help: '`attributes` is embedded. `openai` is a chat model behind an endpoint. `file` gives chains of thought written elsewhere.',
    form: { group: 'reasoning', label: 'Teacher', hint: 'Who writes the reasoning' },
  }),
  told: field(truth, true, {
    help: 'Whether the teacher is told the true next item. `false` is plain distillation, the control.',
    form: {
      group: 'reasoning',
      label: 'Teacher is told the purchase',
      hint: 'Off: plain distillation, the control',
    },
    appliesWhen: WRITTEN_NOW,
  }),
  prompts: field(
    whole(1, 1_000_000),
    { tiny: 6000, small: 12_000, base: 12_000, medium: 12_000, large: 20_000 },
    {
      version2: { tiny: 4000, small: 12000, base: 12000, medium: 12000, large: 20000 },
      help: 'Training examples that are reasoned about.',
      unit: 'prompts',
      form: { group: 'asking', hint: 'Purchases to explain' },
    },
  ),
  num_cots: field(whole(1, 16), 3, {
    help: 'k, chains of thought per prompt.',
    unit: 'CoTs',
    form: { group: 'asking', hint: 'k, explanations of each' },
  }),
  temperature: field(real(0, 10), 1, {
    help: 'Of the teacher. At 1 the embedded one mixes good and bad arguments as it usually does.',
    form: { group: 'asking', hint: 'Of the explanations' },
    appliesWhen: WRITTEN_NOW,
  }),
  url: field(checkedText(endpointProblem, 'an address such as http://localhost:11434/v1, or empty'), '', {
    help: 'Address of the endpoint. Its key is no part of a config.',
    form: { group: 'own', label: 'Address', hint: 'Ollama, llama.cpp, vLLM or the like' },
    appliesWhen: ENDPOINT,
  }),
  model: field(textOf(/^[\w.:/@+-]{0,120}$/, 'at most 120 letters, digits and . _ - : / @ +', 'a text'), '', {
    help: 'The model, as the endpoint calls it.',
    form: { group: 'own', label: 'Model', hint: 'As the server calls it' },
    appliesWhen: ENDPOINT,
  }),
  cots_sha256: field(hash, '', {
    help: 'SHA-256 of the chains of thought learnt from, where they are not made here. That of `openai` is known after they were asked for.',
    appliesWhen: GIVEN,
  }),
};
