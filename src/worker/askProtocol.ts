/** What is asked of a trained model, and what it answers. */
import type { StageName } from '../run/report';

/** A run, and how much of its weights is taken: θ = Σ share · θ_run. */
export interface AskedRun {
  id: string;
  /** In [0, 1]; those of one request come to 1. */
  share: number;
  /**
   * Of a run of conditioned parameters: the weights of its rewards at which it answers, [K] with sum 1. Left out: those that it is handed
   * over at.
   */
  at?: readonly number[];
}

export interface AskRequest {
  /** One run, or several that were aligned from one and the same fine-tuned model. */
  runs: readonly AskedRun[];
  /** `warmup` and `sft`: as warm-up or fine-tuning left them; `newest`: as the run is kept now, which of a finished run is the aligned model. */
  weights?: 'warmup' | 'sft' | 'newest';
  /** What was bought, oldest first: ids of items, or their titles. At least one, at most `text.history_length`. */
  history: readonly string[];
  /** Who asks, in the words of the data set's profiles; '' (the default) says nothing. */
  profile?: string;
  /** 0 (the default) takes the likeliest token each time. */
  temperature?: number;
  /** Which draw, where the temperature is not 0: an integer; the same one gives the same answer. */
  draw?: number;
  /** How many of the likeliest tokens are told at each place; 0 tells none. 5 by default. */
  alternatives?: number;
  /** Validation users that are answered too, greedily, for `Answer.heldOut`; 0 (the default) asks none. */
  heldOutUsers?: number;
}

/** A token that the model wrote, or might have. */
export interface LikelyToken {
  /** As the vocabulary has it: `▁` stands for a space before it. */
  text: string;
  /** Given all before it, at temperature 1, over the whole vocabulary. */
  probability: number;
}

export interface AnsweredToken extends LikelyToken {
  /** The likeliest there, in falling order; empty where none were asked for. */
  alternatives: LikelyToken[];
}

/** Means over validation users. */
export interface AskedHeldOut {
  users: number;
  /** Of the answers' Category L3. */
  Category_L3_ACC: number;
  /** P(click ∧ conversion) of the answers, 0 where one is no item. */
  CTCVR: number;
  valid_rate: number;
}

export interface Answer {
  /** What the model read. */
  prompt: string;
  /** Items of the history that the prompt had no room for: the oldest. */
  dropped: number;
  /** All that it wrote. */
  text: string;
  think: string | null;
  /** The answer's title as it wrote it; null where it wrote none. */
  title: string | null;
  categories: [string, string, string] | null;
  /** The item of the catalogue with that title; null where there is none. */
  item: { id: string; title: string } | null;
  /** Whether it is well formed. */
  isValid: boolean;
  tokens: AnsweredToken[];
  /** Where each run stood whose weights these are. */
  of: { id: string; stage: StageName; step: number; isFinished: boolean }[];
  /** Null where nobody was asked. */
  heldOut: AskedHeldOut | null;
  /** What it took, opening the model included. */
  seconds: number;
}

/** What one may ask a run about. */
export interface Askable {
  items: { id: string; title: string; categories: readonly [string, string, string] }[];
  /** Most items of a history. */
  historyLength: number;
  /** Of a run of conditioned parameters, which answers at any weights: its rewards, and the weights that it is handed over at. Null of others. */
  front: { rewards: string[]; weights: number[] } | null;
  /** Whether the weights that warm-up left are kept. */
  hasWarmup: boolean;
  /** Whether the weights that fine-tuning left are kept. */
  hasSft: boolean;
  /** Some people of the validation split: what they bought before, oldest first, as ids, and what they bought next. */
  people: { profile: string; history: string[]; next: string }[];
  /** Other kept runs that were aligned from the same fine-tuned model. */
  sameSft: string[];
}
