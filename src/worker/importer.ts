/** The import worker's entry file. */
import { expose } from 'comlink';
import { openStore } from '../store/database';
import { createImporter } from './importService';
import { RUNS_CHANNEL } from './runLock';

const tabs = new BroadcastChannel(RUNS_CHANNEL);

expose(createImporter(() => openStore(), { locks: navigator.locks, tellTabs: () => tabs.postMessage(null) }));
