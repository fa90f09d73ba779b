/** Log lines of the agent: one JSON object each on standard error, where journald or a terminal takes them. Nothing secret goes in. */
import { isoTime, stripControl } from '@countersign/protocol';

export interface Log {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A log that writes lines with `write`; `part` says which process speaks. */
export function lineLog(part: string, now: () => number, write: (line: string) => void): Log {
  const line =
    (level: string) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
      write(`${JSON.stringify({ at: isoTime(now()), level, part, event, ...plain(fields) })}\n`);
  return { info: line('info'), warn: line('warn'), error: line('error') };
}

function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? stripControl(value.message) : typeof value === 'string' ? stripControl(value) : value,
    ]),
  );
}
