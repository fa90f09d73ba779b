/** Units that can be started and stopped. Source: systemctl(1), `list-units` and `list-unit-files`. */
import { fault } from '@countersign/protocol';
import { systemdRuns } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';
import type { Found } from './discover.ts';

const ASK_MS = 10_000;
const TYPES = '--type=service,socket,timer,mount,path';

export interface FoundUnits {
  /** Of all that can be started, templates left out. */
  readonly names: readonly string[];
  /** Services that run, failed, or are to run after a boot; none of systemd's own. */
  readonly notable: readonly Found[];
}

/** Rejects with `capability_failed` where systemd does not run the machine or does not answer. */
export async function findUnits(context: ObserveContext): Promise<FoundUnits> {
  if (!systemdRuns()) throw failed('systemd does not run this server');
  const [loaded, files] = await Promise.all([
    list(context, ['list-units', '--all', TYPES]),
    list(context, ['list-unit-files', TYPES]),
  ]);
  return unitsFrom(loaded, files);
}

/** Pure: from the lines of both lists. */
export function unitsFrom(loaded: string, files: string): FoundUnits {
  const enabled = new Map(rows(files).map(([name = '', state = '']) => [name, state]));
  const active = new Map(
    rows(loaded)
      .filter(([, load]) => load !== 'not-found')
      .map(([name = '', , state = '', sub = '', ...words]) => [name, { state, sub, words: words.join(' ') }]),
  );
  const names = [...new Set([...enabled.keys(), ...active.keys()])].filter((name) => !/@\./.test(name)).sort();
  const notable = names
    .filter((name) => name.endsWith('.service') && !/^(systemd-|dbus|user@|user-runtime-dir@|getty@)/.test(name))
    .flatMap((name) => {
      const now = active.get(name);
      const state = now?.state ?? 'inactive';
      const atBoot = enabled.get(name) === 'enabled';
      if (state !== 'failed' && now?.sub !== 'running' && !atBoot) return [];
      return [{ name, state, detail: `${now?.words ?? ''}${atBoot ? '; starts at boot' : ''}`.replace(/^; /, '') }];
    });
  return { names, notable };
}

async function list({ exec, signal }: ObserveContext, words: readonly string[]): Promise<string> {
  const argv = ['systemctl', ...words, '--plain', '--full', '--no-legend', '--no-pager'];
  const done = await exec({ argv, timeoutMs: ASK_MS, maxBytes: 2 * 1024 * 1024, signal });
  if (done.exitCode !== 0) throw failed('systemd does not answer');
  return done.stdout;
}

function rows(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.replace(/^[●*\s]+/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));
}

const failed = (reason: string) => fault('capability_failed', { capability: 'discover.services', reason });
