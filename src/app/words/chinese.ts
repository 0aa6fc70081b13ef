/** The page in Simplified Chinese. Fetched when it is wanted. */
import data from './chinese/data.txt?raw';
import errors from './chinese/errors.txt?raw';
import fields from './chinese/fields.txt?raw';
import results from './chinese/results.txt?raw';
import run from './chinese/run.txt?raw';
import shell from './chinese/shell.txt?raw';
import study from './chinese/study.txt?raw';
import { createTranslator } from './translator';

export const inChinese = createTranslator([shell, run, results, fields, study, data, errors]);
