/** A shader and the function that launches it are found from each other: `rms_norm.wgsl` from `rmsNorm.ts`. */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';

const load = (files: Record<string, unknown>) =>
  new Map(Object.entries(files as Record<string, string>).map(([path, text]) => [path, text]));
const shaders = load(
  import.meta.glob('../../shaders/*.wgsl', { query: '?raw', import: 'default', eager: true }),
);
const sources = load(
  import.meta.glob('../../src/**/*.ts', { query: '?raw', import: 'default', eager: true }),
);

const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Leading lines of comment. */
function header(source: string): string {
  const lines = source.split('\n');
  return lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    )
    .join('\n');
}

describe.each([...shaders].map(([path, source]) => [basename(path), source]))('%s', (file, source) => {
  const importers = [...sources].filter(([, text]) => text.includes(`/${file}?raw'`)).map(([path]) => path);

  it('is imported by the one file of its name', () => {
    expect(importers.map((path) => basename(path))).toEqual([`${camelCase(basename(file, '.wgsl'))}.ts`]);
  });

  it('opens with its formula, and gives the shape of every storage binding', () => {
    expect(header(source)).toMatch(/[=←≈]/);
    const bindings = source.split('\n').filter((line) => line.includes('var<storage'));
    // One without an entry point may be functions alone, for those that it is put behind.
    if (source.includes('@compute')) expect(bindings.length).toBeGreaterThan(0);
    expect(bindings.filter((line) => !/\/\/.*\[.+\]/.test(line))).toEqual([]);
  });

  it('stores to vectors in workgroup memory whole: their components share one memory location', () => {
    const vectors = [...source.matchAll(/var<workgroup> (\w+) *: *((?:array<)+)vec\d/g)];
    const parts = vectors.flatMap(([, name, arrays]) => {
      const depth = arrays.split('<').length - 1;
      const element = `\\b${name}(?:\\[[^\\n;=\\]]*\\]){${depth}}`;
      return [...source.matchAll(new RegExp(`${element}(\\[[^\\]]*\\]|\\.[xyzwrgba])\\s*[-+*/]?=[^=]`, 'g'))];
    });
    expect(parts.map(([store]) => store)).toEqual([]);
  });
});
