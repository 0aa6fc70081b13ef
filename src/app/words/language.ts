/**
 * The language of the page. English is what the source says; another is looked up by it, and is fetched when it is wanted.
 * It is chosen by the browser, or by hand, which is remembered on this device and travels in no link.
 */
import { signal } from '@preact/signals';

export type Language = 'en' | 'zh';

const REMEMBERED = 'taiji-language';
const TAGS: Record<Language, string> = { en: 'en', zh: 'zh-Hans' };

/** What the page is in now. */
export const language = signal<Language>('en');

/** From English to what the page is in; null in English. */
export const translator = signal<((text: string) => string) | null>(null);

/** A text for people that Preact does not show: on a canvas, in a title or in a notification. */
export function said(text: string): string {
  return translator.value?.(text) ?? text;
}

/** What a person chose before, else the first of the browser's languages that the page knows. */
export function preferredLanguage(): Language {
  const known = (tag: string | null) =>
    tag === null ? undefined : /^(en|zh)\b/i.exec(tag)?.[1].toLowerCase();
  const found = [remembered(), ...navigator.languages].map(known).find((tag) => tag !== undefined);
  return found === 'zh' ? 'zh' : 'en';
}

/**
 * Puts the page into a language at once, or as soon as its words are there.
 * @throws Error where they cannot be had; the page stays as it was
 */
export async function speak(wanted: Language): Promise<void> {
  const words = wanted === 'zh' ? (await import('./chinese')).inChinese : null;
  translator.value = words;
  language.value = wanted;
  document.documentElement.lang = TAGS[wanted];
}

/** The same, by hand. */
export async function choose(wanted: Language): Promise<void> {
  await speak(wanted);
  try {
    localStorage.setItem(REMEMBERED, wanted);
  } catch {
    // Where nothing may be stored, the choice lasts as long as the page.
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}
