import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StoppedError } from '../../src/control/hooks';
import type { Dataset, Example } from '../../src/data/dataset';
import { Controls } from '../../src/run/controls';
import type { TeacherCounts, TeacherServices } from '../../src/sft/cot';
import { type EndpointOptions, openaiTeacher } from '../../src/sft/openaiTeacher';
import { type ChatServer, obedient, refuse, startChatServer, whole } from './chatServer';
import { smallWorld } from './world';

let world: Dataset;
let examples: Example[];
let server: ChatServer;
beforeAll(async () => {
  world = await smallWorld();
  const atStart = { sampleId: 'start', user: world.splits.train[0].user, position: 0 };
  examples = [...world.splits.train.slice(0, 5), atStart];
});
beforeEach(async () => {
  server = await startChatServer(obedient);
});
afterEach(() => server.close());

/** Kept answers in memory; what the app keeps in IndexedDB. */
function services(logs = new Map<string, string[]>()): TeacherServices & { logs: Map<string, string[]> } {
  return {
    logs,
    key: null,
    readAnswers: async (teacher) => logs.get(teacher) ?? [],
    appendAnswers: async (teacher, lines) => void logs.set(teacher, [...(logs.get(teacher) ?? []), ...lines]),
    loadCots: async () => null,
    keepCots: async () => {},
  };
}

function teacher(kept = services(), change: Partial<EndpointOptions> = {}, concurrency = 3) {
  const options = { url: server.url, model: 'm', told: true, numCots: 2, temperature: 0.5 };
  const sizes = { historyLength: 3, maxCompletionLength: 56 };
  return openaiTeacher(world, { ...options, ...sizes, ...change }, kept, {
    pause: 5,
    concurrency,
    attempts: 2,
  });
}

const go = { gate: async () => 'go' as const };

/** Runs a teacher to the end; the last counts it told. */
async function teach(which: ReturnType<typeof teacher>, hooks = {}) {
  const told: TeacherCounts[] = [];
  const cots = await which.teach(examples, { ...go, ...hooks }, (counts) => told.push(counts));
  return { cots, counts: told.at(-1)!, told };
}

describe('the teacher behind an endpoint', () => {
  it('gives k CoTs for every prompt that has a history, in order, several asked for at a time', async () => {
    server.behave((request, response, index) => {
      // Later ones sooner, so that answers come out of order.
      setTimeout(() => obedient(request, response, index), 60 - 5 * index);
    });
    const progress: number[][] = [];
    const { cots, counts, told } = await teach(teacher(), {
      onProgress: (...numbers: number[]) => progress.push(numbers),
    });
    expect(cots.map(({ example }) => example)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    for (const { sampleId, example, text } of cots) {
      expect(sampleId).toBe(examples[example].sampleId);
      const { user, position } = examples[example];
      const target = world.items[world.users[user].history[position]];
      expect(text.endsWith(`need ${target.categories[2]}`)).toBe(true);
    }
    expect(counts).toEqual({
      wanted: 10,
      kept: 10,
      malformed: 0,
      contradicting: 0,
      missing: 0,
      cached: 0,
      retries: 0,
    });
    expect(told).toHaveLength(11);
    expect(progress.at(-1)).toEqual([10, 10]);
    expect(server.requests).toHaveLength(10);
    expect(server.busiest()).toBe(3);
  });

  it('drops and counts answers without tags and answers about another item', async () => {
    server.behave((request, response, index) => {
      if (index % 5 === 1) return whole('I would say strollers.')(request, response, index);
      if (index % 5 === 3)
        return whole('<think>x</think><answer>a zeppelin</answer>')(request, response, index);
      return obedient(request, response, index);
    });
    const { cots, counts } = await teach(teacher(services(), {}, 1));
    expect(counts).toMatchObject({ wanted: 10, kept: 6, malformed: 2, contradicting: 2 });
    expect(cots.map(({ example }) => example)).toEqual([0, 1, 2, 2, 3, 4]);
  });

  it('untold, may name whatever it likes, and is not told', async () => {
    const { counts } = await teach(teacher(services(), { told: false }));
    expect(counts).toMatchObject({ kept: 10, contradicting: 0 });
    expect(server.requests.every(({ body }) => !body.messages[1].content.includes('Bought next'))).toBe(true);
  });

  it('goes on from where it stopped, and asks no answer twice', async () => {
    const kept = services();
    server.behave((request, response, index) =>
      (index < 4 ? obedient : refuse(500, 'gone'))(request, response, index),
    );
    await expect(teach(teacher(kept, {}, 1))).rejects.toThrow(
      /busy or broken.*what it answered before is kept/,
    );
    expect([...kept.logs.values()].flat()).toHaveLength(4);
    // A process that was killed while it wrote leaves half a line.
    const [name] = kept.logs.keys();
    await kept.appendAnswers(name, ['{"sampleId": "hal']);
    server.behave(obedient);
    const before = server.requests.length;
    const { cots, counts } = await teach(teacher(kept));
    expect(server.requests.length - before).toBe(6);
    expect(counts).toMatchObject({ kept: 10, cached: 4 });
    // Once more: everything is known, nobody is asked, and the CoTs are the same.
    await server.close();
    const again = await teach(teacher(kept));
    expect(again.cots).toEqual(cots);
    expect(again.counts.cached).toBe(10);
  });

  it('takes no answer of another teacher for its own', async () => {
    const kept = services();
    await teach(teacher(kept));
    const others: Partial<EndpointOptions>[] = [
      { model: 'n' },
      // Another server behind a path of the same host.
      { url: `${server.url}/other` },
      { told: false },
      { temperature: 0.6 },
      { historyLength: 2 },
      { maxCompletionLength: 80 },
    ];
    for (const change of others) {
      const before = server.requests.length;
      await teach(teacher(kept, change));
      expect(server.requests.length - before, JSON.stringify(change)).toBe(10);
    }
    const before = server.requests.length;
    // More CoTs of the same prompts are only so many more requests; the key is no part of who it is.
    const same = { numCots: 3, url: `${server.url}/` };
    await teach(teacher({ ...kept, key: 'sk-another-key-12345' }, same));
    expect(server.requests.length - before).toBe(5);
  });

  it('checks with one request, whose answer is not lost', async () => {
    const kept = services();
    await teacher(kept).check(examples, go);
    expect(server.requests).toHaveLength(1);
    await teacher(kept).check(examples, go);
    const { counts } = await teach(teacher(kept));
    expect(server.requests).toHaveLength(10);
    expect(counts.cached).toBe(1);
    server.behave(refuse(401, 'who are you'));
    await expect(teacher().check(examples, go)).rejects.toThrow(/wants a key \(401: who are you\)/);
  });

  it('neither keeps nor takes up an answer with pieces of the key', async () => {
    const key = 'sk-secret-0123456789';
    const kept = { ...services(), key };
    server.behave((request, response, index) =>
      (index === 2 ? whole(JSON.stringify(['sk-sec', 'ret-0123'])) : obedient)(request, response, index),
    );
    await expect(teach(teacher(kept, {}, 1))).rejects.toThrow(/sent your key back, whole or in part/);
    const [name] = kept.logs.keys();
    const lines = kept.logs.get(name)!;
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('ret-0123');
    // One that was kept before the key was given, or by an older version.
    const poisoned = {
      ...(JSON.parse(lines[0]) as object),
      content: `<think>${key}</think><answer>x</answer>`,
    };
    kept.logs.set(name, [JSON.stringify(poisoned), lines[1]]);
    server.behave(obedient);
    const { cots, counts } = await teach(teacher(kept));
    expect(counts).toMatchObject({ kept: 10, cached: 1 });
    expect(JSON.stringify(cots)).not.toContain(key);
  });

  it('gives up on a model none of whose answers can be used', async () => {
    server.behave(whole('no'));
    const many = world.splits.train.slice(0, 200);
    await expect(teacher().teach(many, go, () => {})).rejects.toThrow(
      /None of 20 answers of m can be used: 20 lack <think>/,
    );
    expect(server.requests.length).toBeLessThan(30);
    await expect(teach(teacher())).rejects.toThrow(/None of 10 answers/);
  });

  it('asks for a prompt of a single behaviour too, each sample by its own number', async () => {
    const kept = services();
    const { user } = world.splits.train[0];
    const alone = [{ sampleId: 'one', user, position: 1 }];
    const cots = await teacher(kept).teach(alone, go, () => {});
    expect(cots.map(({ sampleId }) => sampleId)).toEqual(['one', 'one']);
    const lines = [...kept.logs.values()].flat().map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ sampleId, sample }) => [sampleId, sample]).sort()).toEqual([
      ['one', 0],
      ['one', 1],
    ]);
  });

  it('writes every answer once, the first of them while others are still awaited', async () => {
    const kept = services();
    const writes: string[][] = [];
    const slow: typeof kept = {
      ...kept,
      appendAnswers: async (_teacher, lines) => void writes.push(lines),
    };
    server.behave((request, response, index) => {
      setTimeout(() => obedient(request, response, index), 180);
    });
    await teacher(slow, {}, 1).teach(examples.slice(0, 3), go, () => {});
    expect(writes.length).toBeGreaterThan(1);
    expect(writes[0].length).toBeGreaterThan(1);
    const samples = writes.flat().map((line) => {
      const { sampleId, sample } = JSON.parse(line) as { sampleId: string; sample: number };
      return `${sampleId} ${sample}`;
    });
    expect(samples).toHaveLength(6);
    expect(new Set(samples).size).toBe(6);
  });

  it('tells what was asked again, and counts what it drops as done', async () => {
    server.behave((request, response, index) => {
      if (index === 0) return refuse(503, 'busy')(request, response, index);
      return whole(index % 2 === 0 ? 'no' : '<think>x</think><answer>a zeppelin</answer>')(
        request,
        response,
        index,
      );
    });
    const progress: number[][] = [];
    const told: TeacherCounts[] = [];
    const hooks = { ...go, onProgress: (...numbers: number[]) => void progress.push(numbers) };
    await expect(
      teacher(services(), {}, 1).teach(examples, hooks, (counts) => void told.push(counts)),
    ).rejects.toThrow(/None of 10 answers/);
    expect(told.at(-1)).toMatchObject({ kept: 0, malformed: 5, contradicting: 5, retries: 1 });
    expect(progress.map(([done]) => done)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('is cancelled in the midst of slow answers, and keeps what it has', async () => {
    const kept = services();
    server.behave((request, response, index) => index < 3 && obedient(request, response, index));
    const controls = new Controls();
    const taught = teacher(kept).teach(examples, { gate: () => controls.pass() }, ({ kept }) => {
      if (kept === 3) controls.stop();
    });
    const start = performance.now();
    await expect(taught).rejects.toThrow(StoppedError);
    expect(performance.now() - start).toBeLessThan(2000);
    expect([...kept.logs.values()].flat()).toHaveLength(3);
  });

  it('rests while paused: what is under way ends, nothing new is asked', async () => {
    const controls = new Controls();
    const taught = teacher().teach(examples, { gate: () => controls.pass() }, ({ kept }) => {
      if (kept === 2) controls.pause();
    });
    await controls.rested();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const asked = server.requests.length;
    expect(asked).toBeLessThan(9);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.requests.length).toBe(asked);
    controls.resume();
    expect(await taught).toHaveLength(10);
  });
});
