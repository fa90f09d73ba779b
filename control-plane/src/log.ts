/** The log: one line per event. Values are cut and freed of control characters; secrets never get here. */
import { type Clock, isoTime, shorten, stripControl } from '@countersign/protocol';
import type { Log } from './ports.ts';

const levels = ['info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

export interface LogOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly write: (line: string, level: Level) => void;
  /** What is less important is left out. */
  readonly least?: Level;
  /** `json` for machines, `words` for somebody who watches the terminal. */
  readonly form?: 'json' | 'words';
}

export function makeLog({ clock, write, least = 'info', form = 'json' }: LogOptions): Log {
  const line =
    (level: Level) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (levels.indexOf(level) < levels.indexOf(least)) return;
      const safe = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
      if (form === 'json') write(`${JSON.stringify({ at: isoTime(clock.now()), level, event, ...safe })}\n`, level);
      else {
        const rest = Object.entries(safe).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
        write(
          `${isoTime(clock.now()).slice(11, 19)} ${level === 'info' ? '' : `${level}: `}${[event, ...rest].join(' ')}\n`,
          level,
        );
      }
    };
  return { info: line('info'), warn: line('warn'), error: line('error') };
}

/**
 * Lines that go out together: one write to a pipe costs as much as a small query. What is `info` waits for the end of the turn
 * of the event loop, and goes out before anything that is more, or when the process exits; only SIGKILL can take it.
 */
export function gatherLines(write: (text: string) => void): LogOptions['write'] {
  let waiting = '';
  const flush = () => {
    if (waiting === '') return;
    const text = waiting;
    waiting = '';
    write(text);
  };
  process.on('exit', flush);
  return (line, level) => {
    if (waiting === '' && level === 'info') setImmediate(flush);
    waiting += line;
    if (level !== 'info') flush();
  };
}

function plain(value: unknown): unknown {
  if (typeof value === 'string') return shorten(stripControl(value), 4000);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value;
  if (value instanceof Error) return shorten(stripControl(value.stack ?? value.message), 4000);
  return shorten(stripControl(JSON.stringify(value) ?? ''), 4000);
}
