/**
 * Restarts the server. The runner does not live to see the end of it: the next one finds the step open in its journal, sees
 * another boot, and says how it went. Sources: shutdown(8), systemd-run(1), random(4).
 */
import { type Clock, delay, fault, type ParametersOf, type StepResult } from '@countersign/protocol';
import { z } from 'zod';
import { readBoot } from '../../host/boot.ts';
import { namesIn, readTextOrNull, statOrNull } from '../../host/look.ts';
import { commandLineOf, readProcesses } from '../../host/processes.ts';
import { unitProperties } from '../../host/unit.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { failedNames } from './failed-names.ts';

type Parameters = ParametersOf<'host.reboot'>;

const memorySchema = z.object({ boot: z.string(), failed: z.array(z.string()), active: z.array(z.string()) });
type Memory = z.infer<typeof memorySchema>;

/** The timer that restarts the server, and lets nobody start two. */
const TIMER = 'countersign-reboot';
const CALL_MS = 15_000;
/** How long services may take to stop before the server goes down. */
const GOING_MS = 5 * 60_000;
const BOOTING_MS = 5 * 60_000;
const POLL_MS = 1000;

/** Without these nobody could reach the server afterwards. */
const AGENT_UNITS = ['countersign-link.service', 'countersign-runner.socket'];
const SSH_UNITS = ['ssh.service', 'sshd.service', 'ssh.socket', 'sshd.socket'];
/** A part of unattended-upgrades that runs all the time and waits for a shutdown. */
const WAITS_ONLY = 'unattended-upgrade-shutdown';
/** Cut off in the middle, these leave packages half there. */
const PACKAGE_PROGRAMS = ['dpkg', 'apt-get', 'apt', 'unattended-upgr', 'rpm', 'dnf'];

export const hostReboot: Changer<'host.reboot'> = {
  predictable: true,
  async preview(parameters, context) {
    const kernel = requireKernel();
    requireNoPackageWork();
    await requireWayBack(context);
    const people = await context.exec({ argv: ['who'], timeoutMs: 5000, signal: context.signal });
    const logins = people.stdout.split('\n').filter((line) => line.trim() !== '').length;
    const failed = await failedNames(context);
    return {
      preview: {
        argv: [argvOf(parameters)],
        diff: null,
        effects: [
          `The whole server is restarted ${parameters.delay_minutes === 0 ? 'at once' : `in ${parameters.delay_minutes} minutes`}; everything on it is away until it is up again.`,
          ...(logins > 0 ? [`People are logged in on ${logins} terminals, and are cut off.`] : []),
          kernel === null
            ? 'There is no kernel in /boot: whoever runs this machine chooses the one that starts.'
            : `It starts ${kernel}, unless its boot loader is told otherwise.`,
          ...(failed.length > 0 ? [`Failed already before: ${failed.slice(0, 10).join(', ')}.`] : []),
          'What only memory holds is lost: runtime settings, addresses that are blocked, swap that was added by hand.',
        ],
        undo: null,
      },
      witness: [
        { subject: 'host', property: 'boot', value: readBoot(null).id },
        { subject: 'host', property: 'kernel to start', value: kernel ?? 'none' },
      ],
    };
  },
  async remember(_, context) {
    return { boot: readBoot(null).id, failed: await failedNames(context), active: await activeSsh(context) };
  },
  async perform(parameters, _, context) {
    requireNoPackageWork();
    const argv = argvOf(parameters);
    const { signal, onOutput } = context;
    const done = await context.processes.start({ argv, timeoutMs: CALL_MS, signal, onOutput });
    if (done.exitCode !== 0)
      return { changed: false, exit_code: exitCodeOf(done), summary: 'The restart could not be set up.' };
    return awaitDown(context, parameters.delay_minutes * 60_000 + GOING_MS);
  },
  async recover(_, remembered, context) {
    const memory = memorySchema.parse(remembered);
    if (readBoot(null).id === memory.boot) {
      if (await timerIsSet(context)) return awaitDown(context, GOING_MS);
      return { changed: false, exit_code: 1, summary: 'The server was not restarted: this is still the same boot.' };
    }
    return afterBoot(context, memory);
  },
};

/** A timer, so that this call itself has ended well before anything goes down. */
function argvOf({ delay_minutes: minutes, reason }: Parameters): string[] {
  const timer = [`--unit=${TIMER}`, `--on-active=${minutes * 60 + 2}s`, '--timer-property=AccuracySec=100ms'];
  return ['systemd-run', '--quiet', '--collect', ...timer, '--', 'shutdown', '-r', '--', 'now', reason];
}

/** Waits to be ended together with the server. To come back from here means that it did not go down. */
async function awaitDown(context: ChangeContext, ms: number): Promise<StepResult> {
  try {
    await delay(context.clock as Clock, ms, context.signal);
  } catch (reason) {
    await context.exec({ argv: ['systemctl', 'stop', '--', `${TIMER}.timer`], timeoutMs: CALL_MS });
    throw reason;
  }
  return { changed: false, exit_code: 1, summary: 'The server did not go down.' };
}

async function timerIsSet(context: ObserveContext): Promise<boolean> {
  return (await unitProperties(context.exec, `${TIMER}.timer`, ['ActiveState'])).ActiveState === 'active';
}

/** Waits until the boot is over and compares. */
async function afterBoot(context: ChangeContext, memory: Memory): Promise<StepResult> {
  const until = context.clock.monotonic() + BOOTING_MS;
  let state = '';
  while (state !== 'running' && state !== 'degraded' && context.clock.monotonic() < until) {
    if (state !== '') await delay(context.clock, POLL_MS, context.signal);
    const argv = ['systemctl', 'is-system-running'];
    state = (await context.exec({ argv, timeoutMs: CALL_MS, signal: context.signal })).stdout.trim() || 'unknown';
  }
  const failed = (await failedNames(context)).filter((name) => !memory.failed.includes(name));
  const ssh = await activeSsh(context);
  const lost = memory.active.filter((name) => !ssh.includes(name));
  const wrong = [
    ...(failed.length > 0 ? [`failed, and did not before: ${failed.slice(0, 10).join(', ')}`] : []),
    ...(lost.length > 0 ? [`not running any more: ${lost.join(', ')}`] : []),
    ...(/^(running|degraded)$/.test(state) ? [] : [`the boot is not over after 5 minutes (${state})`]),
  ];
  return wrong.length === 0
    ? { changed: true, exit_code: 0, summary: 'The server was restarted, and nothing failed that had not before.' }
    : { changed: true, exit_code: 1, summary: `The server was restarted; ${wrong.join('; ')}.`.slice(0, 500) };
}

async function activeSsh(context: ObserveContext): Promise<string[]> {
  const found: string[] = [];
  for (const unit of SSH_UNITS)
    if ((await unitProperties(context.exec, unit, ['ActiveState'])).ActiveState === 'active') found.push(unit);
  return found;
}

const refuse = (reason: string) => fault('precondition_failed', { reason });

/** The newest kernel, which has to be whole; `null` where there is none, as in a container. */
function requireKernel(): string | null {
  const names = namesIn('/boot') ?? [];
  const kernels = names
    .filter((name) => /^vmlinuz-/.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const newest = kernels.at(-1);
  if (newest === undefined) {
    if (names.some((name) => /^(initrd|initramfs)/.test(name)))
      throw refuse('there is an initial ram disk in /boot but no kernel, so the server would not start again');
    return null;
  }
  const isWhole = (name: string) => (statOrNull(`/boot/${name}`)?.size ?? 0) > 0;
  const version = newest.slice('vmlinuz-'.length);
  const disks = names.filter((name) => /^(initrd\.img|initramfs)-/.test(name));
  if (!isWhole(newest)) throw refuse(`/boot/${newest} is empty`);
  const own = disks.find((name) => name.replace(/^(initrd\.img|initramfs)-/, '').replace(/\.img$/, '') === version);
  if (disks.length > 0 && (own === undefined || !isWhole(own)))
    throw refuse(`/boot/${newest} has no initial ram disk, although other kernels have`);
  return newest;
}

function requireNoPackageWork(): void {
  const busy = readProcesses().find(
    ({ name, pid }) => PACKAGE_PROGRAMS.includes(name) && !commandLineOf(pid).includes(WAITS_ONLY),
  );
  if (busy !== undefined)
    throw refuse(`${busy.name} (process ${busy.pid}) is at work on packages, and must not be cut off`);
}

/** The agent has to come back, and SSH where it is there now. */
async function requireWayBack(context: ObserveContext): Promise<void> {
  const isEnabled = async (unit: string) =>
    /^(enabled|enabled-runtime|static|alias)$/.test(
      (await unitProperties(context.exec, unit, ['UnitFileState'])).UnitFileState ?? '',
    );
  for (const unit of AGENT_UNITS)
    if (!(await isEnabled(unit))) throw refuse(`${unit} is not enabled, so the agent would not come back`);
  const ssh = await activeSsh(context);
  const enabled = await Promise.all(SSH_UNITS.map(isEnabled));
  if (ssh.length > 0 && !enabled.includes(true))
    throw refuse(`${ssh.join(' and ')} runs but is not enabled, so nobody could log in afterwards`);
  if (readTextOrNull('/run/nologin') !== null) throw refuse('the server is going down already (/run/nologin)');
}
