/** Sentences that name a field of the config: in words, with the field's own name beside them, since links and files have that. */

import { isConfigPath } from '../../run/fields/paths';
import { defaultConfig } from '../../run/presets';
import { settingName } from './differences';
import { labelled } from './fieldLabels';
import { said, translator } from './language';

/** In the page's language already, where it names a field; else as it came. */
export function inFieldWords(sentence: string): string {
  const known = new Set<string>();
  const told = said(sentence).replace(/\b[a-z]+\.\w+\b/g, (path: string, at: number, all: string) => {
    if (!isConfigPath(path) || known.has(path)) return path;
    known.add(path);
    const label = labelled(path);
    if (label === null) return path;
    if (translator.value !== null) return `${said(label)} (${path})`;
    const words = settingName(path, defaultConfig());
    return `${/(^|[.!?] )$/.test(all.slice(0, at)) ? words[0].toUpperCase() + words.slice(1) : words} (${path})`;
  });
  return known.size === 0 ? sentence : told;
}
