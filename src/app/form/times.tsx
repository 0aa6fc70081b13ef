import { useSession } from '../state/context';
import { stageWords } from '../words/runWords';
import { BASIS, rangeWords } from '../words/timeWords';
import '../styles/times.css';

/** How long the next run will take here, in all and by stage. */
export function TimesWords() {
  const session = useSession();
  const times = session.times.times.value;
  if (session.busy.value || session.tooLarge.value !== null) return null;
  if (times === null)
    return session.times.isMeasuring.value ? (
      <p class="device faint">Measuring how fast this device is…</p>
    ) : null;
  const config = session.config.value;
  return (
    <details class="times">
      <summary data-likely={Math.round(times.stages.reduce((sum, { likely }) => sum + likely, 0))}>
        About {rangeWords(times)} on this device
      </summary>
      <table>
        <caption>{BASIS[times.basis]}</caption>
        <tbody>
          {times.stages.map((stage) => (
            <tr key={stage.name}>
              <th scope="row">{stageWords(stage.name, config).label}</th>
              <td>{rangeWords(stage)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
