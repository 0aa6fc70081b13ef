/** Trains in Node on Dawn: the pipeline that the page's worker runs, without a page. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDawn } from '../browsers/dawn';
import { interactionCount } from '../data/dataset';
import { Controls } from '../run/controls';
import { loadDataset } from '../run/datasets';
import { describeRunDevice, openRunDevice } from '../run/device';
import { cotsFile, modelFiles } from '../run/files';
import type { RunEvent } from '../run/report';
import { packRun } from '../run/runFile';
import { runPipeline } from '../run/runner';
import { sizedSentence } from '../run/sizedSentence';
import type { TeacherServices } from '../sft/cot';
import { importFiles } from './dataFiles';
import { eventsFile } from './eventsFile';
import { openJudgeThread } from './judgeThread';
import { decider } from './onDivergence';
import { ProgressLines } from './progress';
import { readSentenceFiles } from './sentenceFiles';
import { sizedTo, type TrainOptions } from './trainOptions';
import type { TrainResult } from './trainResult';

/** @throws an Error when there is no adapter, when the data cannot be read, or what a stage throws */
export async function trainOnDawn(options: TrainOptions, say: (line: string) => void): Promise<TrainResult> {
  let config = structuredClone(options.config);
  const api = openDawn();
  const imported = options.data.length > 0 ? await importFiles(options.data, config.data.map, say) : null;
  if (imported !== null) {
    if (config.data.source === 'import' && config.data.sha256 !== imported.sha256)
      throw new Error('These files are not the ones that the link was made on: their hash differs.');
    Object.assign(config.data, { source: 'import', sha256: imported.sha256 });
    const { users, items, splits } = imported;
    const examples = [splits.train.length, splits.validation.length, splits.test.length] as const;
    const { device, warning } = await describeRunDevice(api);
    const size = {
      users: users.length,
      items: items.length,
      interactions: interactionCount(imported),
      examples,
    };
    const trains = { isSlow: warning !== null, limits: device.limits };
    config = sizedTo(options, config, size, trains);
    if (options.sized !== null) say(sizedSentence(size, trains, config));
  }
  const lines = new ProgressLines(say);
  const told: RunEvent[] = [];
  const { report, checkpoint } = await runPipeline({
    config,
    changes: options.changes,
    controls: new Controls(),
    decide: decider(options.onDivergence),
    emit(event) {
      if (event.type === 'device')
        say(`Training ${config.preset}, seed ${config.seed}, on ${event.device.description} in Node.`);
      lines.event(event);
      if (options.isRecorded) told.push(structuredClone(event));
    },
    // Whoever watches the recording looks on.
    ...(options.isRecorded && { onlooker: { prompt: () => null, keep() {} } }),
    teaching: teacherFiles(options, say),
    loadDataset: () => loadDataset(config, async () => imported),
    loadSentenceFiles: readSentenceFiles,
    openJudges: openJudgeThread,
    async openDevice(kernels) {
      const device = await openRunDevice(kernels, api);
      if (device.info.backend !== 'webgpu')
        throw new Error(
          'Dawn gave no adapter; without one the page’s slow path is the better place (leave --adapter out).',
        );
      return device;
    },
    // Nothing to come back to: a command that is ended starts over.
    save: async () => false,
    resume: null,
  });
  if (report === null) throw new Error('The run was stopped before its end: its training ran away.');
  const { device, memory } = report;
  const zip = await packRun(checkpoint, { id: crypto.randomUUID(), trained: { device, memory } });
  const events = options.isRecorded ? [eventsFile(told)] : [];
  return { report, files: [...modelFiles(checkpoint), cotsFile(checkpoint), zip, ...events] };
}

/** Answers of an endpoint are kept beside the results, so that a command that failed asks only for the rest. */
function teacherFiles({ cots, teacherKey, out }: TrainOptions, say: (line: string) => void): TeacherServices {
  const file = (teacher: string) => join(out, `answers-${teacher}.jsonl`);
  return {
    key: teacherKey,
    tell(news) {
      if (news.type === 'notice') say(`  ${news.level}: ${news.message}`);
    },
    async readAnswers(teacher) {
      return existsSync(file(teacher)) ? readFileSync(file(teacher), 'utf8').split('\n').filter(Boolean) : [];
    },
    async appendAnswers(teacher, lines) {
      try {
        appendFileSync(file(teacher), lines.map((line) => `${line}\n`).join(''));
      } catch (error) {
        say(
          `  warning: answers of the teacher are not being kept: ${error instanceof Error ? error.message : error}`,
        );
      }
    },
    // The config names the very file that was given, or none.
    loadCots: async () => cots?.jsonl ?? null,
    // cots.jsonl is written with the other results.
    keepCots: async () => {},
  };
}
