/** What the form shows of the config, which it takes from the fields' entries. */
import { describe, expect, it } from 'vitest';
import { HELP } from '../../src/app/form/fieldHelp';
import { found, GROUPS } from '../../src/app/form/fieldTable';
import { ELSEWHERE, LABELS } from '../../src/app/words/fieldLabels';
import { CONFIG_PATHS, fieldAt, shownIn, wordsOf } from '../../src/run/fields/paths';

const words = (group: Parameters<typeof shownIn>[0]) =>
  shownIn(group).map((path) => [path, wordsOf(path).label, wordsOf(path).hint]);

describe('the form', () => {
  it('shows of the alignment', () => {
    expect(words('alignment')).toEqual([
      ['popo.rewards', 'rewards', 'What an answer is paid for'],
      ['popo.eta_over_mu', 'eta_over_mu', 'How fast the weights move; below 0 towards the weaker'],
      ['popo.influence_every', 'influence_every', 'Steps between changes of POPO’s weights'],
      ['popo.influence_prompts', 'influence_prompts', 'Prompts it is measured on; 0: all'],
      [
        'popo.correlation_target',
        'correlation_target',
        'Correlation with the sum below which a reward gains weight',
      ],
      ['popo.correlation_rate', 'correlation_rate', 'How fast weights by correlation move'],
      ['popo.constrained', 'constrained', 'constraint: the reward that is held'],
      ['popo.constraint_margin', 'constraint_margin', 'constraint: the share of SFT’s level that is held'],
      ['popo.constraint_step', 'constraint_step', 'How fast the held reward gains or loses weight'],
      ['popo.min_weight', 'min_weight', 'No weight goes below'],
      ['popo.beta', 'beta', 'KL leash to SFT; 0 collapses'],
      ['popo.num_generations', 'num_generations', 'G, answers sampled per prompt'],
      ['popo.prompts_per_step', 'prompts_per_step', 'P, shoppers per step'],
      ['popo.steps', 'steps', 'Policy updates'],
      ['popo.learning_rate', 'learning_rate', 'Of the policy'],
      [
        'popo.num_iterations',
        'num_iterations',
        'Updates on each step’s answers; the clip counts from the second',
      ],
      ['popo.temperature', 'temperature', 'Of sampled answers, and of the probabilities in the loss'],
      ['popo.epsilon', 'epsilon', 'Clip of the ratio, both sides'],
      ['popo.reward_weights', 'reward_weights', 'at the start'],
      ['encoder.semantic_reward', 'semantic_reward', 'use-lite loads 28 MB, once'],
      ['popo.loss_type', 'loss_type', 'How token losses are averaged'],
      ['popo.scale_rewards', 'scale_rewards', 'What an advantage is divided by; batch did best at tiny'],
      ['popo.multi_objective_aggregation', 'aggregation', 'GDPO and MGDA bring their own'],
      ['popo.influence', 'influence', 'batch counts noise as influence'],
      ['popo.keep', 'keep', 'The last model, or the best on validation users'],
    ]);
  });

  it('shows of the reasoning, of what is asked, and of the ranking', () => {
    expect(words('reasoning')).toEqual([
      ['rupr.teacher', 'Teacher', 'Who writes the reasoning'],
      ['rupr.told', 'Teacher is told the purchase', 'Off: plain distillation, the control'],
      ['sft.cot', 'Fine-tune on reasoning', 'Off: answers only, the control'],
      ['orft.threshold', 'Keep reasoning below', 'margin compares within a prompt'],
    ]);
    expect(words('asking')).toEqual([
      ['rupr.prompts', 'prompts', 'Purchases to explain'],
      ['rupr.num_cots', 'num_cots', 'k, explanations of each'],
      ['rupr.temperature', 'temperature', 'Of the explanations'],
    ]);
    expect(words('ranking')).toEqual([
      ['evaluate.baselines', 'baselines', 'all trains SASRec too, loads 28 MB'],
      ['ranking.users', 'users', 'Newcomers to rank for; 0 leaves it out'],
      ['ranking.subspaces', 'subspaces', 'M, codes per user'],
      ['ranking.bits', 'bits', 'Of a code: one of 2^bits'],
    ]);
  });

  it('has a control for whatever it shows in a group', () => {
    const made = ['popo.rewards', 'popo.reward_weights'];
    for (const path of CONFIG_PATHS) {
      const group = fieldAt(path).form?.group;
      if (group === undefined || group === 'own' || made.includes(path)) continue;
      expect(fieldAt(path).kind.control.type, path).not.toBe('own');
    }
  });
});

describe('the settings behind More', () => {
  const shown = GROUPS.flatMap(({ paths }) => paths);

  it('are all fields but those with a place elsewhere, each in one group and under words of its own', () => {
    expect([...shown, ...Object.keys(ELSEWHERE)].sort()).toEqual([...CONFIG_PATHS].sort());
    for (const { paths } of GROUPS) {
      const labels = paths.map((path) => LABELS[path]);
      for (const path of paths) expect(LABELS[path], path).not.toBe(path.slice(path.lastIndexOf('.') + 1));
      expect(labels.filter((label) => /^[A-Z]/.test(label))).toEqual(labels);
    }
  });

  it('are found by the help of the reference too, which has every field', () => {
    for (const path of CONFIG_PATHS)
      expect(HELP.get(path)?.replaceAll('\\|', '|'), path).toMatch(
        new RegExp(
          `^${fieldAt(path)
            .help.slice(0, 40)
            .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`,
        ),
      );
    expect(found('popo.beta', 'Leash', '')).toBe(true);
    expect(found('popo.beta', 'beta popo', '')).toBe(true);
    expect(found('popo.beta', 'KL leash', HELP.get('popo.beta')!)).toBe(true);
    expect(found('popo.beta', 'SASRec', HELP.get('popo.beta')!)).toBe(false);
  });

  it('never call anything “weights” alone', () => {
    for (const label of Object.values(LABELS)) expect(label).not.toMatch(/(?<!reward )weights/i);
  });
});
