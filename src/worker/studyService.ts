/** A study in the training worker: its cells in storage, and its tables from what is there. */
import { sha256 } from '../numeric/hash';
import type { RunConfig } from '../run/config';
import { canonicalJson } from '../run/fingerprint';
import type { Cells } from '../store/cells';
import type { Cell } from '../study/cell';
import { methodConfig, methodNamed } from '../study/methods';
import { plannedRuns } from '../study/plan';
import { isOf, runStudy, type StudyContext } from '../study/queue';
import { cellsCsv, studyTables } from '../study/tables';
import type { StudyEvent, StudyRequest, StudyResult } from './protocol';

type StoredCells = Omit<Cells<Cell>, 'store' | 'clear'>;

/** @throws ConfigError or Error for a request that cannot be run, before anything is */
export async function study(
  request: StudyRequest,
  stored: StoredCells,
  run: StudyContext['run'],
  onEvent: (event: StudyEvent) => void,
): Promise<number> {
  check(request);
  const done = await kept(request, stored);
  const { failed } = await runStudy({
    ...request,
    methods: request.methods.map(methodNamed),
    read: async (method, config) => read(stored, method, config),
    async keep(cell) {
      await stored.save(await idOf(cell.method, cell.config), cell);
      const before = done.findIndex(({ method, seed }) => method === cell.method && seed === cell.seed);
      done.splice(before < 0 ? done.length : before, before < 0 ? 0 : 1, cell);
      onEvent({ type: 'result', result: resultOf(done, request) });
    },
    ends: {
      async read(method, config) {
        const bytes = await stored.loadEnd(await idOf(method, config));
        return bytes && (await import('../study/endFile')).unpackEnd(bytes, config);
      },
      async keep(method, end, config) {
        const { packEnd } = await import('../study/endFile');
        await stored.saveEnd(await idOf(method, config), await packEnd(end));
      },
      drop: async (method, config) => stored.dropEnd(await idOf(method, config)),
    },
    run,
    tell: (event) => onEvent({ type: 'cell', event }),
  });
  return failed;
}

export async function studyResult(request: StudyRequest, stored: StoredCells): Promise<StudyResult> {
  return resultOf(await kept(request, stored), request);
}

export async function exportStudy(request: StudyRequest, stored: StoredCells) {
  const cells = await kept(request, stored);
  const encoder = new TextEncoder();
  return [
    { name: 'study.json', bytes: encoder.encode(JSON.stringify({ ...studyTables(cells), cells })) },
    { name: 'study.csv', bytes: encoder.encode(cellsCsv(cells)) },
  ];
}

function check({ preset, common, methods, seeds }: StudyRequest): void {
  if (methods.length === 0 || seeds.length === 0)
    throw new Error('A study needs at least one method and one seed: choose some.');
  if ((common['rupr.teacher'] ?? 'attributes') !== 'attributes')
    throw new Error('A study learns from the teacher attributes alone: choose it under More.');
  for (const name of methods) methodConfig(methodNamed(name), preset, common, seeds[0]);
}

async function kept(request: StudyRequest, stored: StoredCells): Promise<Cell[]> {
  check(request);
  const cells: Cell[] = [];
  for (const seed of request.seeds) {
    for (const name of request.methods) {
      const config = methodConfig(methodNamed(name), request.preset, request.common, seed);
      const cell = await read(stored, name, config);
      if (cell !== null) cells.push(cell);
    }
  }
  return cells;
}

async function read(stored: StoredCells, method: string, config: RunConfig): Promise<Cell | null> {
  const cell = await stored.load(await idOf(method, config));
  return cell !== null && isOf(cell, config) ? cell : null;
}

/** A cell's name in storage. */
async function idOf(method: string, config: RunConfig): Promise<string> {
  return `${method}/${config.seed}/${(await sha256(canonicalJson(config))).slice(0, 32)}`;
}

/** In the order of the request, whenever each was made. */
function resultOf(cells: readonly Cell[], request: StudyRequest): StudyResult {
  const { methods } = request;
  const ordered = [...cells].sort(
    (a, b) => methods.indexOf(a.method) - methods.indexOf(b.method) || a.seed - b.seed,
  );
  return {
    cells: ordered.map(({ method, seed, link }) => ({ method, seed, link })),
    tables: studyTables(ordered),
    plan: plannedRuns({ ...request, methods: methods.map(methodNamed) }, (method, seed) =>
      cells.some((cell) => cell.method === method && cell.seed === seed),
    ),
  };
}
