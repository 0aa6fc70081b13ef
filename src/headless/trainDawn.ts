import type { TrainResult } from './train';
import type { TrainOptions } from './trainOptions';

export async function trainOnDawn(
  _options: TrainOptions,
  _say: (line: string) => void,
): Promise<TrainResult> {
  throw new Error('pending');
}
