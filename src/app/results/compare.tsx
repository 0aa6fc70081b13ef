/** Pinned runs and the one on show beside each other: what they differ in, and what came out. */
import { useSession } from '../state/context';
import { deviceWords } from '../words/deviceWords';
import { count, duration } from '../words/format';
import { nameInWords } from '../words/runNames';
import { rowLabel } from '../words/runWords';
import { COMPARED, type ComparedRun, differingSettings, finalRow, secondsOf } from './comparison';
import { rateText } from './table';
import '../styles/tables.css';

export function Compare() {
  const { pinned, report, runConfig, runId, savedRuns } = useSession();
  const shown = report.value;
  const config = runConfig.value;
  const isPinned = pinned.value.some(({ id }) => id === runId.value);
  const note = savedRuns.value.find(({ id }) => id === runId.value)?.note;
  const own: ComparedRun[] =
    shown === null || config === null || isPinned
      ? []
      : [
          {
            id: runId.value ?? 'shown',
            label: `On show: ${note?.name || nameInWords({ config, changes: shown.changes })}`,
            config,
            report: shown,
          },
        ];
  const runs = [...own, ...pinned.value];
  if (runs.length === 0) return null;
  const differing = differingSettings(runs);
  return (
    <section class="table-section compare" aria-labelledby="compare-title">
      <div class="section-head">
        <h2 id="compare-title">Runs beside each other</h2>
        <p>
          {runs.length === 1 ? 'One run is' : `${count(runs.length)} runs are`} pinned or on show. Below each
          rate its own 95 % interval over its users: of one seed each, so a difference may be the seed’s.
        </p>
      </div>
      <section class="table-scroll" tabindex={0} aria-label="Results of pinned runs">
        <table class="dense">
          <thead>
            <tr>
              <th scope="col">Run</th>
              {COMPARED.map(({ key, label }) => (
                <th key={key} scope="col" title={key}>
                  {label}
                </th>
              ))}
              <th scope="col">Took</th>
              <th scope="col">On</th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <ResultRow key={run.id} run={run} />
            ))}
          </tbody>
        </table>
      </section>
      {runs.length > 1 && (
        <section class="table-scroll" tabindex={0} aria-label="Only what differs between these runs">
          <table class="dense differing">
            <caption>Only what differs{differing.length === 0 && ': nothing does'}</caption>
            {differing.length > 0 && (
              <thead>
                <tr>
                  <th scope="col">Setting</th>
                  {runs.map(({ id, label }) => (
                    <th key={id} scope="col" class="run-label" title={label}>
                      {label}
                    </th>
                  ))}
                </tr>
              </thead>
            )}
            <tbody>
              {differing.map(({ path, values }) => (
                <tr key={path}>
                  <th scope="row">{path}</th>
                  {values.map((value, at) => (
                    <td key={runs[at].id} title={runs[at].label}>
                      {value === '' ? 'none' : value}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function ResultRow({ run }: { run: ComparedRun }) {
  const last = finalRow(run);
  return (
    <tr>
      <th scope="row" class="run-label" title={run.label}>
        {run.label}
        {last !== null && (
          <small class="under faint">
            {rowLabel({ stage: last.stage }, run.config)}, {count(last.users)} users
          </small>
        )}
      </th>
      {COMPARED.map(({ key }, at) => {
        const value = last?.values[at];
        return (
          <td key={key}>
            {rateText(value?.mean)}
            {value !== undefined && (
              <small class="under">
                {rateText(value.low)}–{rateText(value.high)}
              </small>
            )}
          </td>
        );
      })}
      <td>{duration(secondsOf(run))}</td>
      <td>{deviceWords(run.report.device)}</td>
    </tr>
  );
}
