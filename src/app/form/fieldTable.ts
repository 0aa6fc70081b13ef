/** The settings behind More: which stage each is of, and what a person calls it. Those that have a control elsewhere on the page are left out. */
import type { ConfigPath } from '../../run/config';
import { CONFIG_PATHS, shownIn } from '../../run/fields/paths';

/** Set by the first row, by the data picker, with the teacher, or with another field. */
export const ELSEWHERE = [
  'preset',
  'version',
  'seed',
  'data.source',
  'data.world',
  'data.sha256',
  'data.map',
  'rupr.url',
  'rupr.model',
  'rupr.cots_sha256',
  'popo.weighting',
  'popo.epsilon_high',
] as const satisfies readonly ConfigPath[];

type ShownPath = Exclude<ConfigPath, (typeof ELSEWHERE)[number]>;

/** In words, beside which the field's own name stands. */
export const LABELS: Readonly<Record<ShownPath, string>> = {
  'data.num_l1': 'Departments of the catalogue',
  'data.items_per_l3': 'Items in each narrow category',
  'data.devices': 'Devices of the catalogue',
  'data.num_users': 'Users to train on',
  'data.num_heldout_users': 'Users held out, twice',
  'text.vocab_size': 'Most tokens of the tokenizer',
  'text.history_length': 'Behaviours in a prompt',
  'text.max_prompt_length': 'Longest prompt, in tokens',
  'text.max_completion_length': 'Longest answer, in tokens',
  'model.hidden_size': 'Width of the model',
  'model.num_hidden_layers': 'Layers',
  'model.num_attention_heads': 'Attention heads',
  'model.num_key_value_heads': 'Key and value heads',
  'model.intermediate_size': 'Width inside the MLP',
  'model.rope_theta': 'Base of the rotary positions',
  'model.rms_norm_eps': 'Guard of the norms',
  'optimizer.beta1': 'Decay of the mean gradient',
  'optimizer.beta2': 'Decay of the squared gradient',
  'optimizer.eps': 'Guard of the division',
  'optimizer.weight_decay': 'Decay of the parameters',
  'optimizer.max_grad_norm': 'Gradients are clipped at',
  'warmup.steps': 'Steps of warm-up',
  'warmup.batch_size': 'Examples of a step',
  'warmup.learning_rate': 'Highest learning rate',
  'warmup.catalogue_facts': 'Facts beside each batch',
  'warmup.need_sentences': 'Needs beside each batch',
  'warmup.catalogue_sentences': 'Answers beside each batch',
  'rupr.teacher': 'Teacher',
  'rupr.told': 'Teacher is told the purchase',
  'rupr.prompts': 'Purchases to explain',
  'rupr.num_cots': 'Explanations of each',
  'rupr.temperature': 'Temperature of the explanations',
  'orft.threshold': 'Keep reasoning below',
  'orft.scorer_steps': 'Steps that tune the scorer',
  'sft.steps': 'Steps of fine-tuning',
  'sft.batch_size': 'Examples of a step',
  'sft.learning_rate': 'Highest learning rate',
  'sft.catalogue_sentences': 'Sentences of warm-up beside each batch',
  'sft.cot': 'Fine-tune on reasoning',
  'ranker.steps': 'Steps of the ranker',
  'ranker.batch_size': 'Impressions of a step',
  'ranker.learning_rate': 'Learning rate of the ranker',
  'ranker.embedding_size': 'Width of the ranker’s embeddings',
  'ranker.attended': 'Behaviours that target attention sees',
  'ranker.features': 'What the ranker sees',
  'ranker.reward': 'What the ID reward is',
  'encoder.steps': 'Steps of the encoder',
  'encoder.embedding_size': 'Width of the encoder’s vectors',
  'encoder.semantic_reward': 'What measures meaning',
  'popo.steps': 'Steps of alignment',
  'popo.prompts_per_step': 'Shoppers of a step',
  'popo.num_generations': 'Answers to each shopper',
  'popo.keep': 'Which model is handed over',
  'popo.learning_rate': 'Learning rate of the policy',
  'popo.rewards': 'Rewards',
  'popo.reward_weights': 'Reward weights',
  'popo.eta_over_mu': 'How fast reward weights move',
  'popo.influence': 'Direction of influence',
  'popo.influence_scope': 'Layers whose gradients count',
  'popo.influence_prompts': 'Prompts that influence is measured on',
  'popo.influence_every': 'Steps between changes of reward weights',
  'popo.objective_max_norm': 'Each reward’s gradient is clipped at',
  'popo.min_weight': 'Least reward weight',
  'popo.correlation_target': 'Correlation to reach',
  'popo.correlation_rate': 'Pace by correlation',
  'popo.constrained': 'Reward that is held',
  'popo.constraint_margin': 'Share of its level that is held',
  'popo.constraint_step': 'Pace of the held reward',
  'popo.semantic_exponent': 'Power of the meaning’s cosine',
  'popo.probe_every': 'Steps between measured gradients',
  'popo.beta': 'Leash to the fine-tuned model',
  'popo.epsilon': 'Clip of the ratio',
  'popo.num_iterations': 'Updates on the same answers',
  'popo.temperature': 'Temperature of sampled answers',
  'popo.top_k': 'Likeliest tokens to sample from',
  'popo.loss_type': 'How token losses are averaged',
  'popo.scale_rewards': 'What an advantage is divided by',
  'popo.multi_objective_aggregation': 'How rewards become one',
  'evaluate.users': 'Test users of the table',
  'evaluate.curve_users': 'Users of the held-out curve',
  'evaluate.curve_every': 'Steps between its points',
  'evaluate.baselines': 'Recommenders without language',
  'evaluate.sasrec_steps': 'Steps of SASRec',
  'evaluate.sasrec_batch_size': 'Histories of its step',
  'evaluate.sasrec_hidden_size': 'Width of SASRec',
  'evaluate.sasrec_learning_rate': 'Learning rate of SASRec',
  'ranking.users': 'Newcomers to rank for',
  'ranking.steps': 'Steps of the A/B ranker',
  'ranking.tuning_steps': 'Steps for each set of features',
  'ranking.batch_size': 'Requests of a step',
  'ranking.learning_rate': 'Learning rate of the A/B rankers',
  'ranking.embedding_size': 'Width of their embeddings',
  'ranking.subspaces': 'Codes per user',
  'ranking.bits': 'Bits of a code',
  kernels: 'Kernels of the GPU',
};

/** In the place of the entries' hints, where those say what the label says. */
export const HINTS: { readonly [P in ShownPath]?: string } = {
  'rupr.prompts': '',
  'rupr.num_cots': 'k',
  'rupr.temperature': '',
  'popo.eta_over_mu': 'Below 0 towards the weaker',
  'popo.influence_every': '',
  'popo.influence_prompts': '0: on all',
  'popo.min_weight': '',
  'popo.correlation_target': 'A reward below it gains weight',
  'popo.correlation_rate': '',
  'popo.constrained': '',
  'popo.constraint_margin': '',
  'popo.constraint_step': '',
  'popo.num_generations': 'G',
  'popo.prompts_per_step': 'P',
  'popo.steps': '',
  'popo.learning_rate': '',
  'popo.num_iterations': 'The clip counts from the second',
  'popo.temperature': 'And of the probabilities in the loss',
  'popo.loss_type': '',
  'popo.scale_rewards': 'batch did best at tiny',
  'popo.keep': 'The last, or the best on validation users',
  'popo.beta': 'Weight of the KL term; 0 collapses',
  'ranking.users': '0 leaves it out',
  'ranking.subspaces': 'M',
  'ranking.bits': 'One of 2^bits',
};

export interface FieldGroup {
  title: string;
  note: string;
  /** Whether it is unfolded from the beginning. */
  isOpen: boolean;
  paths: readonly ShownPath[];
}

const isShown = (path: ConfigPath): path is ShownPath => path in LABELS;
/** All fields of some sections, in the config's order. */
const of = (...sections: string[]) =>
  CONFIG_PATHS.filter(isShown).filter((path) => sections.some((section) => path.startsWith(`${section}.`)));
const alignment = shownIn('alignment').filter(isShown);
const judges: readonly ShownPath[] = ['popo.semantic_exponent'];

/** In the order of a run; each field stands in one. */
export const GROUPS: readonly FieldGroup[] = [
  { title: 'Data', note: 'What is generated, and how it is told', isOpen: false, paths: of('data', 'text') },
  { title: 'Model', note: 'Its shape, and AdamW', isOpen: false, paths: of('model', 'optimizer') },
  {
    title: 'Judges',
    note: 'Ranker and encoder, behind the two rewards',
    isOpen: false,
    paths: [...of('ranker', 'encoder').filter((path) => !alignment.includes(path)), ...judges],
  },
  { title: 'Warm-up', note: 'History in, next item out', isOpen: false, paths: of('warmup') },
  {
    title: 'Reasoning and rejection',
    note: 'RUPR and ORFT; switch one off to see what it is worth',
    isOpen: true,
    paths: of('rupr', 'orft'),
  },
  {
    title: 'Fine-tuning',
    note: 'SFT on what was kept',
    isOpen: true,
    paths: ['sft.cot', ...of('sft').filter((path) => path !== 'sft.cot')],
  },
  {
    title: 'Alignment',
    note: 'POPO; names as in TRL’s GRPOTrainer',
    isOpen: true,
    paths: [
      ...alignment,
      ...of('popo').filter((path) => !alignment.includes(path) && !judges.includes(path)),
    ],
  },
  {
    title: 'Evaluation',
    note: 'Held-out users, and whether its reasoning helps an ordinary ranker',
    isOpen: true,
    paths: of('evaluate', 'ranking'),
  },
  { title: 'Kernels', note: 'Pinned, so that a link reproduces', isOpen: false, paths: ['kernels'] },
];

/** Which fields a search finds: each of its words in the field's words, its name, or its help. */
export function found(path: ConfigPath, query: string, more: string): boolean {
  const text = `${isShown(path) ? LABELS[path] : ''} ${path} ${more}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
