/** What the page says to a person: each thing once, the newest few, and of what is about one thing the newest alone. */
import { signal } from '@preact/signals';
import type { NoticeLevel } from '../../run/report';

export interface Notice {
  id: number;
  level: NoticeLevel;
  message: string;
  about: 'keeping' | null;
}

/** Shown beside a new one. */
const OTHERS = 3;

export function createNotices() {
  const notices = signal<Notice[]>([]);
  let id = 0;

  function say(level: NoticeLevel, message: string, about: Notice['about'] = null): void {
    if (notices.value.some((notice) => notice.message === message)) return;
    const others = notices.value.filter((notice) => about === null || notice.about !== about);
    notices.value = [...others.slice(-OTHERS), { id: ++id, level, message, about }];
  }

  function dismiss(dismissed: number): void {
    notices.value = notices.value.filter((notice) => notice.id !== dismissed);
  }

  return { notices, say, dismiss };
}
