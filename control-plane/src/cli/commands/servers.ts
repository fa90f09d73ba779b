/** `servers`, `server add|remove|enrolment|release`: the machines under care. */
import type { Command } from 'commander';
import { isLoopback } from '../../config/addresses.ts';
import { answer, shortTime } from '../answer.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { type ProofOptions, proofOptions, readProof } from '../proof.ts';
import { columns } from '../terminal.ts';

export function serverCommands(program: Command, context: CliContext): void {
  program
    .command('servers')
    .description('the servers under care, and how they are')
    .action(() => listServers(context));
  const server = program.command('server').description('one server');
  server
    .command('add')
    .description('take a server under care; prints the command that installs the agent on it')
    .requiredOption('--name <name>', 'lower-case letters, digits, dots and dashes')
    .option('--label <key=value>', 'may be given several times', collect, [])
    .action((options: { name: string; label: string[] }) => addServer(context, options));
  server
    .command('enrolment')
    .description('make a new install command for a server')
    .argument('<server>', 'id or name')
    .action(async (name: string) => {
      const { call } = await signedIn(context);
      await showEnrolment(context, await call('renewEnrolment', { server: name }));
    });
  const release = server
    .command('release')
    .description('let changes go again to a server whose identity a second agent had used')
    .argument('<server>', 'id or name')
    .requiredOption('--reason <words>', 'what you found, for the log');
  proofOptions(release).action(async (name: string, options: ProofOptions & { reason: string }) => {
    const { call } = await signedIn(context);
    const proof = await readProof(context, options);
    const done = await call('releaseServer', { server: name, reason: options.reason, proof });
    await answer(context, done, () => [`Changes may go to ${name} again.`]);
  });
  server
    .command('remove')
    .description('take a server out of care; its agent is refused from now on')
    .argument('<server>', 'id or name')
    .action(async (name: string) => {
      const { call } = await signedIn(context);
      await call('removeServer', { server: name });
      await answer(context, { done: true }, () => [
        `${name} is no longer under care. On the server: /opt/countersign/current/install.sh --uninstall`,
      ]);
    });
}

const collect = (value: string, before: string[]) => [...before, value];

async function listServers(context: CliContext): Promise<void> {
  const { call } = await signedIn(context);
  const { servers } = await call('listServers', { limit: 200 });
  const { paint } = context.terminal;
  const colours = { online: 'green', offline: 'red', awaiting_agent: 'yellow', revoked: 'dim' } as const;
  await answer(context, { servers }, () =>
    servers.length === 0
      ? [`No servers yet. Take one under care: ${context.typed} server add --name web-1`]
      : columns([
          ['NAME', 'STATE', 'MODE', 'LOCKED', 'ALERTS', 'LAST SEEN', 'SYSTEM'],
          ...servers.map((it) => [
            it.name,
            it.state.replace('_', ' '),
            it.mode ?? '–',
            it.locked ? 'yes' : 'no',
            String(it.firing_alerts),
            shortTime(it.last_seen_at, context.clock.now()),
            it.os ?? '–',
          ]),
        ]).map((line, row) => {
          const state = servers[row - 1]?.state;
          return state ? paint(colours[state], line) : paint('dim', line);
        }),
  );
}

interface Enrolment {
  readonly server: { readonly name: string };
  readonly enrolment_token: string;
  readonly install_command: string;
  readonly expires_at: string;
}

async function addServer(context: CliContext, { name, label }: { name: string; label: string[] }): Promise<void> {
  const pairs = label.map((text) => {
    const [key, ...value] = text.split('=');
    if (!key || value.length === 0)
      throw new UsageError(`"${text}" is no label.`, 'Write --label key=value, for example --label env=prod.');
    return [key, value.join('=')] as const;
  });
  const { call } = await signedIn(context);
  await showEnrolment(context, await call('addServer', { name, labels: Object.fromEntries(pairs) }));
}

function showEnrolment(context: CliContext, enrolment: Enrolment): Promise<void> {
  const { paint, note } = context.terminal;
  if (reachesOnlyHere(enrolment.install_command))
    note(
      paint('yellow', 'Careful: this control plane is reached by this machine only, so the command works only here.') +
        '\n  For other servers start it with COUNTERSIGN_HOST and COUNTERSIGN_URL set to an address that they reach.',
    );
  return answer(context, enrolment, () => [
    `Run this on ${enrolment.server.name}, as root:`,
    '',
    paint('bold', enrolment.install_command),
    '',
    `It works once, until ${shortTime(enrolment.expires_at, context.clock.now())}. Then: ${context.typed} servers`,
  ]);
}

/** Whether the address in an install command leads nowhere from another machine. */
function reachesOnlyHere(command: string): boolean {
  const url = URL.parse(/https?:\/\/[^\s'"]+/.exec(command)?.[0] ?? '');
  return url !== null && isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
}
