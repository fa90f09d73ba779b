/** `doctor`: looks at everything that has to be right, and prints how to mend what is not. */
import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Fault } from '@countersign/protocol';
import type { Command } from 'commander';
import { type Config, ConfigError } from '../../config/config.ts';
import { answer } from '../answer.ts';
import { type CliContext, callAt, configOf, signedIn, type Target, targetOf } from '../connection.ts';
import { exitCodes, UnreachableError } from '../exit-codes.ts';

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do, when it is not ok. */
  readonly fix: string | null;
}

const fine = (name: string, detail: string): Finding => ({ name, ok: true, detail, fix: null });
const wrong = (name: string, detail: string, fix: string): Finding => ({ name, ok: false, detail, fix });

const DISK_LEFT_MIN = 512 * 1024 * 1024;

export function doctorCommand(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('check this machine’s control plane, and print how to mend what is wrong')
    .action(async () => {
      const findings = await examine(context);
      const { paint } = context.terminal;
      if (findings.some(({ ok }) => !ok)) context.exit(exitCodes.refused);
      await answer(context, { ok: findings.every(({ ok }) => ok), findings }, () =>
        findings.flatMap(({ name, ok, detail, fix }) => [
          `${ok ? paint('green', '✓') : paint('red', '✗')} ${name.padEnd(14)} ${detail}`,
          ...(fix === null ? [] : [`  ${''.padEnd(14)} → ${fix}`]),
        ]),
      );
    });
}

async function examine(context: CliContext): Promise<Finding[]> {
  let config: Config;
  try {
    config = configOf(context);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ variable, problem }) =>
      wrong(variable, problem, 'Set or unset it, then run doctor again.'),
    );
  }
  const at = await targetOf(context);
  return [
    fine('configuration', `${config.host}:${config.port}, TLS ${config.tls.mode}, public address ${config.publicUrl}`),
    ...(await dataFolder(config)),
    dashboardFiles(),
    ...(await controlPlane(context, at)),
  ];
}

async function dataFolder({ dataDir }: Config): Promise<Finding[]> {
  if (!existsSync(dataDir))
    return [wrong('data folder', `${dataDir} is not there`, 'Run `npm start` once, or set COUNTERSIGN_DATA.')];
  const keys = join(dataDir, 'keys');
  const open = existsSync(keys) && ((await stat(keys)).mode & 0o077) !== 0;
  const { bavail, bsize } = await statfs(dataDir);
  const left = bavail * bsize;
  const gib = `${(left / 1024 ** 3).toFixed(1)} GiB free`;
  return [
    open
      ? wrong('keys', `${keys} can be read by others`, `chmod 700 ${keys}`)
      : fine('keys', 'readable by their owner only'),
    left < DISK_LEFT_MIN
      ? wrong(
          'disk',
          `${gib} at ${dataDir}`,
          'Free some space: without it no change can be recorded, so none is started.',
        )
      : fine('disk', `${gib} at ${dataDir}`),
  ];
}

function dashboardFiles(): Finding {
  const built = existsSync(resolve(import.meta.dirname, '../../../../web/dist/index.html'));
  return built ? fine('dashboard', 'built') : wrong('dashboard', 'not built', 'npm run build');
}

async function controlPlane(context: CliContext, at: Target): Promise<Finding[]> {
  try {
    const { needed } = await callAt(at)('getSetup', {});
    const answering = fine('control plane', `answers at ${at.url}`);
    if (needed)
      return [
        answering,
        wrong(
          'owner',
          'nobody is set up yet',
          `Open the setup link, or: ${context.typed} setup --email you@example.org`,
        ),
      ];
    return [answering, fine('owner', 'set up'), ...(await asPerson(context))];
  } catch (error) {
    if (error instanceof UnreachableError) return [wrong('control plane', error.message, 'Start it: npm start')];
    if (error instanceof Fault) return [wrong('control plane', error.body.message, error.body.next_step)];
    throw error;
  }
}

async function asPerson(context: CliContext): Promise<Finding[]> {
  try {
    const { call } = await signedIn(context);
    const { person } = await call('getMe', {});
    const { servers } = await call('listServers', { limit: 200 });
    const { bot } = await call('getTelegram', {});
    const away = servers.filter(({ state }) => state === 'offline');
    return [
      fine('session', `${person.name} <${person.email}>, ${person.role}`),
      away.length === 0
        ? fine('servers', `${servers.filter(({ state }) => state === 'online').length} online, none offline`)
        : wrong(
            'servers',
            `offline: ${away.map(({ name }) => name).join(', ')}`,
            'On the server: systemctl status countersign-link; countersign-agent doctor',
          ),
      bot === null
        ? fine('telegram', 'off (TELEGRAM_BOT_TOKEN is not set)')
        : bot.ok
          ? fine('telegram', `@${bot.username}`)
          : wrong(
              'telegram',
              bot.problem ?? 'does not answer',
              'Check TELEGRAM_BOT_TOKEN and that api.telegram.org can be reached.',
            ),
    ];
  } catch (error) {
    if (error instanceof Fault && error.code === 'unauthenticated')
      return [wrong('session', 'nobody is signed in here', `${context.typed} login --email you@example.org`)];
    throw error;
  }
}
