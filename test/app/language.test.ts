/** The page's other language: each sentence of its catalogue is one of the source, and comes out whole. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReadonlySignal, signal } from '@preact/signals';
import { h } from 'preact';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { inChinese } from '../../src/app/words/chinese';
import { changesInWords } from '../../src/app/words/differences';
import { LABELS } from '../../src/app/words/fieldLabels';
import { translateNode } from '../../src/app/words/nodes';
import { nameInWords } from '../../src/app/words/runNames';
import { createTranslator, literals, placeholders, sentencesOf } from '../../src/app/words/translator';
import type { ConfigPath } from '../../src/run/config';
import { presetConfig } from '../../src/run/presets';

const CATALOGUES = 'src/app/words/chinese';
const sentences = readdirSync(CATALOGUES).flatMap((file) =>
  sentencesOf(readFileSync(join(CATALOGUES, file), 'utf8')),
);

describe('the catalogue', () => {
  it('has each sentence once', () => {
    const keys = sentences.map(([english]) => english);
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
    expect(keys.length).toBeGreaterThan(1000);
  });

  it('is read by the page, each file of it', () => {
    const read = readFileSync('src/app/words/chinese.ts', 'utf8');
    for (const file of readdirSync(CATALOGUES)) expect(read).toContain(`./chinese/${file}?raw`);
  });

  it('keeps the placeholders of each sentence', () => {
    const wrong = sentences.filter(
      ([english, chinese]) => placeholders(english).join() !== placeholders(chinese).join(),
    );
    expect(wrong).toEqual([]);
  });

  it('has nothing that the source no longer says', () => {
    const said = saidBy(
      readdirSync('src', { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.tsx?$/.test(name))
        .map((name) => readFileSync(join('src', name), 'utf8'))
        .join('\n'),
    );
    expect(sentences.map(([english]) => english).filter((key) => isStale(key, said))).toEqual([]);
  });

  it('ends a sentence as Chinese does, and has no half-width comma between Chinese words', () => {
    const wrong = sentences.filter(([english, chinese]) => {
      const isHalf = /[\u4e00-\u9fff][,;:?!]/.test(chinese) || /[\u4e00-\u9fff]\.$/.test(chinese);
      return isHalf || (/[a-z]\.$/.test(english) && !/[。：]$|\}$/.test(chinese));
    });
    expect(wrong).toEqual([]);
  });
});

/** Words in their order, whatever stands between them in the source: quotes, line ends, tags. */
function wordsOf(text: string): string[] {
  return (
    text
      .replace(/\{' '\}/g, ' ')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

const pairsOf = (words: readonly string[]) => words.slice(1).map((word, at) => `${words[at]} ${word}`);

/** A sentence may be put together from a few pieces: of four words one may follow another than in the source. */
function isStale(key: string, said: ReadonlySet<string>): boolean {
  return literals(key).some((part) => {
    const words = wordsOf(part);
    const isThere = (text: string) => said.has(text);
    const lost = pairsOf(words).filter((pair) => !isThere(pair)).length;
    return !words.every(isThere) || lost > words.length / 4;
  });
}

function saidBy(source: string): ReadonlySet<string> {
  const words = wordsOf(source);
  return new Set([...words, ...pairsOf(words)]);
}

it('says what was changed on the way, each setting by its own name', () => {
  const config = presetConfig({ preset: 'tiny', version: 2 });
  const english = (Object.keys(LABELS) as ConfigPath[]).flatMap((field) =>
    changesInWords([{ stage: 'popo', step: 4, field, from: 1, to: 2 }], config),
  );
  expect(english[0]).toBe('From step 5 of alignment on: departments of the catalogue 2, not 1.');
  const chinese = english.map((words) => inChinese(words));
  expect(chinese[0]).toMatch(/^从对齐第 5 步起：[\u4e00-\u9fff ]+为 ?2，而非 ?1。$/);
  // What is left in Latin letters are names.
  expect(chinese.filter((words) => /\b(?!SASRec|token)[A-Z]?[a-z]{2,}/.test(words))).toEqual([]);
});

it('names a line of a run by what was turned last', () => {
  const config = presetConfig({ preset: 'tiny', version: 2 });
  const leash = { stage: 'popo', step: 4, field: 'popo.beta', from: 0.1, to: 0.3 } as const;
  const name = (fork: number, changes: number) =>
    inChinese(
      nameInWords({
        config,
        fork: { of: 'x', stage: 'popo', step: fork },
        changes: Array.from({ length: changes }, () => leash),
      }),
    );
  expect([name(0, 1), name(12, 2)]).toEqual([
    'tiny，未作改动；从对齐开始；对微调模型的 KL 约束 0.3（从第 5 步起）',
    'tiny，未作改动；从对齐第 12 步分叉；中途更改 2 次，最后：对微调模型的 KL 约束 0.3（从第 5 步起）',
  ]);
});

it('tells a sentence that the source no longer says', () => {
  const said = saidBy('`run of `, n, ` steps was kept`, "and it goes on"');
  expect(isStale('run of {n} steps was kept', said)).toBe(false);
  expect(isStale('run of {n} steps was lost', said)).toBe(true);
  expect(isStale('kept steps', said)).toBe(true);
});

describe('a translator', () => {
  const translate = createTranslator([
    [
      '# a remark',
      'Rewards == 奖励',
      'semantic == 语义',
      '{label} reward == {label}奖励',
      '{n} of {m} [run|runs] kept == 共 {m} 个，保留 {n} 个',
      '{rawName} is kept: {why} == 保留 {rawName}：{why}',
      'It is full. == 已满。',
      'Press <1> to train, or <2>. == 按<2>，或按<1>训练。',
      'at step {n} of {stage} == {stage}第 {n} 步',
      'stage:popo == 对齐',
      'L3 == L3',
    ].join('\n'),
  ]);

  it('puts numbers where the other language has them', () => {
    expect(translate('3 of 1\u202f200 runs kept')).toBe('共 1\u202f200 个，保留 3 个');
    expect(translate('1 of 2 run kept')).toBe('共 2 个，保留 1 个');
    expect(translate('some of 2 runs kept')).toBe('some of 2 runs kept');
  });

  it('looks up what stands in a sentence, but for what is said to be raw', () => {
    expect(translate('semantic reward')).toBe('语义奖励');
    expect(translate('semantic is kept: It is full.')).toBe('保留 semantic：已满。');
  });

  it('gives a word the meaning that it has in its place', () => {
    expect(translate('at step 7 of popo')).toBe('对齐第 7 步');
    expect(translate('popo')).toBe('popo');
  });

  it('puts a space between letters of the two languages', () => {
    expect(translate('CTCVR reward')).toBe('CTCVR 奖励');
    expect(translate('semantic reward')).toBe('语义奖励');
  });

  it('moves elements', () => {
    expect(translate('Press \ue000 to train, or \ue001.')).toBe('按\ue001，或按\ue000训练。');
  });

  it('takes apart what no sentence fits as a whole', () => {
    expect(translate('It is full. It is full.')).toBe('已满。已满。');
    expect(translate('Rewards: semantic 0.5, L3 0.25')).toBe('奖励：语义 0.5，L3 0.25');
    expect(translate(' Rewards \ue000')).toBe(' 奖励 \ue000');
    // Prose that nobody has translated stays whole.
    expect(translate('Rewards, and what they are for')).toBe('Rewards, and what they are for');
  });
});

describe('a node', () => {
  const say = createTranslator(['Rewards == 奖励\nPress <1> to train, or <2>. == 按<2>，或按<1>训练。']);
  type Node = Parameters<typeof translateNode>[0];
  /** As Preact does it: nodes above first. */
  function told(node: unknown, above?: unknown): Record<string, unknown> {
    const inner = Object.assign(node as Node, { __: above as Node | undefined });
    translateNode(inner, say);
    return inner.props;
  }

  it('has its text and what is read or heard of it translated, and nothing else', () => {
    expect(told(h('p', { title: 'Rewards', class: 'Rewards' }, 'Rewards'))).toMatchObject({
      title: '奖励',
      class: 'Rewards',
      children: '奖励',
    });
    const Part = () => null;
    expect(told(h(Part, { title: 'Rewards' } as object))).toMatchObject({ title: 'Rewards' });
  });

  it('is one sentence with the elements in it, which may change places', () => {
    const [first, second] = [h('b', null, 'T'), h('i', null, 'P')];
    const { children } = told(h('p', null, 'Press ', first, ' to train, or ', second, '.'));
    expect(children).toEqual(['按', second, '，或按', first, '训练。']);
  });

  it('stays as it is under translate="no", at any depth, and in code', () => {
    const outer = h('div', { translate: false, title: 'Rewards' }, 'Rewards');
    expect(told(outer)).toMatchObject({ title: 'Rewards', children: 'Rewards' });
    const inner = h('b', null, 'Rewards');
    expect(told(inner, outer).children).toBe('Rewards');
    expect(told(h('i', null, 'Rewards'), inner).children).toBe('Rewards');
    expect(told(h('i', { translate: true }, 'Rewards'), inner).children).toBe('奖励');
    expect(told(h('code', null, 'Rewards')).children).toBe('Rewards');
  });

  it('follows a signal', () => {
    const text = signal('Rewards');
    const shown = told(h('p', null, text as never)).children as ReadonlySignal<string>;
    expect(shown.value).toBe('奖励');
    text.value = 'else';
    expect(shown.value).toBe('else');
  });
});

it('says what the page says', () => {
  expect(
    inChinese("Takes about 2.1 GB of GPU memory and 780 KB of the page's, and at least 1 min 20 s."),
  ).toBe('约占 2.1 GB 显存和页面内存 780 KB，至少需要 1 分 20 秒。');
  expect(inChinese('This run cannot start: popo.beta must be a number from 0 to 10.')).toBe(
    '此运行无法开始：popo.beta 须为 0 到 10 之间的数。',
  );
  expect(
    inChinese(
      'bad.csv has no column for the user that is known here: it has “a”, “b”. Say which it is, as in user=a.',
    ),
  ).toBe('bad.csv 没有已知的用户列：现有 “a”, “b”。请指明，例如 user=a。');
  expect(
    inChinese(
      'x.tsv has no column for the item that is known here and no header line that names them: it has “#1”. Say which it is, as in item=#1.',
    ),
  ).toBe('x.tsv 没有已知的物品列，也没有命名各列的表头：现有 “#1”。请指明，例如 item=#1。');
  expect(
    inChinese(
      'Nothing is left of 2 interactions of 1 user after dropping users and items with fewer than 5: more interactions per user and item are needed.',
    ),
  ).toMatch(/^剔除交互少于 5 次的用户和物品后，1 个用户的 2 次交互一条不剩：/);
  expect(inChinese('x.csv row 8: no JSON object that can be read (“{"user": 6}”)')).toBe(
    'x.csv 第 8 行：不是可读取的 JSON 对象（“{"user": 6}”）',
  );
  expect(inChinese('x.csv row 8: no user')).toBe('x.csv 第 8 行：没有用户');
  expect(inChinese('Alignment 45 % · taiji-lab')).toBe('对齐 45 % · taiji-lab');
  expect(inChinese('Paused: Fine-tuning 45 % · taiji-lab')).toMatch(/^已暂停：\S+ 45 % · taiji-lab$/);
  expect(inChinese('About 1.5 to 9 minutes on this device')).toBe('在本设备上约需 1.5 到 9 分钟');
  expect(
    inChinese(
      'There is no recording to watch: a.bin came damaged, or is of another version of the page (5 bytes, not the 6 that were wanted).',
    ),
  ).toBe('没有可观看的录制：a.bin 已损坏，或属于另一版本的页面（5 字节，应为 6 字节）。');
  expect(
    inChinese('No, it costs: popo over fixed-0.5, L3 −.012 [−.020, −.004] and CTCVR +.001 [−.002, +.004].'),
  ).toBe('没有，反而下降：popo 对比 fixed-0.5，L3 −.012 [−.020, −.004]，CTCVR +.001 [−.002, +.004]。');
});

it('no component returns a fragment with text in it, of which only pieces would be translated', () => {
  const found = readdirSync('src/app', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tsx'))
    .flatMap((name) => {
      const text = readFileSync(join('src/app', name), 'utf8');
      const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
      return fragmentsReturned(file).filter((fragment) =>
        fragment.children.some((child) => ts.isJsxText(child) && /\p{L}/u.test(child.text)),
      );
    });
  expect(found.map((fragment) => fragment.getText())).toEqual([]);
});

function fragmentsReturned(node: ts.Node): ts.JsxFragment[] {
  const inner: ts.JsxFragment[] = [];
  ts.forEachChild(node, (child) => {
    inner.push(...fragmentsReturned(child));
  });
  return ts.isJsxFragment(node) && isReturned(node.parent) ? [node, ...inner] : inner;
}

function isReturned(above: ts.Node): boolean {
  const isBetween = ts.isParenthesizedExpression(above) || ts.isConditionalExpression(above);
  return isBetween ? isReturned(above.parent) : ts.isReturnStatement(above) || ts.isArrowFunction(above);
}
