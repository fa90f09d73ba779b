/** The settings that sshd goes by, as it tells them itself. Source: sshd(8) `-T`, sshd_config(5). */
import { parseProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';

const ASK_MS = 5000;

/** Keywords in lower case, and their values; of keywords that may stand several times the last. */
export type SshdSettings = Readonly<Record<string, string>>;

/** The settings of its files, or of another file; `null` when sshd is not there or refuses them. */
export async function readSshdSettings(context: ObserveContext, file?: string): Promise<SshdSettings | null> {
  const argv = ['sshd', '-T', ...(file === undefined ? [] : ['-f', file])];
  const done = await context.exec({ argv, timeoutMs: ASK_MS, signal: context.signal });
  return done.exitCode === 0 ? parseProperties(done.stdout.replace(/^(\S+) /gm, '$1=')) : null;
}

/** Why sshd refuses its files, or another file; `null` when it does not. */
export async function whySshdRefuses(context: ObserveContext, file?: string): Promise<string | null> {
  const argv = ['sshd', '-t', ...(file === undefined ? [] : ['-f', file])];
  const done = await context.exec({ argv, timeoutMs: ASK_MS, signal: context.signal });
  if (done.exitCode === 0) return null;
  if (done.notStarted !== null) return 'sshd is not installed on the server';
  return (done.stderr.trim().split('\n')[0] ?? '').slice(0, 300) || 'sshd does not accept its configuration';
}
