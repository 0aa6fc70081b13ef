import { useSignal } from '@preact/signals';
import type { Sample } from '../../run/report';
import { rewardLook } from '../charts/palette';
import { useSession } from '../state/context';
import { heldOutWords, sampleWords } from '../words/runWords';
import { changedWords, sampleOrder } from './sampleOrder';
import '../styles/samples.css';

/** The same held-out moment before and after: what it thinks and what it answers. */
export function Samples() {
  const session = useSession();
  const chosen = useSignal<string | null>(null);
  const config = session.shownConfig.value;
  const samples = session.view.samples.value;
  const order = sampleOrder(samples);
  if (order.length === 0) return null;
  const ids = order.map(({ id }) => id);
  // Whoever is looked at stays, also where the order changes meanwhile.
  const index = Math.max(0, ids.indexOf(chosen.value ?? ids[0]));
  const mine = samples.filter(({ sampleId }) => sampleId === ids[index]);
  const newest = mine[mine.length - 1];
  const move = (by: number) => {
    chosen.value = ids[(index + by + ids.length) % ids.length];
  };
  return (
    <section class="samples" aria-labelledby="samples-title">
      <div class="section-head">
        <h2 id="samples-title">In its own words</h2>
        <p>
          {heldOutWords(config).one}, asked again after each stage. {changedWords(order)}
        </p>
        {ids.length > 1 && (
          <div class="pager">
            <button type="button" class="plain" aria-label="Previous shopper" onClick={() => move(-1)}>
              ‹
            </button>
            <span>
              {index + 1} of {ids.length}
            </span>
            <button type="button" class="plain" aria-label="Next shopper" onClick={() => move(1)}>
              ›
            </button>
          </div>
        )}
      </div>
      <div class="sample-grid">
        <article class="sample prompt">
          <h3>It reads</h3>
          <Prompt text={newest.prompt} />
          <p class="truth">
            Bought next: <b translate={false}>{newest.target}</b>
          </p>
        </article>
        {sampleWords(config).map(({ stage, title, waits }) => {
          const sample = mine.find((candidate) => candidate.stage === stage);
          return (
            <article key={stage} class="sample" data-waiting={sample === undefined}>
              <h3>
                {title}
                {sample !== undefined && sample.stage === 'popo' && <small> step {sample.step}</small>}
              </h3>
              {sample === undefined ? <p class="faint">{waits}</p> : <Completion sample={sample} />}
            </article>
          );
        })}
      </div>
    </section>
  );
}

function Prompt({ text }: { text: string }) {
  const { profile, behaviours } = promptParts(text);
  return (
    <div class="prompt-text" translate={false}>
      {profile !== '' && <p>{profile}</p>}
      <ol>
        {behaviours.map((behaviour, index) => (
          <li key={`${index} ${behaviour}`}>{behaviour}</li>
        ))}
      </ol>
    </div>
  );
}

function Completion({ sample }: { sample: Sample }) {
  const { rewards } = useSession().shownConfig.value.popo;
  const { think, title, path } = parts(sample.completion);
  const hit = sample.resolvedItem !== null && sample.resolvedItem === sample.target;
  return (
    <>
      {think !== null && (
        <p class="think" translate={false}>
          <span class="tag">think</span> {think}
        </p>
      )}
      <p class="answer" translate={false}>
        <span class="tag">answer</span> <b>{title}</b>
      </p>
      {path.length > 0 && (
        <p class="completion-path" translate={false}>
          {path.join(' › ')}
        </p>
      )}
      <p class={`resolved ${hit ? 'hit' : sample.resolvedItem === null ? 'miss' : ''}`}>
        {sample.resolvedItem === null ? (
          'Not an item of the catalogue: no reward'
        ) : hit ? (
          'Exactly what was bought'
        ) : sample.resolvedItem.toLowerCase() === title.toLowerCase() ? (
          'In the catalogue, but not what was bought'
        ) : (
          <>
            Read as <span translate={false}>{sample.resolvedItem}</span>
          </>
        )}
      </p>
      <dl class="meters">
        {rewards.slice(0, sample.rewards.length).map((name, k) => (
          <Meter
            key={name}
            label={rewardLook(name).label}
            kind={rewardLook(name).color}
            value={sample.rewards[k]}
          />
        ))}
      </dl>
    </>
  );
}

function Meter({ label, kind, value }: { label: string; kind: string; value: number }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <span class={`meter ${kind}`} style={{ '--value': Math.max(0, Math.min(1, value)) }} />
        <span class="number">{value.toFixed(2)}</span>
      </dd>
    </div>
  );
}

/** A completion in its parts, also when it was cut short or is malformed. `path` are its categories, widest first. */
export function parts(completion: string): { think: string | null; title: string; path: string[] } {
  const think = /<think>([\s\S]*?)(?:<\/think>|<answer>|$)/.exec(completion);
  const answer = /<answer>([\s\S]*?)(?:<\/answer>|$)/.exec(completion);
  const thought = think === null ? null : think[1].trim();
  const said = answer?.[1] ?? (think === null ? completion : '');
  const [title, ...path] = said.split('<sep>').map((part) => part.trim());
  return { think: thought, title: title || '(no answer)', path: path.filter((part) => part !== '') };
}

/** A prompt in its parts: who it is, then what they did, newest first. */
export function promptParts(prompt: string): { profile: string; behaviours: string[] } {
  const [profile, ...behaviours] = prompt.split('<sep>').map((part) => part.trim());
  return { profile, behaviours: behaviours.filter((part) => part !== '') };
}
