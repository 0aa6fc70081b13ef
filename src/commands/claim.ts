/** `npm run study -- --claim`: its verdicts, and the cells of several processes together. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cell } from '../study/cell';
import { claimText, judgeClaim } from '../study/claim';
import { CLAIM } from '../study/claimMethods';
import { isFiner } from '../study/methods';

/**
 * The cells of the claim's methods that studies left in their folders.
 * @throws Error for a folder without any, a method and seed in two of them, and cells of different versions or settings
 */
export function readClaims(folders: readonly string[]): Cell[] {
  const names = new Set(CLAIM.map(({ name }) => name));
  const cells: Cell[] = [];
  const found = new Map<string, string>();
  for (const folder of folders) {
    if (!existsSync(folder))
      throw new Error(`${folder} does not exist: --from takes folders that a study wrote.`);
    const files = readdirSync(folder).filter((name) => /^cell-.+\.json$/.test(name));
    for (const file of files.sort()) {
      const cell = parsed(join(folder, file));
      if (!names.has(cell.method) && !isFiner(cell.method)) continue;
      const id = `${cell.method} of seed ${cell.seed}`;
      const before = found.get(id);
      if (before !== undefined)
        throw new Error(`${id} stands in two of the folders of --from: ${before} and ${folder}.`);
      found.set(id, folder);
      cells.push(cell);
    }
  }
  if (cells.length === 0) throw new Error(`There is no cell of the claim in ${folders.join(', ')}.`);
  const [first] = cells;
  for (const cell of cells)
    if (`${cell.app} ${cell.kernels}` !== `${first.app} ${first.kernels}` || shared(cell) !== shared(first))
      throw new Error(
        `${cell.method} of seed ${cell.seed} is of another version or other settings than ${first.method} of seed ${first.seed}: they cannot be judged together.`,
      );
  return cells;
}

/** What all methods of a study have in common, whatever they change. */
function shared({ config: { preset, version, data, text, model, warmup, evaluate, sft } }: Cell): string {
  return JSON.stringify([preset, version, data, text, model, warmup, evaluate, sft]);
}

function parsed(path: string): Cell {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Cell;
  } catch {
    throw new Error(`${path} is damaged: run its study again.`);
  }
}

/** Writes claim.json and prints the verdicts. @returns the exit code: what is not above the hull is a result, not a failure */
export function tellClaim(cells: readonly Cell[], out: string): number {
  const claim = judgeClaim(cells);
  const file = join(out, 'claim.json');
  writeFileSync(file, `${JSON.stringify(claim)}\n`);
  console.log(`\n${claimText(claim)}\n\nWrote ${file}.`);
  return 0;
}
