import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { sha256 } from '../../src/numeric/hash';
import { cleanCot, type TeacherCounts } from '../../src/sft/cot';
import { fileTeacher, formatCots, parseCots } from '../../src/sft/cotFile';
import { smallWorld } from './world';

const go = { gate: async () => 'go' as const };

describe('a file of CoTs', () => {
  it('comes back as it was written, whatever is in it', () => {
    const record = fc.record({
      sampleId: fc.string({ minLength: 1, unit: 'binary' }),
      cot: fc.string({ unit: 'grapheme' }).filter((text) => cleanCot(text) !== ''),
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1 }), (records) => {
        expect(parseCots(formatCots(records), 'f')).toEqual(records);
      }),
    );
  });

  it('may have further fields, blank lines, a BOM and CRLF', () => {
    const text = '\uFEFF{"cot": "b", "sampleId": "a", "ppl": 3}\r\n\r\n{"sampleId":"c","cot":"d"}';
    const records = parseCots(text, 'f');
    expect(records).toEqual([
      { sampleId: 'a', cot: 'b' },
      { sampleId: 'c', cot: 'd' },
    ]);
    expect(formatCots(records)).toBe('{"sampleId":"a","cot":"b"}\n{"sampleId":"c","cot":"d"}\n');
  });

  it.each([
    ['', /^f\.jsonl holds no CoT/],
    ['\n \n', /holds no CoT/],
    ['{"sampleId":"a","cot":"b"}\n\nnope', /^f\.jsonl, line 3: this is not JSON/],
    ['[1]', /line 1: this is not an object/],
    ['null', /line 1: this is not an object/],
    ['{"cot":"b"}', /line 1: sampleId is missing/],
    ['{"sampleId":7,"cot":"b"}', /line 1: sampleId is missing or is not a text/],
    ['{"sampleId":"a"}', /line 1: cot is missing/],
    ['{"sampleId":"a","cot":" \\n"}', /line 1: cot is missing, empty/],
    ['{"sampleId":"a","cot":["b"]}', /line 1: cot is missing, empty or not a text/],
    [
      JSON.stringify({ sampleId: 'a', cot: 'x'.repeat(20_001) }),
      /line 1: cot has more than 20000 characters/,
    ],
  ])('%j is refused', (text, message) => {
    expect(() => parseCots(text, 'f.jsonl')).toThrow(message);
  });
});

it('takes a CoT of 20,000 characters', () => {
  const cot = 'x'.repeat(20_000);
  expect(parseCots(JSON.stringify({ sampleId: 'a', cot }), 'f')).toEqual([{ sampleId: 'a', cot }]);
});

describe('cleanCot', () => {
  it('leaves one line in plain punctuation, and nothing to clean', () => {
    expect(cleanCot(' **Saw** “cribs”;\n\nneed <b>strollers</b> — they’re next! ')).toBe(
      "Saw cribs . need b strollers /b - they're next.",
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(cleanCot(cleanCot(text))).toBe(cleanCot(text));
      }),
    );
  });
});

describe('the file teacher', () => {
  let world: Dataset;
  beforeAll(async () => {
    world = await smallWorld();
  });

  async function teach(jsonl: string | null, numCots = 2) {
    const options = { numCots, cotsSha256: await sha256(jsonl ?? 'absent') };
    const teacher = fileTeacher(world, options, async (hash) => (hash === options.cotsSha256 ? jsonl : null));
    const examples = world.splits.train.slice(0, 4);
    await teacher.check(examples, go);
    let counts: TeacherCounts | null = null;
    const cots = await teacher.teach(examples, go, (told) => {
      counts = told;
    });
    return { cots, counts };
  }

  it('gives each prompt its CoTs, at most k, in the order of prompts', async () => {
    const [a, b, c] = world.splits.train.map(({ sampleId }) => sampleId);
    const record = (sampleId: string, cot: string) => ({ sampleId, cot });
    const jsonl = formatCots([
      record(c, 'c1'),
      record('elsewhere', 'x'),
      record(a, ' a1\n'),
      record(c, 'c2'),
      record(c, 'c3'),
    ]);
    const { cots, counts } = await teach(jsonl);
    expect(cots.map(({ sampleId, example, text }) => [sampleId, example, text])).toEqual([
      [a, 0, 'a1'],
      [c, 2, 'c1'],
      [c, 2, 'c2'],
    ]);
    expect(cots.some(({ sampleId }) => sampleId === b)).toBe(false);
    expect(cots.every(({ truth, evidence }) => truth === null && evidence === null)).toBe(true);
    expect(counts).toMatchObject({ wanted: 8, kept: 3, missing: 5, malformed: 0 });
  });

  it('says when the file is of another data set, or not here', async () => {
    await expect(teach(formatCots([{ sampleId: 'ffff:u:1', cot: 'x' }]))).rejects.toThrow(
      new RegExp(`none for the 4 prompts of this run.*${world.sha256.slice(0, 12)}:user:position`),
    );
    await expect(teach(null)).rejects.toThrow(/is not here: add the file/);
  });
});
