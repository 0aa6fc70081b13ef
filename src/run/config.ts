/** The config of a run. Types first; the valibot schema and the frozen presets stand below. */

export interface RunConfig {
  preset: 'tiny' | 'small' | 'base' | 'medium' | 'large';
  /** Version of the frozen preset that defaults come from. */
  version: 1;
  seed: number;
  data: {
    /** `world` is generated; `import` is a data set of the visitor's, named by its hash. */
    source: 'world' | 'import';
    /** Which embedded world: `tradeoff` (the default) or `hackable`. */
    world: 'tradeoff' | 'hackable';
    num_l1: number;
    items_per_l3: number;
    num_users: number;
    /** Held-out users each for validation and test. */
    num_heldout_users: number;
    /** SHA-256 of an imported data set; empty for a world. */
    sha256: string;
  };
  text: {
    vocab_size: number;
    /** n, behaviours in the prompt, newest first. */
    history_length: number;
    max_prompt_length: number;
    max_completion_length: number;
  };
  model: {
    hidden_size: number;
    num_hidden_layers: number;
    num_attention_heads: number;
    num_key_value_heads: number;
    intermediate_size: number;
    rope_theta: number;
    rms_norm_eps: number;
  };
  optimizer: { beta1: number; beta2: number; eps: number; weight_decay: number; max_grad_norm: number };
  warmup: {
    steps: number;
    batch_size: number;
    learning_rate: number;
    /** Sentences joined to each batch of prompt → answer examples. */
    catalogue_facts: number;
    need_sentences: number;
    catalogue_sentences: number;
  };
  rupr: {
    teacher: 'attributes';
    /** Whether the teacher is told the true next item. */
    told: boolean;
    prompts: number;
    /** k chains of thought per prompt. */
    num_cots: number;
    temperature: number;
  };
  orft: {
    /** Which CoTs survive: PPL below the validation median, NLL margin within the prompt, all, or PPL below a number. */
    threshold: 'median' | 'margin' | 'none' | number;
    /** Steps the scorer is tuned on the CoT format before it judges. */
    scorer_steps: number;
  };
  sft: {
    steps: number;
    batch_size: number;
    learning_rate: number /** false: answers only, the control */;
    cot: boolean;
  };
  ranker: { steps: number; batch_size: number; learning_rate: number; embedding_size: number };
  encoder: { steps: number; embedding_size: number };
  popo: {
    steps: number;
    /** P */
    prompts_per_step: number;
    /** G */
    num_generations: number;
    learning_rate: number;
    weighting: 'fixed' | 'popo' | 'popo-light';
    /** One weight per reward: those of `fixed`, and w(0) of the others. Sums to 1. */
    reward_weights: number[];
    eta_over_mu: number;
    beta: number;
    epsilon: number;
    epsilon_high: number;
    num_iterations: number;
    temperature: number;
    top_k: number;
    loss_type: 'grpo' | 'bnpo' | 'dapo' | 'dr_grpo';
    scale_rewards: 'group' | 'batch' | 'none';
    multi_objective_aggregation: 'sum_then_normalize' | 'normalize_then_sum';
  };
  evaluate: {
    /** Held-out test users of the stage table. */
    users: number;
    /** Held-out validation users of the curves drawn while POPO trains, and every how many steps. */
    curve_users: number;
    curve_every: number;
  };
  /** Kernel variants, pinned so that a link reproduces: chosen per adapter at `auto`, reported resolved. */
  kernels: 'auto' | 'portable' | 'tiled';
}
