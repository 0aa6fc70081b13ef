/** Starts the workers, late and only once. */
import * as Comlink from 'comlink';
import importerUrl from '../../worker/importer?worker&url';
import { ownWorkers } from '../../worker/ownWorkers';
import type { ImporterApi, TrainerApi, TrainerWorkerApi } from '../../worker/protocol';
import { RUNS_CHANNEL, runIsFree } from '../../worker/runLock';
import trainerUrl from '../../worker/trainer?worker&url';
import type { Services } from './session';

const workerUrls = ownWorkers([importerUrl, trainerUrl], document.baseURI);

function spawn(url: string, name: string, onCrash: (message: string) => void): Worker {
  const worker = new Worker(workerUrls.createScriptURL(url), { type: 'module', name });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    onCrash(event.message || `the ${name} could not be loaded`);
  });
  return worker;
}

/** A worker's methods as they are, save some: a function among the arguments needs a word more to reach the worker. */
function withOwn<Api extends object, Remote extends Api = Api>(
  remote: Comlink.Remote<Remote>,
  own: Partial<Api>,
): Api {
  return new Proxy(remote as unknown as Api, {
    get: (target, name: string & keyof Api) => own[name] ?? target[name],
  });
}

/** The workers of this page. Each starts at its first use, and again at the first use after a crash. */
export function pageWorkers(): Services {
  let trainer: { worker: Worker; api: TrainerApi } | null = null;
  let importer: { worker: Worker; api: ImporterApi } | null = null;
  return {
    trainer(onCrash) {
      if (trainer === null) {
        const worker = spawn(trainerUrl, 'training worker', onCrash);
        const remote = Comlink.wrap<TrainerWorkerApi>(worker);
        const api = withOwn<TrainerApi, TrainerWorkerApi>(remote, {
          async start(config, from, onEvent, extras) {
            const start = () => remote.start(config, from, Comlink.proxy(onEvent), extras);
            if (config.rupr.teacher !== 'openai') return start();
            return (await import('./endpoint')).withEndpoint(remote, config.rupr.url, start);
          },
          measureWhole: (onPart) => remote.measureWhole(Comlink.proxy(onPart)),
          study: (request, onEvent) => remote.study(request, Comlink.proxy(onEvent)),
        });
        trainer = { worker, api };
      }
      return trainer.api;
    },
    importer(onCrash) {
      if (importer === null) {
        const worker = spawn(importerUrl, 'import worker', onCrash);
        const remote = Comlink.wrap<ImporterApi>(worker);
        const api = withOwn<ImporterApi>(remote, {
          readFiles: (files, map, onProgress) => remote.readFiles(files, map, Comlink.proxy(onProgress)),
        });
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
      // What it asked through, with all that is on its way.
      document.querySelector('iframe')?.remove();
      trainer = null;
    },
    discardImporter() {
      importer?.worker.terminate();
      importer = null;
    },
  };
}
