/** The report of a finished run, out of the state it left. */
import { type Dataset, interactionCount } from '../data/dataset';
import { KERNELS_VERSION } from '../gpu/kernels';
import type { RunState } from './checkpoint';
import { fingerprint } from './fingerprint';
import { formatLink } from './link';
import type { DeviceInfo, Report } from './report';

/** @throws Error when the run is not finished */
export async function assembleReport(
  state: RunState,
  dataset: Dataset,
  device: DeviceInfo,
  memory: Report['memory'],
): Promise<Report> {
  const { app, config, stages, table, counting, ranking, rupr, orft, ranker, samples } = state;
  if (rupr === null || orft === null || ranker === null)
    throw new Error('The run has no RUPR, ORFT or ranker results to report yet.');
  const source = {
    app,
    kernels: KERNELS_VERSION,
    config,
    dataset: {
      id: dataset.id,
      sha256: dataset.sha256,
      users: dataset.users.length,
      items: dataset.items.length,
      interactions: interactionCount(dataset),
      notes: dataset.notes,
    },
    stages,
    rupr,
    orft,
    ranker,
    popo: { rewardNames: config.popo.rewards, steps: state.popo, curve: state.curve },
    table,
    ranking,
  };
  const mark = await fingerprint(source);
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  return structuredClone({
    schema: 1,
    ...source,
    counting,
    link: formatLink(config, dataset.sha256, mark),
    device,
    samples,
    fingerprint: mark,
    timings: { total, ...state.timings },
    memory,
  });
}
