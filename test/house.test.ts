/** The order of the house: a room imports only rooms below it, no circle, one exported type to a name. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Top floor first; rooms of one floor do not import each other. */
const FLOORS = [
  ['commands'],
  ['app', 'bench'],
  ['browsers', 'worker'],
  ['study'],
  ['run'],
  ['evaluate'],
  ['popo', 'sft', 'store'],
  ['rank', 'text'],
  ['model', 'data'],
  ['gpu', 'control'],
  ['numeric'],
];
/** The same within the page. */
const PAGE_FLOORS = [['form', 'run', 'results', 'study'], ['parts', 'charts'], ['state'], ['words']];

const SOURCE = resolve('src');
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(tsx?|mjs)$/.test(name))
  .map((name) => join(SOURCE, name));
const sources = new Map(
  files.map((file) => [
    file,
    ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true),
  ]),
);

/** Files of src that a file imports, types included, and dynamic imports and workers too. */
function importsOf(file: string): string[] {
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    const named =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
    if (named !== undefined && ts.isStringLiteral(named) && named.text.startsWith('.')) {
      const target = resolve(dirname(file), named.text.replace(/\?.*$/, ''));
      const match = [target, `${target}.ts`, `${target}.tsx`, `${target}/index.ts`].find((path) =>
        sources.has(path),
      );
      if (match !== undefined) found.push(match);
    }
    ts.forEachChild(node, look);
  };
  look(sources.get(file) as ts.SourceFile);
  return found;
}

const imports = new Map(files.map((file) => [file, importsOf(file)]));
const name = (file: string) => relative('src', file);

/** Imports that do not lead to a lower floor, of files below `root`; a file in no room is above all. */
function upward(root: string, floors: readonly (readonly string[])[]): string[] {
  const roomOf = (file: string) => {
    const [room, ...rest] = relative(root, file).split('/');
    return rest.length === 0 ? null : room;
  };
  const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room));
  return files.flatMap((file) => {
    const from = roomOf(file);
    if (!file.startsWith(`${root}/`) || from === null) return [];
    return (imports.get(file) ?? []).flatMap((to) => {
      const room = to.startsWith(`${root}/`) ? roomOf(to) : 'elsewhere';
      const isDown =
        room === from || room === 'elsewhere' || (room !== null && floorOf(room) > floorOf(from));
      return isDown ? [] : [`${name(file)} → ${name(to)}`];
    });
  });
}

describe('the house', () => {
  it('has a floor for every room', () => {
    const rooms = (root: string) =>
      readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [entry.name] : [],
      );
    expect(rooms(SOURCE).sort()).toEqual(FLOORS.flat().sort());
    expect(rooms(join(SOURCE, 'app')).sort()).toEqual([...PAGE_FLOORS.flat(), 'styles'].sort());
  });

  it('imports only downward', () => {
    expect(upward(SOURCE, FLOORS)).toEqual([]);
    expect(upward(join(SOURCE, 'app'), PAGE_FLOORS)).toEqual([]);
  });

  it('has no circle of imports', () => {
    const circles: string[] = [];
    const done = new Set<string>();
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].map(name).join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const to of imports.get(file) ?? []) walk(to, [...path, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(circles).toEqual([]);
  });

  it('gives no name to two exported types', () => {
    const homes = new Map<string, string[]>();
    for (const [file, source] of sources)
      for (const statement of source.statements) {
        const isType =
          ts.isInterfaceDeclaration(statement) ||
          ts.isTypeAliasDeclaration(statement) ||
          ts.isClassDeclaration(statement);
        if (!isType || statement.name === undefined) continue;
        if (!statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
        homes.set(statement.name.text, [...(homes.get(statement.name.text) ?? []), name(file)]);
      }
    expect([...homes].filter(([, where]) => where.length > 1)).toEqual([]);
  });

  it('has no function of more than four positional parameters', () => {
    const long: string[] = [];
    for (const [file, source] of sources) {
      const look = (node: ts.Node): void => {
        if (ts.isFunctionLike(node) && node.parameters.length > 4)
          long.push(`${name(file)}: ${node.name?.getText(source) ?? 'a function'}`);
        ts.forEachChild(node, look);
      };
      look(source);
    }
    expect(long).toEqual([]);
  });
});
