/** What else can be had of a chart: its numbers as a table and as CSV, and its picture. */
import type { Signal } from '@preact/signals';
import type { FunctionComponent, TargetedFocusEvent, TargetedKeyboardEvent } from 'preact';
import type { ChartProps } from './options';

interface ChartMenuProps {
  chart: ChartProps;
  /** The canvas that the chart was drawn on. */
  drawn(): HTMLCanvasElement | null;
  /** The view of the numbers, while they are shown. */
  numbers: Signal<FunctionComponent<ChartProps> | null>;
}

export function ChartMenu({ chart, drawn, numbers }: ChartMenuProps) {
  const files = () => import('./files');
  const toggle = async () => {
    numbers.value = numbers.value === null ? (await files()).ChartNumbers : null;
  };
  const choices = [
    {
      label: numbers.value === null ? 'Numbers' : 'Hide numbers',
      name: `Numbers of ${chart.title}`,
      choose: toggle,
      pressed: numbers.value !== null,
    },
    {
      label: 'Save as CSV',
      name: `${chart.title} as CSV`,
      choose: async () => (await files()).saveCsv(chart),
    },
    {
      label: 'Save as PNG',
      name: `${chart.title} as PNG`,
      choose: async () => (await files()).savePng(chart, drawn()),
    },
  ];
  return (
    <details class="chart-menu" onBlur={closeOutside} onKeyDown={closeOnEscape}>
      <summary aria-label={`More of ${chart.title}`}>⋯</summary>
      <span class="chart-choices">
        {choices.map(({ label, name, choose, pressed }) => (
          <button
            key={label}
            type="button"
            class="plain"
            aria-label={name}
            aria-pressed={pressed}
            onClick={(event) => {
              event.currentTarget.closest('details')!.open = false;
              void choose();
            }}
          >
            {label}
          </button>
        ))}
      </span>
    </details>
  );
}

function closeOutside(event: TargetedFocusEvent<HTMLDetailsElement>): void {
  const { currentTarget, relatedTarget } = event;
  if (!currentTarget.contains(relatedTarget as Node | null)) currentTarget.open = false;
}

function closeOnEscape(event: TargetedKeyboardEvent<HTMLDetailsElement>): void {
  if (event.key !== 'Escape' || !event.currentTarget.open) return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector('summary')!.focus();
}
