/**
 * Sentences that name a field of the config or a stage: in words. A field's own name stands beside them, since links and files have that.
 */

import type { ConfigPath, RunConfig } from '../../run/config';
import { isConfigPath, whyUnread } from '../../run/fields/paths';
import { defaultConfig } from '../../run/presets';
import { STAGE_NAMES } from '../../run/stageNames';
import { settingLabel } from './differences';
import { said, translator } from './language';
import { inSentence } from './runWords';

/** `popo.beta`, also with a value as `--set` takes it, `popo.beta=0.1`. */
const NAMED = /\b([a-z]+\.\w+)(?:=\w[\w.,-]*\w|=\w)?/g;

const STAGE = new RegExp(`\\b([Ss]tep \\d+ of )(${STAGE_NAMES.join('|')})\\b`, 'g');

/** In the page's language already, where it names a field. */
export function inFieldWords(sentence: string): string {
  const known = new Set<string>();
  const told = said(sentence).replace(NAMED, (name: string, path: string, at: number, all: string) => {
    if (!isConfigPath(path) || known.has(path)) return name;
    known.add(path);
    // Its words stand before it.
    if (/[(（]$/.test(all.slice(0, at))) return name;
    return said(`“${settingLabel(path, defaultConfig())}” (${name})`);
  });
  // Another language has had its own words for the stage.
  const whole = known.size === 0 ? sentence : translator.value === null ? told : closed(told);
  return whole.replace(
    STAGE,
    (_, place: string, stage: string) => place + inSentence(stage, defaultConfig()),
  );
}

/** Chinese marks have their own room. */
const closed = (text: string) => text.replace(/ (?=“)|(?<=）) /g, '');

/** Why a run with this config does not read the field; null where it does. */
export function unreadWords(config: RunConfig, path: ConfigPath): string | null {
  const why = whyUnread(config, path);
  return why === null ? null : inFieldWords(why);
}
