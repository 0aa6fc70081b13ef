import { useEffect } from 'preact/hooks';
import { endpointHost, endpointProblem, pageProblem } from '../../sft/endpoint';
import { chatUrl, isInternational } from '../../sft/endpointAddress';
import { useSession } from '../state/context';
import { count } from '../words/format';

/** What leaves this device and where to, before it does; or which reasoning is missing. Null for the embedded teacher. */
export function TeacherNotice() {
  const session = useSession();
  const { teacher, url, model, prompts, num_cots, cots_sha256: wanted } = session.config.value.rupr;
  const { sets } = session.cots;
  const asks = teacher !== 'attributes' && wanted !== '';
  useEffect(() => {
    if (asks) void session.cots.listCots();
  }, [session, asks]);
  if (teacher === 'attributes' || session.busy.value) return null;
  const host = url !== '' && endpointProblem(url) === null ? endpointHost(url) : null;
  if (wanted !== '') {
    if (sets.value === null) return null;
    const isHere = sets.value.some(({ sha256 }) => sha256 === wanted);
    if (isHere && teacher === 'file') return null;
    return (
      <div class={`notice ${isHere ? 'info' : 'warning'}`}>
        <span>
          {isHere
            ? `The reasoning that ${model} wrote for this run is on this device: nobody is asked again.`
            : `This run was made with reasoning that is not on this device (SHA-256 ${wanted.slice(0, 12)}…): add the ` +
              `file its maker saved, cots.jsonl, under More${host === null ? '' : `, or have ${model} at ${host} asked anew`}.`}
        </span>
      </div>
    );
  }
  if (host === null) return null;
  const address = chatUrl(url);
  return (
    <div class="notice info" data-notice="endpoint">
      <span>
        The teacher is <b>{host}</b>, asked at <code>{address}</code>.{' '}
        {sentWords(session.asked.value.get(address))} When you press Train, the profiles and purchases of up
        to {count(prompts)} shoppers of the chosen data go there, in up to {count(prompts * num_cots)}{' '}
        requests to {model === '' ? 'the model you name' : model}.
        {isInternational(url) &&
          ' Its name has foreign letters, written here as xn--: check that it is the one you mean.'}
        {pageProblem(url) !== null && ` But the address ${pageProblem(url)}.`}
      </span>
    </div>
  );
}

/** What has gone to an address already. Whether a request that failed arrived, no page is told. */
function sentWords(asked: { sent: number; answered: number } | undefined): string {
  if (asked === undefined) return 'Nothing has been sent since this page was opened.';
  const { sent, answered } = asked;
  const failed = sent - answered;
  return (
    `Since this page was opened ${count(sent)} ${sent === 1 ? 'request was' : 'requests were'} sent, ${count(answered)} answered` +
    `${failed > 0 ? `; ${count(failed)} failed, and may have arrived all the same` : ''}.`
  );
}
