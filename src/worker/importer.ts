/** The import worker's entry file. */
import { expose } from 'comlink';
import { openStore } from '../store/database';
import { createImporter } from './importService';

expose(createImporter(openStore));
