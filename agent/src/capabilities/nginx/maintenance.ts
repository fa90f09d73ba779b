/**
 * Maintenance of a virtual host by a flag file that its own configuration asks for, and a timer of the server that ends it: the
 * timer is a unit on disk, so that it comes after a reboot too. Sources: ngx_http_rewrite_module, systemd.timer(5).
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { capability, durationMs, fault, type Json, type ParametersOf, type StepResult } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import { asOwnerOf } from '../../host/as-owner.ts';
import { howItEnded } from '../../host/execution.ts';
import { removeFile, replaceFile, targetOf } from '../../host/files.ts';
import { readTextOrNull } from '../../host/look.ts';
import type { ChangeContext, Changer, ObserveContext, Observer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { writableRoots } from '../files/roots.ts';
import { probeHttp } from '../network/local-probe.ts';
import { readServerBlocks, type ServerBlock } from './server-blocks.ts';

type Parameters = ParametersOf<'nginx.maintenance'>;

const UNITS = '/etc/systemd/system';
const ROOT_FILE = { mode: 0o644, uid: 0, gid: 0 };
const UNAVAILABLE = 503;
/** Nothing that systemd reads as more than a path. */
const PLAIN_PATH = /^\/[A-Za-z0-9/._-]+$/;

const memorySchema = z.object({ flag: z.boolean(), timer: z.string().nullable() });
type Memory = z.infer<typeof memorySchema>;

export const nginxMaintenanceState: Observer<'nginx.maintenance_state'> = async ({ host, path }, context) => {
  const block = await blockOf(context, host, path);
  const listen = block?.listens[0];
  const scheme = listen?.tls ? 'https' : 'http';
  const answer = listen === undefined ? null : await probeHttp(context, `${scheme}://127.0.0.1:${listen.port}/`, host);
  const mode = answer === null || answer.status === 0 ? 'none' : answer.status === UNAVAILABLE ? 'on' : 'off';
  return { supported: block !== null, flag: existsSync(path), mode };
};

export const nginxMaintenance: Changer<'nginx.maintenance'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const { host, path, mode } = parameters;
    const block = await requireSupport(parameters, context);
    const there = existsSync(path);
    return {
      preview: {
        argv: callsOf(parameters),
        diff: null,
        effects: effectsOf(parameters, there),
        undo: `${host} is ${there ? 'in' : 'out of'} maintenance again, as now.`,
      },
      witness: [
        { subject: `nginx ${host}`, property: 'file', value: block.file },
        { subject: `flag ${path}`, property: 'exists', value: there },
        { subject: `flag ${path}`, property: 'wanted', value: mode },
      ],
    };
  },
  async remember({ path }) {
    const timer = readTextOrNull(`${UNITS}/${unitOf(path)}.timer`);
    return { flag: existsSync(path), timer } satisfies Memory as Json;
  },
  async perform(parameters, _, context) {
    await requireSupport(parameters, context);
    const endsAt = context.clock.now() + durationMs(parameters.expires);
    return parameters.mode === 'on'
      ? enter(context, parameters.path, timerText(endsAt))
      : leave(context, parameters.path);
  },
  async undo({ path }, memory, context) {
    const before = memorySchema.parse(memory);
    // A timer whose moment is over would never end it.
    const isOver = before.timer !== null && endOf(before.timer) <= context.clock.now();
    if (!before.flag || isOver) return leave(context, path);
    if (before.timer !== null) return enter(context, path, before.timer);
    // Without a timer of ours somebody had set the flag by hand; then it stays until they take it away, without a gap.
    setFlag(context, path);
    return (await disarm(context, path)) ?? { changed: true, exit_code: 0, summary: `${path} stays, as before.` };
  },
  async recover({ path, mode }, _, context) {
    const done = await context.processes.ended(mode === 'on' ? 3 : 2, context.onOutput);
    if (done === null || existsSync(path) !== (mode === 'on')) return null;
    return { changed: true, exit_code: exitCodeOf(done), summary: 'Found after a restart of the runner.' };
  },
};

/** The timer and service that belong to a flag. */
export function unitOf(path: string): string {
  return `countersign-maintenance-${sha256(path).slice(0, 12)}`;
}

/** At that time, and when the server was off then, once it is on again. */
export function timerText(endsAt: number): string {
  const at = new Date(endsAt).toISOString().slice(0, 19).replace('T', ' ');
  return `[Unit]
Description=Countersign ends a maintenance of nginx

[Timer]
OnCalendar=${at} UTC
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/** When a {@link timerText} ends it, milliseconds since 1970; one that is not ours never does. */
export function endOf(timer: string): number {
  const [, day, time] = /^OnCalendar=(\S+) (\S+) UTC$/m.exec(timer) ?? [];
  return Date.parse(`${day}T${time}Z`) || Number.POSITIVE_INFINITY;
}

/**
 * Takes the flag away, and itself. The flag as the owner of its folder: until then he could have the folder lead elsewhere. Throws
 * `file_not_found` where there is no folder.
 */
export function serviceText(path: string): string {
  const unit = unitOf(path);
  const remove = asOwnerOf(dirname(path), ['/bin/rm', '-f', '--', path]);
  return `[Unit]
Description=Countersign ends a maintenance of nginx

[Service]
Type=oneshot
ExecStart=${remove.join(' ')}
ExecStart=-/bin/systemctl disable ${unit}.timer
ExecStart=/bin/rm -f -- ${UNITS}/${unit}.timer ${UNITS}/${unit}.service
`;
}

async function blockOf(context: ObserveContext, host: string, path: string): Promise<ServerBlock | null> {
  const blocks = await readServerBlocks(context);
  return blocks.find(({ names, flags }) => names.includes(host) && flags.includes(path)) ?? null;
}

async function requireSupport({ host, path }: Parameters, context: ObserveContext): Promise<ServerBlock> {
  if (!PLAIN_PATH.test(path))
    throw fault('precondition_failed', {
      reason: 'the flag file must have a plain name: letters, digits, . _ - and /',
    });
  const { stat } = targetOf(path, writableRoots(context.localPolicy));
  if (stat !== null && stat.size > 0)
    throw fault('precondition_failed', { reason: `${path} holds something, and a flag is removed in the end` });
  const block = await blockOf(context, host, path);
  if (block !== null) return block;
  throw fault('precondition_failed', {
    reason: `no server block of nginx for ${host} asks for ${path} (if (-f ${path}) { return 503; })`,
  });
}

function callsOf({ path, mode }: Parameters): string[][] {
  const timer = `${unitOf(path)}.timer`;
  const reload = ['systemctl', 'daemon-reload'];
  return mode === 'on'
    ? [reload, ['systemctl', 'enable', timer], ['systemctl', 'restart', timer]]
    : [['systemctl', 'disable', '--now', timer], reload];
}

function effectsOf({ host, path, mode, expires }: Parameters, there: boolean): string[] {
  if (mode === 'off')
    return [there ? `${path} is removed: ${host} answers as usual again.` : `${path} is not there; nothing changes.`];
  return [
    there
      ? `${path} is there already: the maintenance of ${host} goes on.`
      : `${path} is made: ${host} answers 503 to everybody.`,
    `A timer of the server (${unitOf(path)}.timer) removes it ${expires} after the start, also when nobody thinks of it or the server was restarted.`,
  ];
}

/** The timer is armed before anything is closed. */
async function enter(context: ChangeContext, path: string, timer: string): Promise<StepResult> {
  const unit = unitOf(path);
  replaceFile(`${UNITS}/${unit}.service`, Buffer.from(serviceText(path)), ROOT_FILE);
  replaceFile(`${UNITS}/${unit}.timer`, Buffer.from(timer), ROOT_FILE);
  for (const argv of [
    ['systemctl', 'daemon-reload'],
    ['systemctl', 'enable', `${unit}.timer`],
    ['systemctl', 'restart', `${unit}.timer`],
  ]) {
    const failed = await call(context, argv);
    if (failed !== null) return failed;
  }
  setFlag(context, path);
  return { changed: true, exit_code: 0, summary: `${path} is there, and ${unit}.timer will remove it.` };
}

async function leave(context: ChangeContext, path: string): Promise<StepResult> {
  const changed = existsSync(path);
  removeFile(targetOf(path, writableRoots(context.localPolicy)).path);
  const failed = await disarm(context, path);
  return failed ?? { changed, exit_code: 0, summary: `${path} ${changed ? 'was removed' : 'was not there'}.` };
}

/** Takes the timer of a flag away, if there is one. The result when a call failed, else `null`. */
async function disarm(context: ChangeContext, path: string): Promise<StepResult | null> {
  const unit = unitOf(path);
  if (readTextOrNull(`${UNITS}/${unit}.timer`) === null) return null;
  const failed = await call(context, ['systemctl', 'disable', '--now', `${unit}.timer`]);
  if (failed !== null) return failed;
  for (const kind of ['timer', 'service']) removeFile(`${UNITS}/${unit}.${kind}`);
  await call(context, ['systemctl', 'daemon-reload']);
  return null;
}

function setFlag(context: ObserveContext, path: string): void {
  const target = targetOf(path, writableRoots(context.localPolicy));
  if (target.stat === null) replaceFile(target.path, Buffer.from(''), ROOT_FILE);
}

/** The result when a call failed, else `null`. */
async function call(context: ChangeContext, argv: readonly string[]): Promise<StepResult | null> {
  const done = await context.processes.start({
    argv,
    timeoutMs: capability('nginx.maintenance').timeoutMs,
    signal: context.signal,
    onOutput: context.onOutput,
  });
  if (done.exitCode === 0) return null;
  const summary = `${argv.slice(0, 2).join(' ')} ${howItEnded(done)}.`;
  return { changed: true, exit_code: exitCodeOf(done), summary };
}
