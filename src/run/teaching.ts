/** The teacher that a config names. */
import type { Dataset } from '../data/dataset';
import type { Teacher, TeacherServices } from '../sft/cot';
import { openTeacher } from '../sft/rupr';
import { camelCased } from './camelCase';
import type { RunConfig } from './config';

/** Nothing is asked of it yet. */
export function teacherOf(
  dataset: Dataset,
  { seed, rupr, text }: RunConfig,
  services: TeacherServices,
): Teacher {
  const lengths = { historyLength: text.history_length, maxCompletionLength: text.max_completion_length };
  return openTeacher(dataset, { ...camelCased(rupr), ...lengths }, seed, services);
}
