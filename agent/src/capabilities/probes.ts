/** Small readings for preconditions, checks and state witnesses. */
import type { Stats } from 'node:fs';
import { Fault, fault, type ResultOf } from '@countersign/protocol';
import { openAllowed, sha256OfFile } from '../host/files.ts';
import { readJournalFiles } from '../host/journal-files.ts';
import { statOrNull } from '../host/look.ts';
import { mountOf, roomOf } from '../host/mounts.ts';
import type { LocalRules, Observers } from './capability.ts';
import { probeHttp, probeTcp } from './local-probe.ts';
import { testNginx } from './nginx-test.ts';
import { readUnitState } from './unit-state.ts';

/** Files above this are not read for their SHA-256. */
const HASH_BYTES = 256 * 1024 * 1024;

export const probeObservers = {
  'unit.state': async ({ unit }, context) => {
    const state = await readUnitState(context, unit);
    return {
      exists: state.exists,
      active_state: state.activeState,
      sub_state: state.subState,
      unit_file_state: state.unitFileState,
      result: state.result,
      main_pid: state.mainPid,
      restarts: state.restarts,
      can_reload: state.canReload,
      active_since: state.activeSince === null ? null : new Date(state.activeSince).toISOString(),
    };
  },
  'nginx.test': async (_, context) => {
    const test = await testNginx(context);
    if (!test.installed)
      throw fault('capability_failed', { capability: 'nginx.test', reason: 'nginx is not installed' });
    return { valid: test.valid, output: test.output.slice(0, 8000) };
  },
  'http.probe': async ({ url, host }, context) => probeHttp(context, url, host),
  'tcp.probe': async ({ port }, context) => probeTcp(context, port),
  'file.state': async ({ path }, context) => {
    const stat = statOrNull(path);
    if (stat === null) return { exists: false, kind: 'none' as const, bytes: 0, sha256: null, mode: '', owner: '' };
    return {
      exists: true,
      kind: kindOf(stat),
      bytes: stat.size,
      sha256: sha256OrNull(path, context.localPolicy),
      mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
      owner: `${stat.uid}:${stat.gid}`,
    };
  },
  'disk.free': async ({ path }) => {
    try {
      const { bytesFree, usedRatio } = roomOf(path);
      return { mount: mountOf(path), bytes_free: bytesFree, used_ratio: usedRatio };
    } catch (error) {
      throw error instanceof Error && 'code' in error ? fault('file_not_found', { path }, error) : error;
    }
  },
  'journal.usage': async () => {
    const { files, bytes } = readJournalFiles();
    const oldest = files.find((file) => file.oldest !== null)?.oldest ?? null;
    return { bytes, oldest: oldest === null ? null : new Date(oldest).toISOString() };
  },
} satisfies Partial<Observers>;

function kindOf(stat: Stats): ResultOf<'file.state'>['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'other';
}

/** Only of files that the assistant may read or write: a hash of a secret would tell whether a guess is right. */
function sha256OrNull(path: string, rules: LocalRules): string | null {
  const roots = { roots: [...rules.readRoots, ...rules.writeRoots], denied: rules.deniedPaths ?? [] };
  try {
    using file = openAllowed(path, roots);
    return file.stat.size > HASH_BYTES ? null : sha256OfFile(file.fd);
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}
