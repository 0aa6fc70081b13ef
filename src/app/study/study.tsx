/** Methods × seeds, and what they say of the method's claims. Loaded when it is opened. */
import { useSignalEffect } from '@preact/signals';
import { OUTCOMES } from '../../evaluate/metrics';
import { FRONT_NOTE } from '../../study/front';
import { heldMethodSentences } from '../../study/heldRewards';
import { METHODS } from '../../study/methods';
import type { Gauges, StudyTables } from '../../study/tables';
import type { StudyResult } from '../../worker/protocol';
import { DeleteButton } from '../parts/deleteButton';
import { useSession } from '../state/context';
import { download } from '../state/download';
import { inFieldWords } from '../words/fieldWords';
import { inSentence } from '../words/runWords';
import { SliceTable } from './bySlice';
import { Difference, halfWidth, percent, rate } from './difference';
import { AllMethods, Questions, StudyTime } from './questions';
import { TradeOffs } from './tradeOffs';
import '../styles/tables.css';
import '../styles/study.css';

/** Empty for a method of another version. */
const wordsOf = (name: string) => METHODS.find((method) => method.name === name)?.words ?? '';

const LABELS: Record<(typeof OUTCOMES)[number], string> = {
  Category_L1_ACC: 'L1',
  Category_L2_ACC: 'L2',
  Category_L3_ACC: 'L3',
  'Title_Hit-Rate@50': 'Title@50',
  'Title_Hit-Rate@100': '@100',
  CTCVR: 'CTCVR',
};

const GAUGES: { label: string; hint: string; of: (gauges: Gauges) => string }[] = [
  { label: 'Valid', hint: 'Answers that parse and name an item', of: (g) => rate(g.valid_rate) },
  { label: 'Distinct', hint: 'Different items answered', of: (g) => g.distinct_top1.toFixed(0) },
  { label: 'Top share', hint: 'Of the item answered most often', of: (g) => rate(g.popularity_share) },
  {
    label: 'No signal',
    hint: 'Groups of rollouts that all earned the same, so that nothing is learnt from them; mean over RL’s steps',
    of: (g) => (g.frac_reward_zero_std === null ? '–' : rate(g.frac_reward_zero_std)),
  },
];

const VERDICTS: Record<StudyTables['comparisons'][number]['shape'], string> = {
  'as the paper': 'agrees',
  'differs from the paper': 'differs',
  'not established': 'open',
  'not reported': '',
};

export function StudyView() {
  const { studies, busy, config } = useSession();
  const { methods, seeds, result } = studies;
  // Whatever decides which cells are meant: show those that are there.
  useSignalEffect(() => {
    void [methods.value, seeds.value, config.value];
    if (!studies.busy.peek()) void studies.look();
  });
  const locked = busy.value;
  return (
    <>
      <fieldset class="study-setup" disabled={locked}>
        <legend class="hidden">What to compare</legend>
        <Questions />
        <AllMethods />
      </fieldset>
      <Steering />
      {result.value && result.value.cells.length > 0 && <Tables {...result.value} />}
    </>
  );
}

function Steering() {
  const session = useSession();
  const { studies } = session;
  const status = studies.status.value;
  const cell = studies.cell.value;
  const [first, last] = studies.seeds.value;
  const made = studies.result.value?.cells.length ?? 0;
  const runIsOn = session.status.value === 'running' || session.status.value === 'paused';
  return (
    <div class="study-steering">
      <SeedField
        label="Seeds from"
        value={first}
        set={(wanted) => {
          studies.seeds.value = [wanted, Math.max(wanted, last)];
        }}
      />
      <SeedField
        label="to"
        value={last}
        set={(wanted) => {
          studies.seeds.value = [Math.min(first, wanted), wanted];
        }}
      />
      {status === 'idle' ? (
        <button
          type="button"
          class="primary"
          data-action="study"
          disabled={runIsOn || made === studies.total.value}
          onClick={() => void studies.start()}
        >
          {made === 0 ? 'Compare' : made < studies.total.value ? 'Go on' : 'Compared'}
        </button>
      ) : (
        <>
          {status === 'paused' ? (
            <button type="button" class="primary" onClick={() => void studies.resume()}>
              Resume
            </button>
          ) : (
            <button
              type="button"
              class="primary"
              disabled={status === 'stopping'}
              onClick={() => void studies.pause()}
            >
              Pause
            </button>
          )}
          <button
            type="button"
            data-action="stop-study"
            disabled={status === 'stopping'}
            onClick={() => void studies.stop()}
          >
            {status === 'stopping' ? 'Stopping' : 'Stop'}
          </button>
        </>
      )}
      <p class="study-status" role="status">
        {cell !== null
          ? `${studies.done.value} of ${studies.total.value} done. ${cell.method}, seed ${cell.seed}: ${inSentence(cell.stage, session.config.value)}, ${Math.round(100 * cell.fraction)} %`
          : status !== 'idle'
            ? 'Looking for what is there already…'
            : `${made} of ${studies.total.value} runs are kept on this device.`}
      </p>
      <StudyTime />
      {studies.leftOut.value !== null && <p class="study-left-out">{inFieldWords(studies.leftOut.value)}</p>}
      {made > 0 && (
        <div class="downloads">
          <button
            type="button"
            onClick={async () => {
              for (const { name, bytes } of (await studies.files()) ?? []) download(name, bytes);
            }}
          >
            Save study.json and study.csv
          </button>
          <DeleteButton
            class="plain"
            disabled={session.busy.value}
            label="Delete all studies"
            question="Delete the runs of all studies?"
            remove={() => void studies.forget()}
          />
        </div>
      )}
      {studies.problem.value !== null && (
        <p class="study-problem" role="alert">
          {inFieldWords(studies.problem.value)}
        </p>
      )}
    </div>
  );
}

function SeedField({ label, value, set }: { label: string; value: number; set: (seed: number) => void }) {
  const { busy } = useSession();
  return (
    <label class="field seed">
      <span>{label}</span>
      <input
        type="number"
        min="1"
        max="999"
        value={value}
        disabled={busy.value}
        onChange={({ currentTarget }) => {
          const wanted = currentTarget.valueAsNumber;
          if (Number.isInteger(wanted) && wanted >= 1 && wanted <= 999) set(wanted);
          else currentTarget.value = String(value);
        }}
      />
    </label>
  );
}

function Tables({ cells, tables: { means, comparisons, slices, front, held } }: StudyResult) {
  const asked = [...new Set(comparisons.map(({ method, control }) => `${method} ${control}`))].map((pair) =>
    comparisons.filter(({ method, control }) => `${method} ${control}` === pair),
  );
  return (
    <>
      <section class="table-scroll" tabindex={0} aria-label="Means by method">
        <table class="dense">
          <thead>
            <tr>
              <th scope="col">Method</th>
              <th scope="col">Seeds</th>
              {OUTCOMES.map((metric) => (
                <th key={metric} scope="col" title={metric}>
                  {LABELS[metric]}
                </th>
              ))}
              {GAUGES.map(({ label, hint }) => (
                <th key={label} scope="col" title={hint}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {means.map(({ method, metrics, gauges }) => (
              <tr key={method}>
                <th scope="row">
                  {method}
                  <small class="under faint">{wordsOf(method)}</small>
                </th>
                <td>
                  {cells
                    .filter((cell) => cell.method === method)
                    .map(({ seed, link }) =>
                      link === '' ? (
                        <span key={seed} class="seed-link" title="Made from other runs: no link repeats it">
                          {seed}
                        </span>
                      ) : (
                        <a
                          key={seed}
                          class="seed-link"
                          href={link}
                          title={`The run of ${method}, seed ${seed}: opens its link`}
                        >
                          {seed}
                        </a>
                      ),
                    )}
                </td>
                {OUTCOMES.map((metric) => (
                  <td key={metric}>
                    {rate(metrics[metric].mean)}{' '}
                    <span class="faint">± {rate(halfWidth(metrics[metric]))}</span>
                  </td>
                ))}
                {GAUGES.map(({ label, of }) => (
                  <td key={label}>{of(gauges)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {asked.length > 0 && (
        <section class="table-scroll" tabindex={0} aria-label="Paired differences">
          <table class="compared">
            <thead>
              <tr>
                <th scope="col">Paired by user and seed</th>
                {OUTCOMES.map((metric) => (
                  <th key={metric} scope="col" title={metric}>
                    {LABELS[metric]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {asked.map((columns) => (
                <tr key={`${columns[0].method} ${columns[0].control}`}>
                  <th scope="row">
                    {columns[0].question}
                    <small>
                      {columns[0].method} − {columns[0].control}
                      {columns[0].table !== null && `, the paper’s table ${columns[0].table}`}
                    </small>
                  </th>
                  {columns.map(({ metric, difference, relative, paper, shape }) => (
                    <td key={metric}>
                      <Difference of={difference} />
                      {paper !== null && (
                        <small
                          title={`Relative change: ours ${percent(relative)}, the paper’s ${percent(paper)}`}
                        >
                          paper {percent(paper)}, {VERDICTS[shape]}
                        </small>
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {slices !== null && <SliceTable {...slices} />}
      <TradeOffs front={front} />
      {held.map((method) => (
        <p
          key={method.method}
          class={method.outcome.verdict === 'missed' ? 'problem' : 'study-covered'}
          data-held={method.outcome.verdict}
        >
          {heldMethodSentences(method).join(' ')}
        </p>
      ))}
      {front.missing !== null && <p class="study-left-out">{front.missing}</p>}
      <p class="plot-note">
        Held-out test users, one greedy answer each. ± and colours are 95 % bootstrap intervals, seeds drawn
        first and users within them; with few seeds they are rough. Beside the paper’s relative changes: ours
        agrees or differs in sign, or is open where its interval holds 0. {FRONT_NOTE}
      </p>
    </>
  );
}
