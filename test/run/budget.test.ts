import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blobFile } from '../../src/data/files/blobFile';
import { importDataset } from '../../src/data/importDataset';
import { textLengths } from '../../src/data/textLengths';
import { budgetOf, deviceBytes, leastSeconds, refusal } from '../../src/run/budget';
import { parseConfig, type RunConfig } from '../../src/run/config';
import { PRESET_NAMES, PRESET_VERSIONS, presetConfig } from '../../src/run/presets';
import { fitFormat } from '../../src/run/shapes';
import { corpus } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';
import { MAX_VOCABULARY, MIN_VOCABULARY } from '../../src/text/vocabularyLimits';
import { interactionsCsv } from '../data/sources';
import { v1 } from '../v1';

const gpu = (bytes: number) => ({
  backend: 'webgpu' as const,
  limits: { maxBufferSize: bytes, maxStorageBufferBindingSize: bytes },
});
const DESKTOP = gpu(2 ** 31);
const PROCESSOR = { backend: 'wasm' as const, limits: {} };

function said(
  change: (config: RunConfig) => void,
  device: Parameters<typeof refusal>[2]['device'] = DESKTOP,
  memory: number | null = 8,
): string | null {
  const config = presetConfig(v1('small'));
  change(config);
  parseConfig(config);
  return refusal(budgetOf(config), config, { device, memory });
}

describe('what a run takes', () => {
  it.each(PRESET_NAMES.flatMap((preset) => PRESET_VERSIONS.map((version) => [preset, version] as const)))(
    'is there on a desktop for the preset %s of version %i, on the plainest GPU for tiny',
    (name, version) => {
      const config = presetConfig({ preset: name, version });
      for (const kernels of ['tiled', 'portable'] as const) {
        const budget = budgetOf(config, { kernels });
        expect(refusal(budget, config, { device: DESKTOP, memory: 8 })).toBeNull();
        if (name === 'tiny') {
          const plain = {
            backend: 'webgpu' as const,
            limits: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 },
          };
          expect(refusal(budget, config, { device: plain, memory: 2 })).toBeNull();
          expect(refusal(budget, config, { device: PROCESSOR, memory: null })).toBeNull();
        }
      }
    },
  );

  it('grows with what is asked for', () => {
    const bytes = (change: (config: RunConfig) => void) => {
      const config = presetConfig(v1('tiny'));
      change(config);
      return deviceBytes(budgetOf(config));
    };
    const plain = bytes(() => {});
    expect(
      bytes(({ popo }) => {
        popo.num_generations *= 4;
      }),
    ).toBeGreaterThan(2 * plain);
    expect(
      bytes(({ model }) => {
        model.num_hidden_layers *= 8;
      }),
    ).toBeGreaterThan(1.5 * plain);
    expect(
      bytes(({ sft }) => {
        sft.batch_size *= 64;
      }),
    ).toBeGreaterThan(2 * plain);
  });

  it('has three pools for each reward of conditioned parameters, and says so where they do not fit', () => {
    const of = (weighting: 'fixed' | 'conditioned') => {
      const config = presetConfig(v1('small'));
      config.popo.weighting = weighting;
      return budgetOf(config);
    };
    const part = (found: ReturnType<typeof of>, what: string) =>
      found.device.find((each) => each.what === what)!.amount;
    const [fixed, conditioned] = [of('fixed'), of('conditioned')];
    const pool = conditioned.largest[0].amount;
    expect(part(fixed, 'a model for each reward')).toBe(0);
    expect(part(conditioned, 'a model for each reward')).toBe(2 * 3 * pool);
    expect(deviceBytes(conditioned) - deviceBytes(fixed)).toBe(6 * pool);
    // The same model with fixed weights would fit.
    const large = (weighting: 'fixed' | 'conditioned') =>
      said(
        ({ popo, model, warmup, sft }) => {
          popo.weighting = weighting;
          Object.assign(popo, {
            prompts_per_step: 2,
            num_generations: 2,
            probe_every: 0,
            influence: 'halves',
          });
          Object.assign(warmup, {
            batch_size: 1,
            catalogue_facts: 0,
            need_sentences: 0,
            catalogue_sentences: 0,
          });
          sft.batch_size = 1;
          Object.assign(model, { hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 8 });
        },
        gpu(400 * 2 ** 20),
        64,
      );
    expect(large('fixed')).toBeNull();
    expect(large('conditioned')).toMatch(/of GPU memory, most of it for a model for each reward/);
  });

  it.each<[string, (config: RunConfig) => void, RegExp]>([
    [
      'a buffer',
      ({ sft }) => {
        sft.batch_size = 1024;
      },
      /^sft\.batch_size \(now 1024\) asks for \d+ MiB in one buffer, .* this GPU allows 64 MiB: lower it\.$/,
    ],
    [
      'all buffers',
      ({ model }) => {
        model.num_hidden_layers = 24;
      },
      /asks for a run of \d\.\d GiB of GPU memory, .* at most 512 MiB are risked on this GPU: lower it\.$/,
    ],
  ])('is refused where the GPU has no room for %s', (_what, change, message) => {
    expect(said(change, gpu(2 ** 26))).toMatch(message);
    expect(said(change)).toBeNull();
  });

  it('is refused where the page has no room for it', () => {
    const many = ({ rupr, data }: RunConfig) => {
      Object.assign(rupr, { prompts: 500_000, num_cots: 4 });
      data.num_users = 60_000;
    };
    expect(said(many, DESKTOP, 2)).toMatch(
      /^rupr\.prompts \(now 500000\) asks for a run of \d\.\d GiB of memory, most of it for chains of thought, and a page is given 1\.0 GiB/,
    );
    // A processor keeps the weights and its batches where the page is.
    expect(
      said(
        ({ model }) => void Object.assign(model, { hidden_size: 512, num_hidden_layers: 40 }),
        PROCESSOR,
        2,
      ),
    ).toMatch(/a page is given 1\.0 GiB/);
  });

  it('counts what checkpoints hold of a judge, of the largest alone', () => {
    const config = presetConfig({ preset: 'small', version: 1 });
    const data = { users: 1000, items: 200_000, interactions: 20_000 };
    const of = (change: (config: RunConfig) => void) => {
      const changed = structuredClone(config);
      Object.assign(changed.data, { source: 'import', sha256: 'a'.repeat(64) });
      change(changed);
      return { changed, budget: budgetOf(changed, { data }) };
    };
    const judge = ({ budget }: ReturnType<typeof of>) =>
      budget.page.find(({ what }) => what === 'checkpoints of a judge')!;
    // f32 of weights and two moments, four times.
    const widest = Math.max(config.ranker.embedding_size, config.encoder.embedding_size, 32);
    expect(judge(of(() => {})).amount).toBe(48 * 200_000 * widest);
    const wide = of(({ ranker }) => void Object.assign(ranker, { embedding_size: 512 }));
    expect(judge(wide)).toMatchObject({ field: 'ranker.embedding_size', amount: 48 * 200_000 * 512 });
    expect(refusal(wide.budget, wide.changed, { device: DESKTOP, memory: 8 })).toMatch(
      /^ranker\.embedding_size \(now 512\) asks for a run of \d\.\d GiB of memory, most of it for checkpoints of a judge/,
    );
    const trained = of(({ evaluate }) =>
      Object.assign(evaluate, { baselines: 'all', sasrec_hidden_size: 128 }),
    );
    expect(judge(trained).field).toBe('evaluate.sasrec_hidden_size');
  });

  it('is refused where it would take for ever, of an endpoint too', () => {
    expect(
      said(({ sft }) => {
        sft.steps = 1_000_000;
      }, PROCESSOR),
    ).toBeNull();
    expect(
      said(({ sft, model }) => {
        Object.assign(sft, { steps: 1_000_000, batch_size: 64 });
        Object.assign(model, {
          hidden_size: 512,
          num_attention_heads: 8,
          num_key_value_heads: 8,
          num_hidden_layers: 12,
        });
      }, PROCESSOR),
    ).toMatch(
      /^sft\.steps \(now 1000000\) asks for a run of at least \d+ days, .* and 30 days are the most: lower it\.$/,
    );
    const config = presetConfig(v1('tiny'));
    Object.assign(config.rupr, {
      teacher: 'openai',
      url: 'https://h.example/v1',
      model: 'm',
      prompts: 16_000,
      num_cots: 1,
    });
    expect(leastSeconds(budgetOf(config), DESKTOP)).toBeGreaterThan(1000);
  });

  it('counts the examples that there are, where that is known', () => {
    const config = presetConfig(v1('small'));
    Object.assign(config.data, { source: 'import', sha256: 'a'.repeat(64) });
    Object.assign(config.rupr, { prompts: 1_000_000, num_cots: 2 });
    const limits = { device: DESKTOP, memory: 4 };
    expect(refusal(budgetOf(config), config, limits)).toMatch(/^rupr\.prompts \(now 1000000\)/);
    const data = { users: 50, items: 100, interactions: 1000 };
    expect(refusal(budgetOf(config, { data }), config, limits)).toBeNull();
  });

  it.each<[string, string]>([
    ['shop.csv', interactionsCsv(12, 30)],
    ['cases/title-entities.csv', ''],
    ['cases/shape-rees46.csv', ''],
  ])('goes by the letters of imported texts: %s', async (name, csv) => {
    const bytes = csv === '' ? readFileSync(`test/data/${name}`) : Buffer.from(csv);
    const source = blobFile(new Blob([bytes]), name.replace('cases/', ''));
    const { dataset } = await importDataset([source], () => {});
    for (const history of [2, 8, 40]) {
      const config = presetConfig(v1('small'));
      Object.assign(config.data, { source: 'import', sha256: dataset.sha256 });
      config.text.history_length = history;
      const tokenizer = trainTokenizer(corpus(dataset), config.text.vocab_size);
      const { maxPromptLength, maxCompletionLength } = fitFormat(dataset, tokenizer, config).options;
      const data = { users: 1, items: 1, interactions: 1, lengths: textLengths(dataset) };
      const text = { prompt: maxPromptLength, completion: maxCompletionLength, packedRows: 1 };
      const vocabulary = config.text.vocab_size;
      const ratio =
        deviceBytes(budgetOf(config, { data })) /
        deviceBytes(budgetOf(config, { text: { ...text, vocabulary } }));
      expect(
        ratio,
        `${history} behaviours, ${maxPromptLength} + ${maxCompletionLength} tokens`,
      ).toBeGreaterThan(0.5);
      expect(ratio, `${history} behaviours, ${maxPromptLength} + ${maxCompletionLength} tokens`).toBeLessThan(
        2,
      );
    }
  });

  it('is bounded by the config alone for chains of thought', () => {
    const config = presetConfig(v1('small'));
    Object.assign(config.rupr, { prompts: 1_000_000, num_cots: 16 });
    expect(() => parseConfig(config)).toThrow(
      'rupr.prompts and rupr.num_cots together must be at most 2000000 CoTs.',
    );
    Object.assign(config.rupr, { prompts: 125_000 });
    expect(parseConfig(config)).toEqual(config);
  });
});

it('the vocabulary has the same limits in the config and in the tokenizer', () => {
  for (const size of [MIN_VOCABULARY, MAX_VOCABULARY]) {
    const config = presetConfig(v1('tiny'));
    config.text.vocab_size = size;
    Object.assign(config.model, { hidden_size: 8 });
    expect(parseConfig(config).text.vocab_size).toBe(size);
    expect(trainTokenizer(['light stroller'], size).vocabSize).toBeLessThanOrEqual(size);
  }
  expect(() => trainTokenizer(['x'], MAX_VOCABULARY + 1)).toThrow(/from 64 to 65535/);
});
