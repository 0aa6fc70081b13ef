import { render } from 'preact';
import { App } from './app/App';
import { exposeConsole } from './app/console';
import { createSession } from './app/state/session';
import { pageWorkers } from './app/state/workers';
import { inPreferredLanguage } from './app/words/nodes';
import './app/styles/tokens.css';
import './app/styles/page.css';
import './app/styles/run.css';

/** The next frame, or soon where a hidden tab draws none. */
function frame(callback: () => void): void {
  if (document.hidden) setTimeout(callback, 250);
  else requestAnimationFrame(callback);
}

function open(): void {
  const session = createSession(pageWorkers(), frame);
  exposeConsole(session);
  render(<App session={session} />, document.querySelector('#app')!);

  if (location.hash.length > 1) session.openLink(location.hash);
  addEventListener('hashchange', () => session.openLink(location.hash));
  // Whichever comes first when a tab goes; a hidden one may be frozen or ended without another word.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) session.keep();
  });
  document.addEventListener('freeze', () => session.keep());
  addEventListener('pagehide', () => session.keep());
  // The page stands before the first worker is asked for.
  setTimeout(() => void session.wake(), 300);
}

// In a frame nothing of the app is started, so nothing can be pressed.
if (top === self) void inPreferredLanguage(open);
else void import('./app/framed').then(({ refuseFrame }) => refuseFrame());
