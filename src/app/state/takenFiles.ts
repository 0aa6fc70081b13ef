/** What files are that come in from anywhere: a run, reasoning, or data. Told by how each of them begins. */

export interface TakenFiles {
  runs: File[];
  reasoning: File[];
  data: File[];
}

/** Bytes; no line of reasoning is longer. */
const FIRST_LINE = 65_536;
/** The signature of a ZIP's first entry, and where its name is. */
const ENTRY = 'PK\x03\x04';
const NAME_AT = 30;
/** Which entry a run begins with (`run/runFile.ts`). */
const RUN = 'run.json';

export async function sortFiles(files: readonly File[]): Promise<TakenFiles> {
  const taken: TakenFiles = { runs: [], reasoning: [], data: [] };
  for (const file of files) {
    const begin = await file.slice(0, FIRST_LINE).text();
    if (isRun(begin)) taken.runs.push(file);
    else if (isReasoning(begin)) taken.reasoning.push(file);
    else taken.data.push(file);
  }
  return taken;
}

function isRun(begin: string): boolean {
  // Bytes beyond ASCII may have become one letter or several, so the name is looked for thereabouts.
  return begin.startsWith(ENTRY) && begin.slice(0, NAME_AT + RUN.length).includes(RUN);
}

function isReasoning(begin: string): boolean {
  const [line] = begin.trimStart().split('\n', 1);
  return line.startsWith('{') && line.includes('"sampleId"') && line.includes('"cot"');
}
