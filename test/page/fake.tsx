/** The page on a trainer that plays a plausible run, for looking at it without training anything. */
import { render } from 'preact';
import { App } from '../../src/app/App';
import { exposeConsole } from '../../src/app/console';
import { createSession } from '../../src/app/state/session';
import { inPreferredLanguage } from '../../src/app/words/nodes';
import { fakeServices } from './fakeTrainer';
import '../../src/app/styles/tokens.css';
import '../../src/app/styles/page.css';
import '../../src/app/styles/run.css';

const asked = new URLSearchParams(location.search);
const session = createSession(
  fakeServices({
    speed: Number(asked.get('speed') ?? 1),
    backend: asked.get('backend') === 'cpu' ? 'cpu' : 'webgpu',
    failAt: asked.get('fail'),
    saved: asked.has('saved'),
    more: Number(asked.get('more') ?? 0),
    divergeAt: asked.get('diverge'),
    restAt: asked.get('rest'),
    refuse: asked.get('refuse')?.split(','),
    look: Number(asked.get('look') ?? 0),
    deaf: asked.has('deaf'),
    pointless: asked.has('pointless'),
  }),
  (callback) => requestAnimationFrame(callback),
);
exposeConsole(session);
void inPreferredLanguage(() => {
  render(<App session={session} />, document.querySelector('#app')!);
  if (location.hash.length > 1) session.openLink(location.hash);
  setTimeout(() => void session.wake(), 50);
});
