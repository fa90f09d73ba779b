/** Installing security updates by unattended-upgrades. Sources: unattended-upgrade(8), apt.conf(5) `APT_CONFIG`, apt-get(8). */
import { capability, fault, type ParametersOf, type StepResult } from '@countersign/protocol';
import { z } from 'zod';
import { backupPath, keepBackup, readBackup } from '../../host/backups.ts';
import { type Executed, howItEnded } from '../../host/execution.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { expressionOf } from '../name-pattern.ts';
import { count } from '../report.ts';
import { heldBack, readInstalled, readUpgrades, type Upgrade } from './apt.ts';
import { requireUnlocked } from './apt-clean.ts';
import { KEEP_FILES, QUIET } from './quiet-apt.ts';
import { readUsers } from './used-by.ts';

type Parameters = ParametersOf<'apt.security_upgrade'>;

const ARGV = ['unattended-upgrade', '--verbose'];
const SHOWN = 15;
const memorySchema = z.object({ list: z.string(), config: z.string() });

export const securityUpgrade: Changer<'apt.security_upgrade'> = {
  predictable: true,
  async preview(parameters, context) {
    requireUnlocked();
    const upgrades = await readUpgrades(context);
    const wanted = wantedOf(upgrades, parameters);
    if (wanted.length === 0) throw fault('precondition_failed', { reason: 'there is no security update to install' });
    return {
      preview: {
        argv: [ARGV],
        diff: null,
        effects: await effectsOf(parameters, wanted, othersIn(upgrades).length, context),
        undo: 'The former versions are installed again as far as the package server still has them.',
      },
      witness: wanted
        .slice(0, 50)
        .map(({ name, from }) => ({ subject: `package ${name}`, property: 'version', value: from ?? '' })),
    };
  },
  async remember({ hold }, context) {
    const others = othersIn(await readUpgrades(context));
    const config = keepBackup({ ...context, step: `${context.step}.config` }, configOf(hold, others));
    return { list: keepBackup(context, await readInstalled(context)), config };
  },
  async perform(_, memory, context) {
    requireUnlocked();
    const { config, list } = memorySchema.parse(memory);
    return resultOf(list, await start(context, ARGV, { APT_CONFIG: backupPath(context.stateDir, config) }), context);
  },
  async undo(_, memory, context) {
    requireUnlocked();
    const changed = await changedSince(memorySchema.parse(memory).list, context);
    if (changed.length === 0)
      return { changed: false, exit_code: 0, summary: 'No package has another version than before.' };
    const former = changed.map(({ name, was }) => `${name}=${was}`);
    const argv = [
      'apt-get',
      'install',
      '--yes',
      '--quiet',
      '--allow-downgrades',
      '--no-remove',
      ...KEEP_FILES,
      '--',
      ...former,
    ];
    const done = await start(context, argv);
    const exitCode = exitCodeOf(done);
    const many = count(changed.length, 'package');
    return {
      changed: true,
      exit_code: exitCode,
      summary:
        exitCode === 0
          ? `${many} brought back to the former version.`
          : `apt-get ${howItEnded(done)}; the list of former versions is kept.`,
    };
  },
  async recover(_, memory, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return done === null ? null : resultOf(memorySchema.parse(memory).list, done, context);
  },
};

function wantedOf(upgrades: readonly Upgrade[], { hold }: Parameters): Upgrade[] {
  return upgrades.filter(({ name, security }) => security && !heldBack(name, hold));
}

/** Names of updates that are not about security. The configuration of unattended-upgrades may well name their origin too. */
function othersIn(upgrades: readonly Upgrade[]): string[] {
  return upgrades.filter(({ security }) => !security).map(({ name }) => name);
}

async function effectsOf(
  { hold }: Parameters,
  wanted: readonly Upgrade[],
  others: number,
  context: ObserveContext,
): Promise<string[]> {
  const named = wanted.slice(0, SHOWN).map(({ name, from, to }) => `${name} ${from ?? 'new'} to ${to}`);
  const users = await readUsers(
    context,
    wanted.map(({ name }) => name),
  );
  const reboots = await context.exec({
    argv: ['apt-config', 'shell', 'VALUE', 'Unattended-Upgrade::Automatic-Reboot/b'],
    timeoutMs: 5000,
    signal: context.signal,
  });
  return [
    `${count(wanted.length, 'security update is', 'security updates are')} installed: ${named.join(', ')}${wanted.length > SHOWN ? ' and more' : ''}.`.slice(
      0,
      500,
    ),
    users.length === 0
      ? 'No running service uses files of these packages. Their own scripts may still restart what belongs to them.'
      : `Services that use files of these packages, and should be restarted afterwards if their packages do not do it: ${users.slice(0, SHOWN).join(', ')}.`.slice(
          0,
          500,
        ),
    ...(hold === undefined ? [] : [`Left as they are: ${hold}.`]),
    ...(others === 0
      ? []
      : [`${count(others, 'other update')} not about security ${others === 1 ? 'is' : 'are'} left out.`]),
    ...(/'true'/.test(reboots.stdout)
      ? ['unattended-upgrades is set to reboot this server by itself when an update asks for it.']
      : []),
    'Configuration files that were changed by hand stay as they are.',
  ];
}

/**
 * Names that unattended-upgrades leaves alone, besides those of the server's own configuration: what is held, and `others`, which
 * are not about security. They are patterns of Python there, taken as they stand.
 */
export function configOf(hold: string | undefined, others: readonly string[] = []): string {
  const names = [...(hold?.split(' ') ?? []), ...others];
  const patterns = names.map((name) => `  "^${expressionOf(name)}$";\n`);
  return `Unattended-Upgrade::Package-Blacklist {\n${patterns.join('')}};\n`;
}

function start(
  context: ChangeContext,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Executed> {
  const { timeoutMs } = capability('apt.security_upgrade');
  const { signal, onOutput } = context;
  return context.processes.start({ argv, env: { ...QUIET, ...env }, timeoutMs, signal, onOutput });
}

/** Packages that are there in another version than in a list that was kept. */
async function changedSince(
  list: string,
  context: ChangeContext,
): Promise<{ readonly name: string; readonly was: string }[]> {
  const before = versions(readBackup(context.stateDir, list).toString('utf8'));
  const now = versions(await readInstalled(context));
  return [...now].flatMap(([name, version]) => {
    const was = before.get(name);
    return was === undefined || was === version ? [] : [{ name, was }];
  });
}

/** Lines `NAME=VERSION`. */
function versions(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^([^=\n]+)=(.+)$/gm)].map(([, name = '', version = '']) => [name, version]));
}

async function resultOf(list: string, done: Executed, context: ChangeContext): Promise<StepResult> {
  const changed = await changedSince(list, context);
  const exitCode = exitCodeOf(done);
  const now = `${count(changed.length, 'package has', 'packages have')} another version now.`;
  return {
    changed: changed.length > 0,
    exit_code: exitCode,
    summary: exitCode === 0 ? `Done; ${now}` : `unattended-upgrade ${howItEnded(done)}; ${now}`,
  };
}
