/** Pinned runs and the one on show beside each other: what they differ in, and what came out. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { PairedInterval } from '../../evaluate/bootstrap';
import { SLICED } from '../../evaluate/slices';
import type { RunPairing } from '../../run/pairing';
import { useSession } from '../state/context';
import { deviceWords } from '../words/deviceWords';
import { count, duration } from '../words/format';
import { nameInWords } from '../words/runNames';
import { rowLabel } from '../words/runWords';
import { changeText, toneOf } from './change';
import {
  COMPARED,
  type ComparedRun,
  differingSettings,
  finalRow,
  finalSlices,
  secondsOf,
} from './comparison';
import { rateText } from './table';
import '../styles/tables.css';

export function Compare() {
  const { pinned, report, runConfig, runId, savedRuns, trainer } = useSession();
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
  const pairings = usePairings(
    runs.map(({ id }) => id),
    trainer,
  );
  if (runs.length === 0) return null;
  const differing = differingSettings(runs);
  return (
    <section class="table-section compare" aria-labelledby="compare-title">
      <div class="section-head">
        <h2 id="compare-title">Runs beside each other</h2>
        <p>
          {runs.length === 1 ? 'One run is' : `${count(runs.length)} runs are`} pinned or on show. Below each
          rate its own 95 % interval over its users: of one seed each, so a difference may be the seed’s.
          {runs.length > 1 &&
            ' Below that, where both had the same users: the difference to the first run, and its interval paired by user.'}
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
              <ResultRow key={run.id} run={run} pairing={pairings.get(run.id)} />
            ))}
          </tbody>
        </table>
      </section>
      <SlicesBeside runs={runs} pairings={pairings} />
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
              {differing.map(({ path, label, values }) => (
                <tr key={path}>
                  <th scope="row">
                    {label === null ? (
                      path
                    ) : (
                      <>
                        <span>{label}</span> <code>{path}</code>
                      </>
                    )}
                  </th>
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

/** By run, how each but the first differs from that; empty until the worker has said. */
function usePairings(
  ids: readonly string[],
  trainer: ReturnType<typeof useSession>['trainer'],
): ReadonlyMap<string, RunPairing> {
  const pairings = useSignal<ReadonlyMap<string, RunPairing>>(new Map());
  const key = ids.join(' ');
  useEffect(() => {
    let isWanted = true;
    const [base, ...others] = key === '' ? [] : key.split(' ');
    pairings.value = new Map();
    if (others.length === 0) return;
    const take = (found: RunPairing[]) => {
      if (isWanted) pairings.value = new Map(others.map((id, at) => [id, found[at]]));
    };
    // Without them the table says what it said before.
    trainer()
      .pairRuns(base, others)
      .then(take, () => {});
    return () => {
      isWanted = false;
    };
  }, [key]);
  return pairings.value;
}

function ResultRow({ run, pairing }: { run: ComparedRun; pairing: RunPairing | undefined }) {
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
        {pairing?.why && <small class="under faint">{pairing.why}</small>}
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
            <Change of={(pairing?.changes as Record<string, PairedInterval> | null | undefined)?.[key]} />
          </td>
        );
      })}
      <td>{duration(secondsOf(run))}</td>
      <td>{deviceWords(run.report.device)}</td>
    </tr>
  );
}

const SLICED_LABELS = { Category_L3_ACC: 'L3', CTCVR: 'CTCVR' } as const;

/** The same by slice of test users, of runs whose data tells slices. */
function SlicesBeside({
  runs,
  pairings,
}: {
  runs: readonly ComparedRun[];
  pairings: ReadonlyMap<string, RunPairing>;
}) {
  const rows = runs
    .map((run) => ({ run, slices: finalSlices(run) }))
    .filter(({ slices }) => slices.length > 0);
  if (rows.length === 0) return null;
  const names = [...new Set(rows.flatMap(({ slices }) => slices.map(({ name }) => name)))];
  return (
    <section class="table-scroll" tabindex={0} aria-label="Results of pinned runs by slice">
      <table class="dense sliced">
        <caption>By slice of test users</caption>
        <thead>
          <tr>
            <th scope="col">Run</th>
            {SLICED.flatMap((metric) =>
              names.map((name) => (
                <th key={`${metric} ${name}`} scope="col">
                  {SLICED_LABELS[metric]}, {name}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ run, slices }) => (
            <tr key={run.id}>
              <th scope="row" class="run-label" title={run.label}>
                {run.label}
              </th>
              {SLICED.flatMap((metric) =>
                names.map((name) => {
                  const own = slices.find((slice) => slice.name === name)?.metrics[metric];
                  const paired = pairings.get(run.id)?.slices?.find((slice) => slice.name === name);
                  return (
                    <td key={`${metric} ${name}`}>
                      {rateText(own?.mean)}
                      {own !== undefined && <span class="faint"> ± {rateText(own.high - own.mean)}</span>}
                      <Change of={paired?.changes[metric]} />
                    </td>
                  );
                }),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Change({ of }: { of: PairedInterval | undefined }) {
  if (of === undefined) return null;
  return (
    <small class={`under ${toneOf(of)}`} title="Less the first run, paired by user">
      {changeText(of.mean)} [{changeText(of.low)}, {changeText(of.high)}]
    </small>
  );
}
