/** Moments and deadlines: relative for the eye, absolute on hover and for machines. */
import { useEffect, useState, useSyncExternalStore } from 'react';

const watchers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;

/** One ticker for the whole page, running only while something on it shows a time. */
function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of watchers) each();
  }, 1000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** This machine's clock, to the second. */
export function useNow(): number {
  useState(() => {
    now = Date.now();
  });
  return useSyncExternalStore(watch, () => now);
}

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});

/** `3 min ago`, `in 2 h`, `now`. */
export function ago(ms: number, from: number): string {
  const seconds = Math.round((ms - from) / 1000);
  const size = Math.abs(seconds);
  if (size < 5) return 'now';
  const words =
    size < 60
      ? `${size} s`
      : size < 3600
        ? `${Math.floor(size / 60)} min`
        : size < 86_400
          ? `${Math.floor(size / 3600)} h`
          : `${Math.floor(size / 86_400)} d`;
  return seconds < 0 ? `${words} ago` : `in ${words}`;
}

/** `4:07`, `1:12:40`; zero when over. */
export function remaining(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return h > 0
    ? `${h}:${String(m).padStart(2, '0')}:${String(s).padStart(2, '0')}`
    : `${m}:${String(s).padStart(2, '0')}`;
}

/** A length of time in words: `820 ms`, `4.2 s`, `3 min 10 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${Number((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (whole: number, word: string, rest: number, small: string) =>
    rest === 0 ? `${whole} ${word}` : `${whole} ${word} ${rest} ${small}`;
  if (seconds < 3600) return two(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  if (seconds < 86_400) return two(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
  return two(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3600), 'h');
}

interface WhenProps {
  at: string;
  /** What to compare with; this machine's clock when left out. */
  className?: string | undefined;
}

export function When({ at, className }: WhenProps) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={absolute.format(ms)} className={className ?? 'whitespace-nowrap'}>
      {ago(ms, useNow())}
    </time>
  );
}

/** Time of the day, to the second. For entries of one short story. */
export function AtClock({ at }: { at: string }) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={absolute.format(ms)} className="whitespace-nowrap">
      {clockTime.format(ms)}
    </time>
  );
}

/** Date and time in full. */
export function Exactly({ at }: { at: string }) {
  return (
    <time dateTime={at} className="whitespace-nowrap">
      {absolute.format(Date.parse(at))}
    </time>
  );
}

/** After a pause that a person notices, true. */
export function useLater(ms: number, key: unknown): boolean {
  const [over, setOver] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new key starts the pause anew
  useEffect(() => {
    setOver(false);
    const pause = setTimeout(() => setOver(true), ms);
    return () => clearTimeout(pause);
  }, [ms, key]);
  return over;
}
