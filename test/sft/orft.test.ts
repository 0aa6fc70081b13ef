import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaddedTokens } from '../../src/model/languageModel';
import { scoreTails } from '../../src/model/scoreTails';
import { scoreCots } from '../../src/sft/cotPerplexity';
import { cotExamples, marginsWithinPrompt, selectCots } from '../../src/sft/orft';
import { generateCots } from '../../src/sft/rupr';
import { AttributesTeacher } from '../../src/sft/teacher';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';
import { smallWorld } from './world';

const go = { gate: async () => 'go' as const };
/** NLLs of CoTs, k per prompt. */
const scored = fc
  .record({ k: fc.integer({ min: 1, max: 4 }), prompts: fc.integer({ min: 1, max: 30 }) })
  .chain(({ k, prompts }) =>
    fc.record({
      nll: fc.array(fc.float({ min: 0, max: 10, noNaN: true }), {
        minLength: k * prompts,
        maxLength: k * prompts,
      }),
      cots: fc.constant(Array.from({ length: k * prompts }, (_, i) => ({ example: Math.floor(i / k) }))),
    }),
  );

describe('selectCots', () => {
  it('keeps, at the median, the better half and nothing worse than what it rejects', () => {
    fc.assert(
      fc.property(scored, ({ nll, cots }) => {
        const { kept, threshold } = selectCots(nll, cots, 'median');
        const inside = nll.filter((_, i) => kept[i]);
        const outside = nll.filter((_, i) => !kept[i]);
        expect(inside.length).toBeGreaterThanOrEqual(nll.length / 2 - 0.5);
        expect(outside.every((value) => value > Math.max(...inside))).toBe(true);
        expect(inside.every((value) => Math.exp(value) <= threshold)).toBe(true);
      }),
    );
  });

  it('by margin, does not care how hard a prompt is', () => {
    fc.assert(
      fc.property(
        scored,
        fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 30 }),
        ({ nll, cots }, shift) => {
          // Multiples of 1/4 stay exact in the sums.
          const coarse = nll.map((value) => Math.round(value * 4) / 4);
          const shifted = coarse.map((value, i) => value + shift[cots[i].example] / 4);
          const before = marginsWithinPrompt(coarse, cots);
          const after = marginsWithinPrompt(shifted, cots);
          after.forEach((margin, i) => {
            expect(margin).toBeCloseTo(before[i], 9);
          });
          const { kept, threshold } = selectCots(coarse, cots, 'margin');
          expect(kept).toEqual(before.map((margin) => margin <= threshold));
          expect(kept.filter(Boolean).length).toBeGreaterThanOrEqual(nll.length / 2 - 0.5);
        },
      ),
    );
  });

  it('by margin, takes each prompt’s mean off', () => {
    const cots = [0, 0, 1, 2, 2].map((example) => ({ example }));
    expect(marginsWithinPrompt([1, 3, 5, 2, 8], cots)).toEqual([-1, 1, 0, -3, 3]);
  });

  it('keeps more the larger the number, everything with none', () => {
    fc.assert(
      fc.property(scored, fc.float({ min: 1, max: 50, noNaN: true }), ({ nll, cots }, limit) => {
        const low = selectCots(nll, cots, limit).kept;
        const high = selectCots(nll, cots, limit * 2).kept;
        low.forEach((isKept, i) => {
          expect(isKept).toBe(Math.exp(nll[i]) < limit);
          expect(high[i] || !isKept).toBe(true);
        });
        expect(selectCots(nll, cots, 'none').kept.every(Boolean)).toBe(true);
      }),
    );
  });

  it('sets the median on every CoT up to 2,300, and on as many spread evenly of more', () => {
    const one = (length: number) => Array.from({ length }, (_, i) => ({ example: i }));
    // Every second of 4,600 is taken, and those alone are high.
    const nll = Array.from({ length: 4600 }, (_, i) => (i % 2 === 0 ? 2 : 1));
    expect(selectCots(nll, one(4600), 'median').threshold).toBeCloseTo(Math.exp(2), 9);
    // Of 2,300 none is left out, so that the lower half of them is kept to the last.
    const rising = Array.from({ length: 2300 }, (_, i) => i / 2300);
    const { threshold, kept } = selectCots(rising, one(2300), 'median');
    expect(threshold).toBeCloseTo(Math.exp(1149 / 2300), 9);
    expect(kept.filter(Boolean)).toHaveLength(1150);
  });

  it('keeps all, without a limit, where there is none', () => {
    const { threshold, kept } = selectCots([1, 50], [{ example: 0 }, { example: 1 }], 'none');
    expect(threshold).toBe(Infinity);
    expect(kept).toEqual([true, true]);
    expect(selectCots([], [], 'margin')).toEqual({ threshold: -Infinity, kept: [] });
  });

  it('shows each CoT with its perplexity and whether it was kept', () => {
    const cot = (text: string) => ({ sampleId: text, example: 0, text, evidence: null, truth: null });
    const selection = { threshold: 2, kept: [true, false] };
    expect(cotExamples([cot('a'), cot('b')], [0, Math.log(3)], selection)).toEqual([
      { sampleId: 'a', cot: 'a', ppl: 1, kept: true },
      { sampleId: 'b', cot: 'b', ppl: Math.exp(Math.log(3)), kept: false },
    ]);
  });

  it('rejects the paper’s bad CoT and keeps its good one', () => {
    const nll = [Math.log(28.4), Math.log(1.2)];
    const cots = [{ example: 0 }, { example: 0 }];
    for (const threshold of ['median', 'margin', 4.6] as const) {
      expect(selectCots(nll, cots, threshold).kept).toEqual([false, true]);
    }
    expect(() => selectCots([1], cots, 'median')).toThrow(/2 CoTs but 1 scores/);
    expect(selectCots([], [], 'median').kept).toEqual([]);
  });
});

/** Predicts token t with log-probability −t·tokens[t]/1000, so that a sum tells which positions were taken. */
const positional = {
  async score(batch: PaddedTokens) {
    const logps = new Float32Array(batch.tokens.length);
    for (let b = 0; b < batch.size; b++) {
      for (let t = 1; t < batch.lengths[b]; t++) {
        logps[b * batch.length + t] = (-t * batch.tokens[b * batch.length + t]) / 1000;
      }
    }
    return { logps, entropies: logps };
  },
};

describe('scoring', () => {
  it('means over the answer tokens alone, in batches of one shape', async () => {
    const shapes = new Set<string>();
    const model = {
      score(batch: PaddedTokens) {
        shapes.add(`${batch.size}×${batch.length}`);
        return positional.score(batch);
      },
    };
    const rows = [5, 6, 7, 8, 9].map((n) => ({
      tokens: Array.from({ length: n }, (_, i) => i),
      answerLength: 2,
    }));
    const sequences = { count: 5, row: (i: number) => rows[i] };
    const options = { stage: 'test', batchSize: 2, length: 12 };
    const nll = await scoreTails(model, sequences, options, go);
    rows.forEach(({ tokens: { length: n } }, i) => {
      expect(nll[i]).toBeCloseTo(((n - 1) ** 2 + (n - 2) ** 2) / 2000, 6);
    });
    expect([...shapes]).toEqual(['2×12']);
    const tooShort = scoreTails(model, sequences, { ...options, length: 4 }, go);
    await expect(tooShort).rejects.toThrow(/5 tokens; a row takes 1 to 4/);
  });

  it('scores the true answer of a CoT’s example, and stops when asked', async () => {
    const world = await smallWorld();
    const tokenizer = trainTokenizer(corpus(world, ['saw intend need']), 300);
    const format = new PromptFormat(world, tokenizer, {
      historyLength: 3,
      maxPromptLength: 60,
      maxCompletionLength: 40,
    });
    const examples = world.splits.train.slice(0, 5);
    const teacher = new AttributesTeacher(world, { told: true, temperature: 1, historyLength: 3 }, 1);
    const cots = await generateCots(teacher, examples, 2, go);
    const options = { batchSize: 4, length: 100 };
    const nll = await scoreCots(positional, { format, examples, cots }, options, go);
    cots.forEach((cot, index) => {
      const { user, position } = examples[cot.example];
      const answer = format.answer(world.users[user].history[position]);
      const { tokens } = format.example(examples[cot.example], cot.text);
      const start = tokens.length - answer.length;
      const sum = answer.reduce((total, token, i) => total + ((start + i) * token) / 1000, 0);
      expect(nll[index]).toBeCloseTo(sum / answer.length, 4);
    });
    const stop = { gate: async () => 'stop' as const };
    await expect(scoreCots(positional, { format, examples, cots }, options, stop)).rejects.toThrow(/stopped/);
  });
});
