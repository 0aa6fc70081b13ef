/**
 * `npm run train`: one run without a person, on the page in a headless browser or in Node on Dawn. Prints progress, the
 * tables and the link; writes report.json, report.md and the model's files. Exits with 0 when it has trained, 1 when it failed, 2 for
 * wrong arguments, 3 when it trained but came out different from what the link promised.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { reportFile } from '../run/files';
import { compareFingerprints } from '../run/fingerprint';
import { reportMarkdown, reportParts } from './reportText';
import { parseTrainOptions, type TrainOptions, USAGE } from './trainOptions';

/** Where `npm start` serves the page, unless the port is taken. */
const PAGE = 'http://localhost:4173/';

export async function main(args: string[]): Promise<number> {
  let options: TrainOptions;
  try {
    options = parseTrainOptions(args);
    mkdirSync(options.out, { recursive: true });
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const { report, files } =
    options.where === 'dawn'
      ? await (await import('./trainDawn')).trainOnDawn(options, console.log)
      : await (await import('./trainPage')).trainOnPage(options, options.where, console.log);
  const told = { name: 'report.md', bytes: new TextEncoder().encode(reportMarkdown(report, PAGE)) };
  const written = [reportFile(report), told, ...files];
  for (const { name, bytes } of written) writeFileSync(join(options.out, name), bytes);

  console.log(
    `\n${reportParts(report)
      .map(({ text }) => text)
      .join('\n\n')}\n`,
  );
  console.log(`Link: ${PAGE}${report.link}`);
  console.log(`Wrote ${written.map(({ name }) => name).join(', ')} to ${resolve(options.out)}`);
  if (options.expected === null) return 0;
  const { verdict, sentence } = compareFingerprints(options.expected, report.fingerprint);
  console.log(sentence);
  return verdict === 'different' ? 3 : 0;
}
