/**
 * The shaders' one macro: a line that ends in `// each c` is repeated with `{c}` standing for 0, 1, … counts.c − 1, and one
 * that ends in `// each r c` for every pair. WGSL has no arrays of registers, and software adapters keep indexed arrays in
 * memory.
 * @throws Error for a letter that has no count
 */
export function unroll(source: string, counts: Readonly<Record<string, number>>): string {
  return repeatBlocks(source, counts)
    .split('\n')
    .flatMap((line) => {
      const marked = /^(.*?)\s*\/\/ each((?: [a-z])+)$/.exec(line);
      return marked ? repeat(marked[1], marked[2].trim().split(' '), counts) : [line];
    })
    .join('\n');
}

/** A block from `{ // each k` to the `}` below it, once for every k, and the blocks in it. */
function repeatBlocks(source: string, counts: Readonly<Record<string, number>>): string {
  return source.replace(
    /^( *)\{ \/\/ each ([a-z])\n([\s\S]*?\n)\1\}$/gm,
    (_, indent: string, letter: string, body: string) =>
      repeatBlocks(repeat(`${indent}{\n${body}${indent}}`, [letter], counts).join('\n'), counts),
  );
}

function repeat(line: string, letters: string[], counts: Readonly<Record<string, number>>): string[] {
  return letters.reduce(
    (lines, letter) => {
      const count = counts[letter];
      if (count === undefined) throw new Error(`A shader repeats over ${letter}, which has no count.`);
      return lines.flatMap((text) =>
        Array.from({ length: count }, (_, i) => text.replaceAll(`{${letter}}`, String(i))),
      );
    },
    [line],
  );
}
