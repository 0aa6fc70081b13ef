/**
 * The licence texts of everything that the build ships, and the page that shows them. What ships is read from the bundles, so
 * nobody keeps a list. A package's own licence file is taken, and its NOTICE with it.
 *
 * A package without such a file must stand in `WITHOUT_TEXT`, with whoever holds its copyright: what its package.json claims
 * is a name of a licence, not a grant by anybody. Otherwise the build ends and says what to do.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Something shipped whose licence is not known; the message says which package, where its text belongs and what to do. */
export class LicenceError extends Error {
  override readonly name = 'LicenceError';
}

/** A standard text in the folder licences/, and whom it names. */
interface StandardText {
  spdx: 'Apache-2.0' | 'MIT' | 'BSD-2-Clause' | 'BSD-3-Clause';
  holder: string;
}

/** One part of what is shipped. */
export interface ShippedPart {
  name: string;
  version: string;
  spdx: string;
  /** Licence first, then the notice, if there is one. */
  text: string;
}

const TEXTS = fileURLToPath(new URL('../../licences/', import.meta.url));

/** Packages, or whole scopes of them, that carry no licence file. */
const WITHOUT_TEXT: Record<string, StandardText | undefined> = {
  // Its files say so at their heads.
  '@tensorflow': { spdx: 'Apache-2.0', holder: 'Copyright 2017-2024 Google LLC. All Rights Reserved.' },
  seedrandom: { spdx: 'MIT', holder: 'Copyright 2019 David Bau.' },
};

/** What a package's binaries were linked from, which no list of modules tells. */
const CONTAINED: Record<string, (StandardText & { name: string })[] | undefined> = {
  '@tensorflow/tfjs-backend-wasm': [
    {
      name: 'XNNPACK',
      spdx: 'BSD-3-Clause',
      holder:
        'Copyright (c) Facebook, Inc. and its affiliates. All rights reserved.\nCopyright 2019 Google LLC',
    },
    {
      name: 'pthreadpool',
      spdx: 'BSD-2-Clause',
      holder:
        'Copyright 2019 Google LLC\nCopyright (c) 2017 Facebook Inc.\nCopyright (c) 2015-2017 Georgia Institute of Technology\n' +
        'All rights reserved.',
    },
    {
      name: 'cpuinfo and clog',
      spdx: 'BSD-2-Clause',
      holder:
        'Copyright (c) 2019 Google LLC\nCopyright (c) 2017-2018 Facebook Inc.\nCopyright (C) 2012-2017 Georgia Institute of ' +
        'Technology\nCopyright (C) 2010-2012 Marat Dukhan\nAll rights reserved.',
    },
    {
      name: 'FP16',
      spdx: 'MIT',
      holder: 'Copyright (c) 2017 Facebook Inc.\nCopyright (c) 2017 Georgia Institute of Technology',
    },
    { name: 'FXdiv', spdx: 'MIT', holder: 'Copyright (c) 2016 Marat Dukhan' },
    {
      name: 'psimd',
      spdx: 'MIT',
      holder: 'Copyright (c) 2017 Facebook Inc.\nCopyright (c) 2014-2017 Georgia Institute of Technology',
    },
    { name: 'Emscripten', spdx: 'MIT', holder: 'Copyright (c) 2010-2014 Emscripten authors' },
    { name: 'musl', spdx: 'MIT', holder: 'Copyright © 2005-2020 Rich Felker, et al.' },
  ],
};

/** The package that a bundled module is part of; null for our own. Bundlers add helpers of their own. */
export function packageOf(module: string): string | null {
  const [, helper] = /^\0(vite|rolldown)\//.exec(module) ?? [];
  if (helper !== undefined) return helper;
  const path = module.replaceAll('\\', '/');
  const [, name] = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/?]+)/.exec(path) ?? [];
  return name ?? null;
}

/**
 * A package and what its binaries contain.
 * @param folder of the installed package
 * @throws {LicenceError} when it carries no licence text and none is kept for it here
 */
export function partsOf(name: string, folder: string): ShippedPart[] {
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
    license?: string;
  };
  const spdx = typeof license === 'string' ? license : 'no licence named';
  const contained = (CONTAINED[name] ?? []).map(
    (part): ShippedPart => ({
      name: `${part.name}, in ${name}`,
      version: '',
      spdx: part.spdx,
      text: standardText(part),
    }),
  );
  return [{ name, version, spdx, text: textOf(name, folder, spdx) }, ...contained];
}

function textOf(name: string, folder: string, spdx: string): string {
  const read = (kind: RegExp) =>
    readdirSync(folder)
      .filter((file) => kind.test(file))
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  // Of packages that bundle others only the first part is theirs: vite's own words are what it adds to a build.
  const [own] = read(/^(licen[cs]e|copying)(\.(md|txt))?$/i).map((text) =>
    text.split(/^# Licenses of bundled/m)[0].trim(),
  );
  const notices = read(/^notice(\.(md|txt))?$/i);
  const kept = WITHOUT_TEXT[name] ?? WITHOUT_TEXT[name.split('/')[0]];
  if (own !== undefined && own !== '') return [own, ...notices].join('\n\n');
  if (kept === undefined)
    throw new LicenceError(
      `The package ${name} goes into the build and carries no licence text (its package.json says: ${spdx}): find whoever holds ` +
        'its copyright, and name them and the licence in WITHOUT_TEXT of src/commands/licences.ts.',
    );
  if (kept.spdx !== spdx)
    throw new LicenceError(
      `The package ${name} says that its licence is ${spdx}, but src/commands/licences.ts has ${kept.spdx} for it: find out which ` +
        'is right, and correct WITHOUT_TEXT.',
    );
  return [standardText(kept), ...notices].join('\n\n');
}

function standardText({ spdx, holder }: StandardText): string {
  return `${holder}\n\n${readFileSync(join(TEXTS, `${spdx}.txt`), 'utf8').trim()}`;
}

/** Where a package is installed. */
export function folderOf(name: string, root = '.'): string {
  const folder = join(root, 'node_modules', name);
  if (!existsSync(folder))
    throw new LicenceError(`The package ${name} goes into the build but is not in node_modules: run npm ci.`);
  return folder;
}

export interface LicencePage {
  parts: readonly ShippedPart[];
  /** Paths of style sheets from the page. */
  styles: readonly string[];
  /** Its Content-Security-Policy. */
  policy: string;
}

/** The page: what is shipped, then each text once. It needs no script. */
export function licencePage({ parts, styles, policy }: LicencePage): string {
  const texts = [...new Set(parts.map(({ text }) => text))];
  const numberOf = (text: string) => texts.indexOf(text) + 1;
  const title = ({ name, version }: ShippedPart) => escaped(version === '' ? name : `${name} ${version}`);
  const list = parts.map(
    (part) =>
      `<li><a href="#text-${numberOf(part.text)}">${title(part)}</a> <span class="faint">${escaped(part.spdx)}</span></li>`,
  );
  const sections = texts.map((text, index) => {
    const names = parts.filter((part) => part.text === text).map(title);
    return `<section id="text-${index + 1}"><h2>${names.join(', ')}</h2><pre tabindex="0">${escaped(text)}</pre></section>`;
  });
  return `<!doctype html>
<html lang="en">
  <head>
    <meta http-equiv="Content-Security-Policy" content="${escaped(policy)}" />
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <link rel="icon" href="./favicon.svg" type="image/svg+xml" />
    <title>Licences · taiji-lab</title>
    ${styles.map((path) => `<link rel="stylesheet" href="./${path}" />`).join('\n    ')}
  </head>
  <body>
    <main class="licences">
      <h1>Licences</h1>
      <p>This page is made of the following parts. Each is used under the licence beside it, whose text is below.</p>
      <ul>
${list.join('\n')}
      </ul>
${sections.join('\n')}
    </main>
  </body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
