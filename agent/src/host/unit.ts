/**
 * Transient systemd units: a process that systemd starts, keeps and remembers for us. Its name is taken once: systemd refuses
 * a second unit of the same name, and the first stays loaded until it is forgotten. Source: systemd-run(1), systemd.service(5).
 */
import { existsSync } from 'node:fs';
import { fault } from '@countersign/protocol';
import { CLEAN_ENVIRONMENT } from './clean-environment.ts';
import type { Execute, StartRequest } from './execution.ts';

/** Answers of systemd itself come fast; a busy machine gets this long. */
const ASK_MS = 20_000;

/** Whether systemd runs this machine. Source: sd_booted(3). */
export function systemdRuns(): boolean {
  return existsSync('/run/systemd/system');
}

/** What systemd knows of a transient unit. */
export type FoundUnit =
  | { readonly state: 'absent' }
  | { readonly state: 'running' }
  | {
      readonly state: 'ended';
      readonly exitCode: number | null;
      /** Number of the signal that ended it. */
      readonly signal: number | null;
      readonly timedOut: boolean;
    };

/**
 * Starts a unit and returns when its program was executed. Both output streams are appended to `outputFile`. Resolves with
 * the reason when the program cannot be started (then there is no unit). Rejects with `grant_replayed` when the name is taken.
 */
export async function startUnit(
  exec: Execute,
  name: string,
  request: StartRequest & {
    readonly outputFile: string;
    readonly description: string;
    /** Files that hold input and environment: in properties of the unit, everybody could read them. */
    readonly inputFile: string | null;
    readonly environmentFile: string | null;
  },
): Promise<{ readonly notStarted: string | null }> {
  const properties = [
    'RemainAfterExit=yes',
    'KillMode=control-group',
    'TimeoutStopSec=5s',
    `RuntimeMaxSec=${Math.ceil(request.timeoutMs / 1000)}s`,
    `StandardOutput=append:${request.outputFile}`,
    'StandardError=inherit',
    request.inputFile === null ? 'StandardInput=null' : `StandardInput=file:${request.inputFile}`,
    ...(request.environmentFile === null ? [] : [`EnvironmentFile=${request.environmentFile}`]),
    ...(request.readsOnly === undefined ? [] : readsOnly(request.readsOnly)),
  ];
  const environment = Object.entries(CLEAN_ENVIRONMENT);
  const argv = [
    'systemd-run',
    '--quiet',
    '--no-ask-password',
    '--service-type=exec',
    `--unit=${name}`,
    `--description=${request.description}`,
    `--working-directory=${request.cwd ?? '/'}`,
    ...properties.map((property) => `--property=${property}`),
    ...environment.map(([variable, value]) => `--setenv=${variable}=${value}`),
    '--',
    // systemd replaces variables in the words of a command line unless the dollar is doubled. Source: systemd.service(5).
    ...request.argv.map((word) => word.replaceAll('$', '$$$$')),
  ];
  const started = await exec({ argv, timeoutMs: ASK_MS });
  if (started.exitCode === 0) return { notStarted: null };
  if (/already (loaded|exists)/i.test(started.stderr)) throw fault('grant_replayed');
  if (/Failed to find executable/.test(started.stderr)) return { notStarted: 'ENOENT' };
  // A program that fails at once can be over before systemd has called it started; then there is a unit that tells how.
  if (started.notStarted === null && (await findUnit(exec, name)).state !== 'absent') return { notStarted: null };
  const said = started.stderr.trim().split('\n')[0] ?? '';
  return { notStarted: started.notStarted ?? (said === '' ? 'systemd-run failed' : said.slice(0, 200)) };
}

/** What keeps a process from changing anything but by way of a service that it asks, and from taking much. Source: systemd.exec(5). */
function readsOnly({ hidden, filesOnly }: NonNullable<StartRequest['readsOnly']>): string[] {
  return [
    'ProtectSystem=strict',
    'ReadOnlyPaths=/',
    'ProtectKernelTunables=yes',
    'ProtectKernelModules=yes',
    'ProtectControlGroups=yes',
    'NoNewPrivileges=yes',
    'RestrictSUIDSGID=yes',
    'IPAddressDeny=any',
    // Two large files to compare, a folder of millions of names: the services of the machine come first.
    'MemoryMax=512M',
    'OOMScoreAdjust=1000',
    'Nice=10',
    ...(filesOnly ? FILES_ONLY : []),
    // A path that systemd would have to unquote stays visible; the table has refused it already.
    ...hidden.filter((path) => /^\/[\w./@-]+$/.test(path)).map((path) => `InaccessiblePaths=-${path}`),
  ];
}

/** Without these rights root cannot look into the processes of others by way of /proc, nor read disks. Source: capabilities(7). */
const FILES_ONLY = ['CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE', 'PrivateDevices=yes'];

/** Looks a unit up. Rejects with `capability_failed` when systemd does not answer. */
export async function findUnit(exec: Execute, name: string): Promise<FoundUnit> {
  const found = await unitProperties(exec, name, [
    'LoadState',
    'ActiveState',
    'SubState',
    'Result',
    'ExecMainCode',
    'ExecMainStatus',
  ]);
  if (found.LoadState === 'not-found') return { state: 'absent' };
  const over = found.SubState === 'exited' || found.ActiveState === 'failed' || found.ActiveState === 'inactive';
  if (!over) return { state: 'running' };
  const status = Number(found.ExecMainStatus ?? Number.NaN);
  // 1 exited, 2 killed, 3 dumped: si_code of waitid(2).
  const exited = found.ExecMainCode === '1' && Number.isInteger(status);
  return {
    state: 'ended',
    exitCode: exited ? status : null,
    signal: exited || !Number.isInteger(status) || status === 0 ? null : status,
    timedOut: found.Result === 'timeout',
  };
}

/**
 * Properties of any unit by name, as `systemctl show` prints them. Times in the form of `--timestamp`: `unix` gives `@` and
 * seconds. Rejects with `capability_failed` when systemd does not answer.
 */
export async function unitProperties<P extends string>(
  exec: Execute,
  unit: string,
  properties: readonly P[],
): Promise<Partial<Record<P, string>>> {
  const argv = [
    'systemctl',
    'show',
    '--no-pager',
    '--timestamp=unix',
    `--property=${properties.join(',')}`,
    '--',
    unit,
  ];
  const shown = await exec({ argv, timeoutMs: ASK_MS });
  if (shown.exitCode !== 0)
    throw fault('capability_failed', {
      capability: 'systemctl show',
      reason: shown.notStarted ?? 'systemd does not answer',
    });
  return parseProperties(shown.stdout) as Partial<Record<P, string>>;
}

/** `NAME=value` lines. A value may hold further `=`. */
export function parseProperties(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/** Ends all processes of a unit. Nothing happens when there is none. */
export async function stopUnit(exec: Execute, name: string): Promise<void> {
  await exec({ argv: ['systemctl', 'stop', '--no-ask-password', '--', name], timeoutMs: ASK_MS });
}

/** Has systemd forget a unit that has ended. Nothing happens when there is none. */
export async function forgetUnit(exec: Execute, name: string): Promise<void> {
  await stopUnit(exec, name);
  await exec({ argv: ['systemctl', 'reset-failed', '--no-ask-password', '--', name], timeoutMs: ASK_MS });
}
