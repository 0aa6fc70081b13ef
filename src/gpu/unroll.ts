/**
 * The shaders' one macro: a line that ends in `// each c` is repeated `count` times, `{c}` standing for 0, 1, …. WGSL has no
 * arrays of registers, and software adapters keep indexed arrays in memory.
 */
export function unroll(source: string, count: number): string {
  return source
    .split('\n')
    .flatMap((line) => {
      const body = /^(.*?)\s*\/\/ each c$/.exec(line)?.[1];
      if (body === undefined) return [line];
      return Array.from({ length: count }, (_, c) => body.replaceAll('{c}', String(c)));
    })
    .join('\n');
}
