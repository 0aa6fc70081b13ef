/** Fields in sentences: whoever reads one is told its words, wherever the sentence was written. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { inChinese } from '../../src/app/words/chinese';
import { ELSEWHERE, LABELS } from '../../src/app/words/fieldLabels';
import { inFieldWords, unreadWords } from '../../src/app/words/fieldWords';
import { translator } from '../../src/app/words/language';
import { sentencesOf } from '../../src/app/words/translator';
import { RULES } from '../../src/popo/rules';
import { CONFIG_PATHS, fieldAt, whyUnread } from '../../src/run/fields/paths';
import { defaultConfig } from '../../src/run/presets';
import { namesAlone } from './namesAlone';

afterEach(() => {
  translator.value = null;
});

/** Every sentence that the page may say has its line there. */
const CATALOGUES = 'src/app/words/chinese';
const SENTENCES = readdirSync(CATALOGUES).flatMap((file) =>
  sentencesOf(readFileSync(join(CATALOGUES, file), 'utf8')),
);

it('finds a name that stands alone, and none that has words', () => {
  expect(namesAlone('Lower popo.learning_rate or eta_over_mu, and the temperature.')).toEqual([
    'popo.learning_rate',
    'eta_over_mu',
  ]);
  expect(namesAlone('“Least reward weight” (popo.min_weight) is too high: lower popo.min_weight.')).toEqual(
    [],
  );
  expect(namesAlone('“奖励权重下限”（popo.min_weight）过高。')).toEqual([]);
  expect(namesAlone('data.csv and max_tokens are no fields')).toEqual([]);
});

it('puts the words of a field before its name, once, with its value and in the page’s language', () => {
  expect(inFieldWords('Lower popo.learning_rate or popo.eta_over_mu; popo.learning_rate first.')).toBe(
    'Lower “Learning rate of the policy” (popo.learning_rate) or “How fast reward weights move” (popo.eta_over_mu); popo.learning_rate first.',
  );
  expect(inFieldWords('sft.batch_size must be a whole number.')).toBe(
    '“Examples of a step of fine-tuning” (sft.batch_size) must be a whole number.',
  );
  expect(inFieldWords('To try: popo.keep=best, which helps; take popo.weighting=conditioned.')).toBe(
    'To try: “Which model is handed over” (popo.keep=best), which helps; take “Weighting” (popo.weighting=conditioned).',
  );
  expect(inFieldWords('Judge more users (evaluate.users).')).toBe('Judge more users (evaluate.users).');
  expect(inFieldWords('Nothing is named in data.csv.')).toBe('Nothing is named in data.csv.');
  translator.value = inChinese;
  expect(inFieldWords('popo.beta must be a number from 0 to 10.')).toBe(
    '“对微调模型的 KL 约束”（popo.beta）须为 0 到 10 之间的数。',
  );
  expect(inFieldWords('sft.batch_size must be a whole number from 1 to 10.')).toContain(
    '“微调的每步样本数”（sft.batch_size）',
  );
});

it('calls stages as the page does', () => {
  expect(inFieldWords('It is kept up to step 12 of sft: resume it, or lower popo.beta.')).toBe(
    'It is kept up to step 12 of fine-tuning: resume it, or lower “Leash to the fine-tuned model” (popo.beta).',
  );
  expect(inFieldWords('Step 3 of ranker is not finite.')).toBe('Step 3 of ID reward is not finite.');
  translator.value = inChinese;
  expect(inChinese(inFieldWords('at step 62 of popo'))).toBe('在对齐第 62 步');
});

it('has words for every field', () => {
  for (const path of CONFIG_PATHS)
    expect({ ...LABELS, ...ELSEWHERE }[path], path).toMatch(/^[A-Z]\S*(?: \S+)*$/);
});

it('leaves no field’s own name alone in any sentence of the page, in either language', () => {
  const left = SENTENCES.flatMap(([english, chinese]) => {
    const told = inFieldWords(english);
    return [told, inFieldWords(chinese)].filter((text) => namesAlone(text).length > 0);
  });
  expect(left).toEqual([]);
});

it('says in words why a field is not read, by the names of rules that people know', () => {
  const raw = new RegExp(`(?<![\\w-])(?:${RULES.map(({ name }) => name).join('|')})(?![\\w.-])`);
  const reasons = new Set(CONFIG_PATHS.flatMap((path) => fieldAt(path).appliesWhen?.reason ?? []));
  expect(reasons.size).toBeGreaterThan(15);
  for (const reason of reasons) {
    expect(namesAlone(inFieldWords(reason))).toEqual([]);
    expect(reason).not.toMatch(raw);
    // Names of rules are translated too.
    translator.value = inChinese;
    expect(inChinese(reason)).not.toMatch(/Correlation|Constraint|Conditioned|[a-z]{3,} [a-z]{3,}/);
    translator.value = null;
  }
  const config = defaultConfig();
  config.ranking.users = 0;
  expect(whyUnread(config, 'ranking.steps')).toBe('Ranking is left out: ranking.users is 0.');
  expect(unreadWords(config, 'ranking.steps')).toBe(
    'Ranking is left out: “Newcomers to rank for” (ranking.users) is 0.',
  );
  expect(unreadWords(config, 'popo.beta')).toBe(null);
});
