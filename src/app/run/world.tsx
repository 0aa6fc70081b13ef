/** What the world `compatibility` is, by one of its test shoppers. Fetched where a run is of that world. */
import { useSignal } from '@preact/signals';
import { type Story, storyOf } from '../../data/compatibility/story';
import { useSession } from '../state/context';
import '../styles/world.css';

const SLICES: Record<Story['slice'], string> = {
  seen: 'Training shoppers bring such devices together with such needs.',
  composed: 'Training shoppers have had this device, and this need, never both together.',
  cold: 'No training shopper bought anything for this device. Histories show it in passing, and the catalogue tells its platform.',
};

export function World() {
  const session = useSession();
  const { seed, data, text } = session.shownConfig.value;
  const chosen = useSignal(0);
  const index = Math.min(chosen.value, data.num_heldout_users - 1);
  const story = storyOf({ seed, devices: data.devices }, text.history_length, index);
  const step = (by: number) => {
    chosen.value = (index + by + data.num_heldout_users) % data.num_heldout_users;
  };
  const isFresh = session.view.table.value.length === 0;
  return (
    <section class="world" aria-labelledby="world-title">
      <div class="section-head">
        <h2 id="world-title">The world: devices and occasions</h2>
      </div>
      <details open={isFresh}>
        <summary>What holds there, and one of its test shoppers</summary>
        <p>
          A shopper meets a device and an occasion, and buys the gear that goes with both. The catalogue alone
          says which platform a device takes, purchases alone say what an occasion calls for, and the gear’s
          name gives neither away. Some buy a treat instead, and to some it sells better than what they need:
          there the two rewards disagree.
        </p>
        <article class="world-card" aria-label="One test shopper" aria-live="polite">
          <header>
            <h3>
              Test shopper {index + 1}, {story.life}, {story.persona}
            </h3>
            <span class="pager">
              <button type="button" class="plain" aria-label="Previous shopper" onClick={() => step(-1)}>
                ‹
              </button>
              <button type="button" class="plain" aria-label="Next shopper" onClick={() => step(1)}>
                ›
              </button>
            </span>
          </header>
          <div class="world-columns">
            <section>
              <h4>The model reads</h4>
              <p class="faint">Who it is, and the last behaviours, newest first.</p>
              <ol class="quote" translate={false}>
                {story.behaviours.map(({ title, categories, role }, at) => (
                  <li key={`${at} ${title}`}>
                    {role === 'other' ? title : <b>{title}</b>} <small>{categories[0]}</small>
                  </li>
                ))}
              </ol>
            </section>
            <section>
              <h4>It may know from the catalogue</h4>
              <p class="faint">Sentences among many that it is trained on; no prompt shows them.</p>
              <ul class="quote" translate={false}>
                {story.facts.map((fact) => (
                  <li key={fact}>{fact}</li>
                ))}
              </ul>
            </section>
            <section>
              <h4>Nobody tells it</h4>
              <dl>
                <dt>Calls for</dt>
                <dd>
                  {story.occasion} → {story.kind}, if {story.life}
                </dd>
                <dt>Likes best</dt>
                <dd>the brand {story.brand}</dd>
                <dt>Would buy</dt>
                <dd>
                  the gear: <b>{rate(story.chances.gear)}</b>; {story.treat}:{' '}
                  <b>{rate(story.chances.treat)}</b>
                </dd>
              </dl>
              <p class="faint">
                The first shows in what training shoppers bought. The chances of a click and purchase, at the
                best brand, only evaluation reads.
              </p>
            </section>
          </div>
          <p class="world-end">
            {capital(story.device)} takes {story.platform}, the occasion wants a {story.kind}: the{' '}
            <span translate={false}>
              {story.platform} {story.kind}
            </span>{' '}
            is called <b translate={false}>{story.gear}</b>.{' '}
            {story.isImpulse ? 'On impulse, this shopper bought ' : 'This shopper bought '}
            <b translate={false}>{story.bought}</b>. <span class="faint">{SLICES[story.slice]}</span>{' '}
            <i>{story.slice}</i>
          </p>
        </article>
      </details>
    </section>
  );
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
const rate = (chance: number) => chance.toFixed(2).replace(/^0/, '');
