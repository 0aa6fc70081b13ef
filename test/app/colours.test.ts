/** Lines of a chart can be told apart, by whoever sees as most do and by whoever has one of the common colour-vision deficiencies. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Rgb = [number, number, number];

const TOKENS = readFileSync('src/app/styles/tokens.css', 'utf8');
const [LIGHT, DARK] = TOKENS.split('@media (prefers-color-scheme: dark)');
const LINES = ['semantic', 'id', 'third', 'fourth', 'ink'];

/** Linear-light red, green and blue of a custom property, in [0, 1]. */
function linear(sheet: string, name: string): Rgb {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6});`).exec(sheet)![1];
  const parts = [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
  return parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as Rgb;
}

/** Machado, Oliveira and Fernandes, 2009, severity 1: what a person without that cone sees. */
const SEEN_BY: Record<string, number[][]> = {
  'most people': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopes: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopes: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopes: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen(matrix: number[][], rgb: Rgb): Rgb {
  return matrix.map((row) =>
    Math.min(
      1,
      Math.max(
        0,
        row.reduce((sum, weight, at) => sum + weight * rgb[at], 0),
      ),
    ),
  ) as Rgb;
}

/** CIE L*a*b* under D65. */
function lab([r, g, b]: Rgb): Rgb {
  const x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047;
  const y = 0.2126729 * r + 0.7151522 * g + 0.072175 * b;
  const z = (0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883;
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  return [116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))];
}

function luminance([r, g, b]: Rgb): number {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('in the %s theme', (_, sheet) => {
  it.each(Object.keys(SEEN_BY))('lines are told apart by %s', (who) => {
    const labs = LINES.map((name) => lab(seen(SEEN_BY[who], linear(sheet, name))));
    const near = LINES.flatMap((a, i) =>
      LINES.slice(i + 1).map((b, j) => {
        const distance = Math.hypot(...labs[i].map((value, at) => value - labs[i + 1 + j][at]));
        return { pair: `${a} and ${b}`, distance: Math.round(distance) };
      }),
    ).filter(({ distance }) => distance < 22);
    expect(near).toEqual([]);
  });

  it('what is named in the colour of its line can be read, 4.5 to 1 at least', () => {
    for (const under of ['paper', 'raised'])
      for (const name of LINES) {
        const [low, high] = [under, name].map((each) => luminance(linear(sheet, each))).sort((a, b) => a - b);
        expect((high + 0.05) / (low + 0.05), `${name} on ${under}`).toBeGreaterThanOrEqual(4.5);
      }
  });
});
