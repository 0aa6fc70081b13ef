/** The teacher that a config names. */
import type { Dataset } from '../data/dataset';
import type { Teacher, TeacherServices } from '../sft/cot';
import { openTeacher } from '../sft/rupr';
import type { RunConfig } from './config';

/** Nothing is asked of it yet. */
export function teacherOf(
  dataset: Dataset,
  { seed, rupr, text: { history_length, max_completion_length } }: RunConfig,
  services: TeacherServices,
): Teacher {
  return openTeacher(dataset, { ...rupr, history_length, max_completion_length }, seed, services);
}
