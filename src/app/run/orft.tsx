import { countsInWords } from '../../sft/cot';
import type { FilterJudgement } from '../../sft/filterQuality';
import type { CotExample, Threshold } from '../../sft/orft';
import { useSession } from '../state/context';
import { count, percent, short } from '../words/format';
import { shownExamples } from './orftExamples';
import '../styles/samples.css';

const BINS = 48;

/** Rejection: the perplexity of the true answer given each chain of thought, and examples from both sides of the cut. */
export function OrftView() {
  const session = useSession();
  const cots = session.view.cots.value;
  if (cots === null) return null;
  const { quality } = cots;
  const { threshold } = session.shownConfig.value.orft;
  const counts = session.view.teacher.value;
  const told = counts === null ? null : countsInWords(counts, count);
  const { kept, rejected, note } = shownExamples(cots.examples, threshold);
  return (
    <section class="orft" aria-labelledby="orft-title">
      <div class="section-head">
        <h2 id="orft-title">Which reasoning was worth learning from</h2>
        <p>
          {count(cots.kept)} of {count(cots.scored)} chains of thought kept (
          {percent(cots.kept / Math.max(1, cots.scored))}):{' '}
          {threshold === 'none'
            ? 'this run rejects nothing.'
            : 'those under which the true answer is less surprising.'}
          {told !== null && ` Of the teacher's answers ${told}.`}
        </p>
      </div>
      <div class="orft-grid">
        <Examples title="Kept" examples={kept} />
        <div>
          <Histogram ppl={cots.ppl} rule={threshold} threshold={cots.threshold} />
          {threshold === 'margin' && (
            <p class="plot-note">
              No cut is drawn: each chain of thought is compared with the others of its own prompt, not with
              one perplexity for all.
            </p>
          )}
        </div>
        <Examples title="Rejected" examples={rejected} />
      </div>
      <details class="protocol">
        <summary>How to read this</summary>
        {rejected.length > 0 && kept.length > 0 && (
          <p class="plot-note">
            PPL: how surprising the true answer is after the argument. Nothing else counts, so a kept argument
            may read worse than a rejected one. {note}
          </p>
        )}
        {quality && (
          <p class="plot-note">
            Perplexity does not see whether an argument is sound, but this data knows. Cites what the purchase
            really followed from: <Filtered by={quality.evidence} />. Concludes the right need:{' '}
            <Filtered by={quality.conclusion} />.
          </p>
        )}
      </details>
    </section>
  );
}

function Filtered({ by: { right, precision, recall } }: { by: FilterJudgement }) {
  return (
    <span>
      {percent(right)} of all, {percent(precision)} of the kept (precision), and {percent(recall)} of those
      that do are kept (recall)
    </span>
  );
}

function Examples({ title, examples }: { title: string; examples: CotExample[] }) {
  return (
    <div class={`cots ${title.toLowerCase()}`}>
      <h3>{title}</h3>
      <ul>
        {examples.map((example) => (
          <li key={`${example.sampleId} ${example.cot}`}>
            <span class="ppl">PPL {short(example.ppl)}</span> <span translate={false}>{example.cot}</span>
          </li>
        ))}
        {examples.length === 0 && <li class="faint">None</li>}
      </ul>
    </div>
  );
}

/** Log-spaced counts; the part below the threshold is what was kept when the threshold is a perplexity. */
function Histogram({ ppl, rule, threshold }: { ppl: number[]; rule: Threshold; threshold: number }) {
  const logs = ppl.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log);
  if (logs.length < 2) return null;
  const sorted = [...logs].sort((a, b) => a - b);
  const low = sorted[0];
  const high = sorted[Math.floor(sorted.length * 0.99)] + 1e-6;
  const bins = new Array<number>(BINS).fill(0);
  for (const value of logs) {
    bins[Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS))]++;
  }
  const tallest = Math.max(...bins);
  const isPerplexity = rule === 'median' || typeof rule === 'number';
  const cut =
    isPerplexity && threshold > 0 ? ((Math.log(threshold) - low) / (high - low)) * BINS : Number.NaN;
  const drawsCut = cut >= 0 && cut <= BINS;
  return (
    <figure class="histogram">
      <svg
        viewBox={`0 0 ${BINS} 30`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Perplexities from ${short(Math.exp(low))} to ${short(Math.exp(high))}${drawsCut ? `, cut at ${short(threshold)}` : ''}`}
      >
        {bins.map((value, bin) => (
          <rect
            key={bin}
            x={bin + 0.1}
            width="0.8"
            y={30 - (28 * value) / tallest}
            height={(28 * value) / tallest}
            class={rule === 'margin' ? 'mixed' : drawsCut && bin + 0.5 > cut ? 'above' : 'below'}
          />
        ))}
        {drawsCut && <line x1={cut} x2={cut} y1="0" y2="30" class="cut" vector-effect="non-scaling-stroke" />}
      </svg>
      <figcaption>
        <span>{short(Math.exp(low))}</span>
        <span>perplexity of the answer{drawsCut ? `, cut at ${short(threshold)}` : ''}</span>
        <span>{short(Math.exp(high))}</span>
      </figcaption>
    </figure>
  );
}
