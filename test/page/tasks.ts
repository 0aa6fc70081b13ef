/** What the page's own thread works at a time, from a trace of Chromium. */
import type { Browser } from 'playwright-core';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds that the thread itself worked: what else the machine does meanwhile stays out. */
  tdur?: number;
  args: { name?: string };
}

/** Milliseconds of each task of the page's main thread since `browser.startTracing(page, { categories: TASKS })`. */
export async function tracedTasks(browser: Browser): Promise<number[]> {
  return pageTasks(JSON.parse(String(await browser.stopTracing())).traceEvents);
}

export const TASKS = ['toplevel', '__metadata'];

/** Of the threads of that kind it is the busiest. */
function pageTasks(events: TraceEvent[]): number[] {
  const thread = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`;
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  return mains
    .map((main) =>
      events
        .filter(
          (event) => event.ph === 'X' && event.name.endsWith('RunTask') && thread(event) === thread(main),
        )
        .map(({ tdur }) => (tdur ?? 0) / 1000),
    )
    .reduce((busiest, tasks) => (tasks.length > busiest.length ? tasks : busiest), []);
}
