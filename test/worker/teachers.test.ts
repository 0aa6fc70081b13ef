/** Whole runs that learn from a chat model behind real HTTP, or from a file: what is repeatable, and what is kept where. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../src/run/config';
import { compareFingerprints } from '../../src/run/fingerprint';
import { formatLink, parseLink } from '../../src/run/link';
import type { Report, RunEvent } from '../../src/run/report';
import { memoryStore } from '../../src/store/memory';
import type { CollectionName, Store } from '../../src/store/store';
import { createImporter } from '../../src/worker/importService';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from '../run/tinyRun';
import { type ChatServer, obedient, refuse, startChatServer, whole } from '../sft/chatServer';

const KEY = 'sk-very-secret-0123456789';
const COLLECTIONS: CollectionName[] = ['checkpoints', 'runs', 'datasets', 'answers', 'cots'];

let server: ChatServer;
beforeEach(async () => {
  server = await startChatServer(obedient);
});
afterEach(() => server.close());

const trainerOn = (store: Store) =>
  createTrainer({
    openStore: async () => ({ store, problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
  });
const importerOn = (store: Store) => createImporter(async () => ({ store, problem: null }));

/** What comes after SFT is the same whoever the teacher was. */
function shorten(config: RunConfig): void {
  config.popo.steps = 1;
  config.ranking.users = 0;
}

function asking(change: (config: RunConfig) => void = () => {}): RunConfig {
  return minusculeConfig((config) => {
    Object.assign(config.rupr, { teacher: 'openai', url: server.url, model: 'm:7b' });
    shorten(config);
    change(config);
  });
}

/** Everything in a value as one text, bytes as letters. */
function textOf(value: unknown): string {
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('latin1');
  if (ArrayBuffer.isView(value))
    return textOf(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, held]) => `${key} ${textOf(held)}`)
    .join('\n');
}

async function everything(store: Store): Promise<string> {
  const records: unknown[] = [];
  for (const collection of COLLECTIONS)
    for (const { id } of await store.list(collection)) records.push(await store.get(collection, id));
  return textOf(records);
}

const verdict = (one: Report, other: Report) =>
  compareFingerprints(one.fingerprint, other.fingerprint).verdict;

describe('a run with a chat model as its teacher', { timeout: 180_000 }, () => {
  it('writes the key nowhere', async () => {
    const store = memoryStore();
    const trainer = trainerOn(store);
    const events: RunEvent[] = [];
    server.behave((request, response, index) =>
      index === 3
        ? refuse(500, `failed for ${KEY}`)(request, response, index)
        : obedient(request, response, index),
    );
    const report = (await trainer.start(asking(), null, (event) => events.push(event), { teacherKey: KEY }))!;
    expect(server.requests.every(({ headers }) => headers.authorization === `Bearer ${KEY}`)).toBe(true);
    expect(server.requests.every(({ body }) => !JSON.stringify(body).includes(KEY))).toBe(true);
    const exported = [...(await trainer.exportModel()), await trainer.exportCots()];
    const written = [
      await everything(store),
      textOf(events),
      textOf(report),
      textOf(await trainer.savedRuns()),
      textOf(exported),
      formatLink(report.config, report.dataset.sha256, report.fingerprint),
    ];
    for (const text of written) expect(text).not.toContain(KEY);
    // The search would have found it: the same places hold what the server said.
    expect(written[0]).toContain('"content":"<think>Bought ');
    expect(written[0]).toContain('m:7b');
    expect(textOf(exported)).toContain('"cot":"Bought ');
    expect(written[5]).toContain(`rupr.url=${server.url}`);
    await expect(
      trainerOn(memoryStore()).start(
        asking(() => server.behave(refuse(401, `no such key: ${KEY}`))),
        null,
        () => {},
        { teacherKey: KEY },
      ),
    ).rejects.toThrow(/refuses the key \(401: no such key: \[key\]\)/);
    // A server that gives the key back as an answer gets it into no store either.
    const other = memoryStore();
    server.behave(whole(`<think>${KEY}</think><answer>x</answer>`));
    await expect(trainerOn(other).start(asking(), null, () => {}, { teacherKey: KEY })).rejects.toThrow(
      /sent your key back/,
    );
    expect(await everything(other)).not.toContain(KEY);
  });

  it('tells counts, names its CoTs in the config, and repeats to the bit from them alone', async () => {
    const store = memoryStore();
    const events: RunEvent[] = [];
    server.behave((request, response, index) =>
      index === 2 ? whole('no tags')(request, response, index) : obedient(request, response, index),
    );
    const trainer = trainerOn(store);
    const report = (await trainer.start(asking(), null, (event) => events.push(event)))!;
    const asked = server.requests.length;
    expect(asked).toBe(12);
    expect(report.rupr).toMatchObject({ wanted: 12, kept: 11, malformed: 1 });
    const told = events.flatMap((event) => (event.type === 'teacher' ? [event.counts] : []));
    expect(told.at(-1)).toEqual(report.rupr);
    expect(report.orft.scored).toBe(11);
    expect(report.config.rupr.cots_sha256).toMatch(/^[0-9a-f]{64}$/);

    // The link names the CoTs, so on this device nobody is asked again, whatever the server would say now.
    server.behave(refuse(500, 'gone'));
    const { config, problem } = parseLink(report.link);
    expect(problem).toBeNull();
    const again = (await trainerOn(store).start(config, null, () => {}))!;
    expect(server.requests).toHaveLength(asked);
    expect(verdict(report, again)).toBe('identical');

    // Elsewhere the run says what is missing before it trains, and with the maker's file it is the same run.
    const elsewhere = memoryStore();
    const stages: string[] = [];
    await expect(
      trainerOn(elsewhere).start(config, null, (event) => event.type === 'stage' && stages.push(event.name)),
    ).rejects.toThrow(/is not here: add the file/);
    expect(stages).not.toContain('ranker');
    const { name, bytes } = await trainer.exportCots();
    const summary = await importerOn(elsewhere).importCots(new File([bytes], name));
    expect(summary).toEqual({ sha256: config.rupr.cots_sha256, name: 'cots.jsonl', cots: 11, prompts: 6 });
    const there = (await trainerOn(elsewhere).start(config, null, () => {}))!;
    expect(verdict(report, there)).toBe('identical');
    expect(server.requests).toHaveLength(asked);
  });

  it('says a wrong key or address before anything that takes long', async () => {
    const begun: string[] = [];
    const listen = (event: RunEvent) => event.type === 'stage' && begun.push(event.name);
    server.behave(refuse(404, 'model "m:7b" not found, try pulling it first'));
    await expect(trainerOn(memoryStore()).start(asking(), null, listen)).rejects.toThrow(
      /no model m:7b \(404: model "m:7b" not found/,
    );
    expect(begun).not.toContain('ranker');
    expect(server.requests).toHaveLength(1);
  });

  it('is stopped while answers are awaited, and resumed asks only for the rest', async () => {
    const store = memoryStore();
    const trainer = trainerOn(store);
    server.behave((request, response, index) => index < 5 && obedient(request, response, index));
    let stopping: Promise<void> | null = null;
    const stopped = await trainer.start(asking(), null, (event) => {
      if (event.type === 'teacher' && event.counts.kept === 5) stopping ??= trainer.stop();
    });
    expect(stopped).toBeNull();
    await stopping;
    const [saved] = await trainer.savedRuns();
    expect(saved.stage).toBe('rupr');
    server.behave(obedient);
    const before = server.requests.length;
    const report = (await trainerOn(store).start(
      saved.config,
      { id: saved.id, generation: 'newest' },
      () => {},
    ))!;
    expect(server.requests.length - before).toBe(7);
    expect(report.rupr).toMatchObject({ kept: 12, cached: 5 });
    const whole = (await trainerOn(memoryStore()).start(asking(), null, () => {}))!;
    expect(verdict(whole, report)).toBe('identical');
  });
});

describe('a run with CoTs of a file', { timeout: 180_000 }, () => {
  it('learns from what the embedded teacher wrote as from the teacher itself', async () => {
    const store = memoryStore();
    const trainer = trainerOn(store);
    const embedded = (await trainer.start(minusculeConfig(shorten), null, () => {}))!;
    const { bytes } = await trainer.exportCots();
    const lines = Buffer.from(bytes)
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(12);
    // For studies of the filter: whether it was right to keep each.
    expect(lines.filter(({ kept }) => kept)).toHaveLength(embedded.orft.kept);
    expect(lines.every(({ truth }) => typeof truth.evidence === 'boolean')).toBe(true);
    const importer = importerOn(store);
    const { sha256, prompts } = await importer.importCots(new File([bytes], 'mine.jsonl'));
    expect(prompts).toBe(6);
    expect(await importer.listCots()).toMatchObject([{ sha256, name: 'mine.jsonl' }]);
    const config = minusculeConfig((draft) => {
      Object.assign(draft.rupr, { teacher: 'file', cots_sha256: sha256 });
      shorten(draft);
    });
    const report = (await trainer.start(config, null, () => {}))!;
    expect(report.rupr).toMatchObject({ wanted: 12, kept: 12, missing: 0 });
    const said = (of: Report) => of.orft.examples.map(({ cot }) => cot);
    expect(said(report)).toEqual(said(embedded));
    const again = (await trainer.start(parseLink(report.link).config, null, () => {}))!;
    expect(verdict(report, again)).toBe('identical');
    await importer.deleteCots(sha256);
    await expect(trainer.start(config, null, () => {})).rejects.toThrow(/is not here: add the file/);
  });

  it('is refused with the line that is wrong, and not kept', async () => {
    const store = memoryStore();
    const file = new File(['{"sampleId":"a","cot":"b"}\n{"sampleId":"a"}'], 'bad.jsonl');
    await expect(importerOn(store).importCots(file)).rejects.toThrow(/^bad\.jsonl, line 2: cot is missing/);
    expect(await importerOn(store).listCots()).toEqual([]);
  });
});
