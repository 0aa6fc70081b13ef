import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, Example } from '../../src/data/dataset';
import { sha256 } from '../../src/numeric/hash';
import { type TeacherCounts, TeacherError, type TeacherServices } from '../../src/sft/cot';
import { formatCots } from '../../src/sft/cotFile';
import { generateCots, keepCots, openTeacher, type TeacherOptions } from '../../src/sft/rupr';
import { AttributesTeacher } from '../../src/sft/teacher';
import { smallWorld } from './world';

const go = { gate: async () => 'go' as const };

let world: Dataset;
let examples: Example[];
beforeAll(async () => {
  world = await smallWorld();
  const atStart = { sampleId: 'start', user: 0, position: 0 };
  examples = [world.splits.train[0], atStart, ...world.splits.train.slice(1, 4)];
});

/** Writes down what is asked of it. */
function services(jsonl: string | null = null) {
  const asked: unknown[][] = [];
  const made: TeacherServices = {
    key: null,
    readAnswers: async () => {
      asked.push(['readAnswers']);
      return [];
    },
    appendAnswers: async () => {},
    loadCots: async (hash) => {
      asked.push(['loadCots', hash]);
      return jsonl;
    },
    keepCots: async (hash, lines) => void asked.push(['keepCots', hash, lines]),
  };
  return { asked, ...made };
}

const options: TeacherOptions = {
  teacher: 'attributes',
  told: true,
  numCots: 3,
  temperature: 1,
  historyLength: 3,
  // Where nobody listens.
  url: 'http://127.0.0.1:9/v1',
  model: 'm',
  cotsSha256: '',
  maxCompletionLength: 56,
};

async function teach(teacher: ReturnType<typeof openTeacher>) {
  const told: TeacherCounts[] = [];
  const progress: number[][] = [];
  const hooks = { ...go, onProgress: (...numbers: number[]) => void progress.push(numbers) };
  await teacher.check(examples, go);
  const cots = await teacher.teach(examples, hooks, (counts) => told.push(counts));
  return { cots, told, progress };
}

describe('the teacher that the options name', () => {
  it('is the embedded one, which asks nobody and says how much it gave', async () => {
    const outside = services();
    // The CoTs of an earlier run are another teacher's business.
    const named = { ...options, cotsSha256: 'f'.repeat(64) };
    const { cots, told, progress } = await teach(openTeacher(world, named, 5, outside));
    expect(outside.asked).toEqual([]);
    const teacher = new AttributesTeacher(world, options, 5);
    const expected = [0, 2, 3, 4].flatMap((example) =>
      [0, 1, 2].map((sample) => ({
        sampleId: examples[example].sampleId,
        example,
        ...teacher.explain(examples[example], sample),
      })),
    );
    expect(cots).toEqual(expected);
    expect(told).toEqual([
      { wanted: 12, kept: 12, malformed: 0, contradicting: 0, missing: 0, cached: 0, retries: 0 },
    ]);
    expect(progress).toEqual([
      [0, 5],
      [5, 5],
    ]);
  });

  it('is a set of CoTs where one is named, whoever wrote it', async () => {
    const jsonl = formatCots([
      { sampleId: examples[2].sampleId, cot: 'saw cribs need strollers' },
      // Of a prompt without a history, where nothing can be argued from.
      { sampleId: 'start', cot: 'need everything' },
    ]);
    const hash = await sha256(jsonl);
    for (const teacher of ['file', 'openai'] as const) {
      const outside = services(jsonl);
      const { cots, told, progress } = await teach(
        openTeacher(world, { ...options, teacher, cotsSha256: hash }, 5, outside),
      );
      expect(cots.map(({ example, text }) => [example, text])).toEqual([[2, 'saw cribs need strollers']]);
      expect(told).toMatchObject([{ wanted: 12, kept: 1, missing: 11 }]);
      expect(progress).toEqual([[5, 5]]);
      expect(outside.asked).toEqual([
        ['loadCots', hash],
        ['loadCots', hash],
      ]);
    }
  });

  it('is the endpoint where its CoTs were not asked for yet', async () => {
    const outside = services();
    const teacher = openTeacher(world, { ...options, teacher: 'openai' }, 5, outside);
    await expect(teacher.check(examples, go)).rejects.toThrow(TeacherError);
    expect(outside.asked).toEqual([['readAnswers']]);
  });

  it('from a file, stops when asked to', async () => {
    const jsonl = formatCots([{ sampleId: examples[0].sampleId, cot: 'x' }]);
    const named = { ...options, teacher: 'file' as const, cotsSha256: await sha256(jsonl) };
    const teacher = openTeacher(world, named, 5, services(jsonl));
    await expect(teacher.teach(examples, { gate: async () => 'stop' }, () => {})).rejects.toThrow(
      /RUPR was stopped/,
    );
  });
});

describe('the embedded teacher’s CoTs', () => {
  it('are asked for at the gate now and then, and the progress is told', async () => {
    const many = world.splits.train.slice(0, 600);
    const progress: number[] = [];
    let gates = 0;
    const hooks = {
      gate: async () => {
        gates++;
        return 'go' as const;
      },
      onProgress: (done: number, total: number) => {
        expect(total).toBe(600);
        progress.push(done);
      },
    };
    await generateCots(new AttributesTeacher(world, options, 1), many, 1, hooks);
    expect(gates).toBe(3);
    expect(progress).toEqual([0, 256, 512, 600]);
  });
});

describe('what a teacher said', () => {
  it('is kept as the lines that a file teacher reads, under their hash', async () => {
    const outside = services();
    const cots = [
      { sampleId: 'a', example: 0, text: 'need cribs', evidence: 3, truth: null },
      { sampleId: 'b', example: 1, text: 'need lamps', evidence: null, truth: null },
    ];
    const lines = '{"sampleId":"a","cot":"need cribs"}\n{"sampleId":"b","cot":"need lamps"}\n';
    const hash = await keepCots(cots, outside);
    expect(hash).toBe(await sha256(lines));
    expect(outside.asked).toEqual([['keepCots', hash, lines]]);
  });
});
