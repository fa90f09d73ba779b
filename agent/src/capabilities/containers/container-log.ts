/** What a container printed, as Docker kept it. Source: docker-logs(1). */
import type { ObserveContext } from '../capability.ts';
import { withoutKeyLines } from '../files/key-lines.ts';
import { runDocker } from './ask-docker.ts';

export interface LogRequest {
  /** Name or id. */
  readonly container: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
  /** The newest so many. */
  readonly lines: number;
}

const LINE_BYTES = 2048;

/** Lines with their times, oldest first, not redacted but for private keys; or why there are none to be had. */
export async function readContainerLog(
  context: ObserveContext,
  { container, since, lines }: LogRequest,
): Promise<{ readonly lines: readonly string[]; readonly cut: boolean; readonly blind: string | null }> {
  const from = since === undefined ? [] : [`--since=${Math.floor(since / 1000)}`];
  const args = ['logs', '--timestamps', `--tail=${lines}`, ...from, '--', container];
  const done = await runDocker(context, args, { maxBytes: lines * LINE_BYTES + 65_536 });
  if (done.notStarted !== null) return { lines: [], cut: false, blind: 'Docker is not installed' };
  if (/no such container/i.test(done.stderr))
    return { lines: [], cut: false, blind: `there is no container ${container}` };
  if (done.exitCode !== 0)
    return { lines: [], cut: false, blind: 'Docker does not give them (its log driver may not keep any)' };
  return { lines: mergeStreams(done.stdout, done.stderr), cut: done.truncated, blind: null };
}

/** Both streams in the order of their times, which every line begins with. */
export function mergeStreams(stdout: string, stderr: string): string[] {
  return [stdout, stderr]
    .flatMap(timedLines)
    .sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1))
    .map(({ at, text }) => `${at.slice(0, 19)}Z ${text}`);
}

/** `2026-11-21T13:58:36.039946067Z text`; a line without a time is the rest of the one before. */
function timedLines(stream: string): { readonly at: string; readonly text: string }[] {
  let at = '';
  const parted = stream
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, time, text] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) (.*)$/s.exec(line) ?? [null, at, line];
      at = time ?? at;
      return { at, text: text ?? '' };
    });
  const clean = withoutKeyLines(parted.map(({ text }) => text));
  return parted.map((line, index) => ({ at: line.at, text: clean[index] ?? '' }));
}
