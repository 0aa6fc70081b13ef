import { useSignal } from '@preact/signals';
import { choose, type Language, language } from './words/language';

/** The mark, the name and the promise. Two colours mean two things on the whole page; the promise introduces them. */
export function Header() {
  return (
    <header class="top">
      <Mark />
      <div>
        <p class="name">taiji-lab</p>
        <h1>
          Train a small language model to recommend, in this tab, and watch it weigh{' '}
          <em class="semantic">what words mean</em> against <em class="id">what people choose</em>.
        </h1>
      </div>
      <Languages />
    </header>
  );
}

/** Each in its own name, so that whoever reads only that finds it. */
const LANGUAGES: readonly { name: Language; tag: string; label: string }[] = [
  { name: 'en', tag: 'en', label: 'English' },
  { name: 'zh', tag: 'zh-Hans', label: '中文' },
];

function Languages() {
  const failed = useSignal(false);
  const take = async (wanted: Language) => {
    failed.value = await choose(wanted).then(
      () => false,
      () => true,
    );
  };
  return (
    <fieldset class="languages" aria-label="Language">
      {LANGUAGES.map(({ name, tag, label }) => (
        <button
          key={name}
          type="button"
          class="plain"
          translate={false}
          lang={tag}
          aria-pressed={language.value === name}
          onClick={() => void take(name)}
        >
          {label}
        </button>
      ))}
      {failed.value && (
        <span role="alert">
          The words of this language could not be loaded: try again when the network is back.
        </span>
      )}
    </fieldset>
  );
}

/** The taiji: two halves, each holding a seed of the other. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 40 40" aria-hidden="true">
      <circle cx="20" cy="20" r="18" class="half-id" />
      <path d="M20 2a18 18 0 0 0 0 36 9 9 0 0 0 0-18 9 9 0 0 1 0-18z" class="half-semantic" />
      <circle cx="20" cy="11" r="2.6" class="half-semantic" />
      <circle cx="20" cy="29" r="2.6" class="half-id" />
    </svg>
  );
}
