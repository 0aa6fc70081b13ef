/**
 * Starts the workers, late and only once. A worker made from a `blob:` module inherits the page's Content-Security-Policy,
 * which a worker fetched from a file does not, so the blob imports the real file.
 */
import * as Comlink from 'comlink';
import importerUrl from '../../worker/importer?worker&url';
import type { ImporterApi, TrainerApi } from '../../worker/protocol';
import { RUNS_CHANNEL, runIsFree } from '../../worker/runLock';
import trainerUrl from '../../worker/trainer?worker&url';
import type { Services } from './session';

function spawn(url: string, name: string, onCrash: (message: string) => void): Worker {
  const source = `import ${JSON.stringify(new URL(url, document.baseURI).href)};`;
  const blob = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(blob, { type: 'module', name });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    onCrash(event.message || `the ${name} could not be loaded`);
  });
  return worker;
}

/** The workers of this page. Each starts at its first use, and again at the first use after a crash. */
export function pageWorkers(): Services {
  let trainer: { worker: Worker; api: TrainerApi } | null = null;
  let importer: { worker: Worker; api: ImporterApi } | null = null;
  return {
    trainer(onCrash) {
      if (trainer === null) {
        const worker = spawn(trainerUrl, 'training worker', onCrash);
        const remote = Comlink.wrap<TrainerApi>(worker);
        const api: TrainerApi = {
          describeDevice: () => remote.describeDevice(),
          start: (config, from, onEvent, teacherKey) =>
            remote.start(config, from, Comlink.proxy(onEvent), teacherKey),
          keep: () => remote.keep(),
          study: (request, onEvent) => remote.study(request, Comlink.proxy(onEvent)),
          studyResult: (request) => remote.studyResult(request),
          exportStudy: (request) => remote.exportStudy(request),
          deleteStudies: () => remote.deleteStudies(),
          pause: () => remote.pause(),
          resume: () => remote.resume(),
          step: () => remote.step(),
          stop: () => remote.stop(),
          savedRuns: () => remote.savedRuns(),
          openRun: (id) => remote.openRun(id),
          deleteRun: (id) => remote.deleteRun(id),
          exportModel: () => remote.exportModel(),
          exportCots: () => remote.exportCots(),
          exportRun: () => remote.exportRun(),
          continueElsewhere: (to) => remote.continueElsewhere(to),
          loseDevice: () => remote.loseDevice(),
        };
        trainer = { worker, api };
      }
      return trainer.api;
    },
    importer(onCrash) {
      if (importer === null) {
        const worker = spawn(importerUrl, 'import worker', onCrash);
        const remote = Comlink.wrap<ImporterApi>(worker);
        const api: ImporterApi = {
          readFiles: (files, map, onProgress) => remote.readFiles(files, map, Comlink.proxy(onProgress)),
          seenOfRefused: () => remote.seenOfRefused(),
          keepImport: () => remote.keepImport(),
          dropImport: () => remote.dropImport(),
          listImports: () => remote.listImports(),
          deleteImport: (sha256) => remote.deleteImport(sha256),
          importCots: (file) => remote.importCots(file),
          listCots: () => remote.listCots(),
          deleteCots: (sha256) => remote.deleteCots(sha256),
          countAnswers: () => remote.countAnswers(),
          forgetAnswers: () => remote.forgetAnswers(),
        };
        importer = { worker, api };
      }
      return importer.api;
    },
    tabs: {
      onRuns(changed) {
        new BroadcastChannel(RUNS_CHANNEL).addEventListener('message', changed);
      },
      runIsFree: (id) => runIsFree(navigator.locks, id),
    },
    disk: {
      async room() {
        try {
          const { usage: used, quota } = await navigator.storage.estimate();
          const isPersistent = await navigator.storage.persisted();
          return used === undefined || quota === undefined ? null : { used, quota, isPersistent };
        } catch {
          // An insecure page, or one that may store nothing.
          return null;
        }
      },
      async persist() {
        try {
          await navigator.storage.persist();
        } catch {
          // As above; what is kept may then be deleted, which the list says.
        }
      },
    },
    discardTrainer() {
      trainer?.worker.terminate();
      trainer = null;
    },
    discardImporter() {
      importer?.worker.terminate();
      importer = null;
    },
  };
}
