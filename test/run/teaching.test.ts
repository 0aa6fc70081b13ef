import { beforeEach, describe, expect, it, vi } from 'vitest';
import { rupr } from '../../src/run/stages/rupr';
import { tokenizer } from '../../src/run/stages/tokenizer';
import { type Cot, noCounts, type Teacher } from '../../src/sft/cot';
import type { openTeacher } from '../../src/sft/rupr';
import { type Given, given, toolsOf } from './stages/recorded';

const opened: Parameters<typeof openTeacher>[] = [];
const checked: string[][] = [];
const cots: Cot[] = [{ sampleId: 's', example: 0, text: 'because' } as Cot];

// Teachers have tests of their own (test/sft); here it is asked which one was opened.
vi.mock('../../src/sft/rupr', async (original) => ({
  ...(await original<typeof import('../../src/sft/rupr')>()),
  openTeacher(...all: Parameters<typeof openTeacher>): Teacher {
    opened.push(all);
    return {
      check: async (examples) => void checked.push(examples.map(({ sampleId }) => sampleId)),
      async teach(_examples, _hooks, tell) {
        tell({ ...noCounts(2), kept: 1 });
        return cots;
      },
    };
  },
}));

beforeEach(() => {
  opened.length = 0;
  checked.length = 0;
});

const ENDPOINT = { teacher: 'openai', url: 'https://host/v1', model: 'large' } as const;

async function asked(here: Given) {
  const { tools, events, settled } = await toolsOf('rupr', here.config);
  const kept: [string, string][] = [];
  const keepCots = async (hash: string, jsonl: string) => void kept.push([hash, jsonl]);
  const made = await rupr.run(here.inputs, { ...tools, teaching: { ...tools.teaching, keepCots } });
  return { made, events, kept, settled };
}

describe('the teacher of a config', () => {
  it('is told everything that the config says of it', async () => {
    const here = await given(({ rupr, text }) => {
      Object.assign(rupr, ENDPOINT, { told: false, num_cots: 5, temperature: 0.3 });
      Object.assign(text, { history_length: 2, max_completion_length: 44 });
    });
    await asked(here);
    const [[dataset, options, seed]] = opened;
    expect(dataset).toBe(here.dataset);
    expect(options).toMatchObject({
      ...ENDPOINT,
      told: false,
      numCots: 5,
      temperature: 0.3,
      cotsSha256: '',
      historyLength: 2,
      maxCompletionLength: 44,
    });
    expect(seed).toBe(5);
  });

  it('is the set of CoTs that the config names', async () => {
    const cots_sha256 = 'c'.repeat(64);
    const here = await given(({ rupr }) => Object.assign(rupr, { teacher: 'file', cots_sha256 }));
    const { kept, settled } = await asked(here);
    expect(settled).toEqual([]);
    expect(opened[0][1]).toMatchObject({ teacher: 'file', cotsSha256: cots_sha256 });
    // They are here already.
    expect(kept).toEqual([]);
    expect(here.config.rupr.cots_sha256).toBe(cots_sha256);
  });

  it('leaves what it said, under its hash, which the config names from then on', async () => {
    const here = await given(({ rupr }) => Object.assign(rupr, ENDPOINT));
    const { made, events, kept, settled } = await asked(here);
    expect(made.cots).toBe(cots);
    expect(made.counts).toMatchObject({ wanted: 2, kept: 1 });
    expect(events).toEqual([{ type: 'teacher', counts: made.counts }]);
    expect(kept).toHaveLength(1);
    expect(JSON.parse(kept[0][1])).toEqual({ sampleId: 's', cot: 'because' });
    expect(settled).toEqual([{ ...here.config, rupr: { ...here.config.rupr, cots_sha256: kept[0][0] } }]);
    expect(kept[0][0]).toMatch(/^[0-9a-f]{64}$/);
  });

  it('keeps nothing of the embedded one, which says the same again', async () => {
    const here = await given();
    const { kept, settled } = await asked(here);
    expect([kept, settled]).toEqual([[], []]);
    expect(opened[0][1].teacher).toBe('attributes');
  });

  it('is tried on the taught prompts before anything takes long', async () => {
    const here = await given(({ rupr }) => Object.assign(rupr, ENDPOINT));
    await tokenizer.run(here.inputs, (await toolsOf('tokenizer', here.config)).tools);
    expect(opened[0][1]).toMatchObject(ENDPOINT);
    expect(checked).toEqual([here.inputs.data.draw.prompts.map(({ sampleId }) => sampleId)]);
  });
});
