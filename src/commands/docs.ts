/** `npm run docs`: writes docs/CONFIG.md, the reference of every field of the config, from their entries (src/run/fields). */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ConfigPath } from '../run/config';
import { formatLeaf } from '../run/diff';
import { CONFIG_PATHS, fieldAt } from '../run/fields/paths';
import { PRESET_NAMES } from '../run/presets';

export const CONFIG_REFERENCE = 'docs/CONFIG.md';

const HEAD = `# The config, field by field

Written by \`npm run docs\` from \`src/run/fields\`: change a field there, not here.

Any field is set by its path, on the command line as \`--set popo.weighting=fixed\` and in a link as \`&popo.weighting=fixed\`. A list
is written with commas: \`popo.rewards=semantic,novelty\`. Defaults are those of the frozen presets. Where a default is one
value, every preset has it; where two stand with a comma between them, the second is that of version 2. A field that a run does not read may be set all the same; the page disables it and says why.
`;

/** The whole file. */
export function configReference(): string {
  const sections = new Map<string, ConfigPath[]>();
  for (const path of CONFIG_PATHS) {
    const section = path.includes('.') ? path.slice(0, path.indexOf('.')) : '';
    sections.set(section, [...(sections.get(section) ?? []), path]);
  }
  const parts = [...sections].map(([section, paths]) => {
    const title = section === '' ? 'Of the whole run' : `\`${section}\``;
    return [`## ${title}`, '', ...table(paths)].join('\n');
  });
  return [HEAD, ...parts]
    .join('\n')
    .replace(/\n+(## )/g, '\n\n$1')
    .concat('\n');
}

function table(paths: readonly ConfigPath[]): string[] {
  const header = ['field', ...PRESET_NAMES, 'what is accepted', 'what it means'];
  return [header, header.map(() => '---'), ...paths.map(row)].map((cells) => `| ${cells.join(' | ')} |`);
}

/** A default that every preset shares stands in the first column alone. */
function row(path: ConfigPath): string[] {
  const { kind, defaults, help, unit, appliesWhen } = fieldAt(path);
  const values = PRESET_NAMES.map((name) => {
    const [first, second] = [defaults[1][name], defaults[2][name]].map((value) => code(formatLeaf(value)));
    return first === second ? first : `${first}, ${second}`;
  });
  const isShared = values.every((value) => value === values[0]);
  const meaning = appliesWhen === undefined ? help : `${help} *Not always read: ${appliesWhen.reason}*`;
  return [
    code(path),
    ...(isShared ? [values[0], ...values.slice(1).map(() => '')] : values),
    unit === undefined ? kind.range : `${kind.range} (${unit})`,
    meaning,
  ].map((cell) => cell.replaceAll('|', '\\|'));
}

function code(text: string): string {
  return text === '' ? 'empty' : `\`${text}\``;
}

export async function main(): Promise<number> {
  mkdirSync(dirname(CONFIG_REFERENCE), { recursive: true });
  writeFileSync(CONFIG_REFERENCE, configReference());
  console.log(`Wrote ${CONFIG_REFERENCE}.`);
  return 0;
}
