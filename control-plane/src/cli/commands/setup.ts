/** `setup`, `login`, `logout`, `whoami`: the first owner, and the session of the command line. */
import { Fault, fault, invalidInput, isoTime } from '@countersign/protocol';
import { operations } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { setUp, setupNeeded } from '../../access/set-up.ts';
import { forgetSetupLink, makeSetupLink, readSetupSecret } from '../../access/setup-link.ts';
import { answer } from '../answer.ts';
import { type CliContext, callAt, configOf, sessionFileOf, signedIn, type Target, targetOf } from '../connection.ts';
import { UnreachableError, UsageError } from '../exit-codes.ts';
import { readNewPassword, readPassword } from '../password.ts';
import { readRunning } from '../running.ts';
import { forgetSession, writeSession } from '../session-file.ts';
import { openStore } from '../store.ts';

interface SetupOptions {
  readonly email?: string;
  readonly name?: string;
  readonly passwordStdin?: boolean;
  readonly resetLink?: boolean;
}

export function setupCommands(program: Command, context: CliContext): void {
  program
    .command('setup')
    .description('make the first owner of this machine’s control plane, or a new setup link')
    .option('--email <address>', 'e-mail address of the owner')
    .option('--name <name>', 'name of the owner; by default what is before the @')
    .option('--password-stdin', 'read the password from standard input')
    .option(
      '--reset-link',
      'make a new setup link; with --email, use it at once, also when nobody can sign in any more',
    )
    .action((options: SetupOptions) => setup(context, options));
  program
    .command('login')
    .description('sign in, and keep the session for later commands')
    .option('--email <address>', 'your e-mail address')
    .option('--password-stdin', 'read the password from standard input')
    .option('--code <digits>', 'present code of your authenticator app')
    .action((options: { email?: string; passwordStdin?: boolean; code?: string }) => login(context, options));
  program
    .command('logout')
    .description('end the session of the command line')
    .action(async () => {
      const { call } = await signedIn(context);
      await call('signOut', {});
      await forgetSession(sessionFileOf(context));
      await answer(context, { done: true }, () => ['Signed out.']);
    });
  program
    .command('whoami')
    .description('who is signed in here')
    .action(async () => {
      const { call, at } = await signedIn(context);
      const me = await call('getMe', {});
      await answer(context, { ...me, url: at.url }, () => [
        `${me.person.name} <${me.person.email}>, ${me.person.role}, at ${at.url}`,
      ]);
    });
}

async function setup(context: CliContext, options: SetupOptions): Promise<void> {
  const { terminal } = context;
  if (options.resetLink && options.email === undefined) return newLink(context);
  const email = options.email ?? (await terminal.ask('E-mail address: ', 'Name it: setup --email you@example.org'));
  const password = await readNewPassword(terminal, options);
  const owner = { email, password, name: options.name ?? email.split('@')[0] ?? email };
  const checked = operations.setUp.input.omit({ secret: true, cli: true }).safeParse(owner);
  if (!checked.success) throw invalidInput(checked.error);
  const config = configOf(context);
  const running = await readRunning(config.dataDir);
  const at = await targetOf(context);
  const { session, person } = await setUpSomewhere(context, at, checked.data, options.resetLink === true);
  const file = sessionFileOf(context);
  await writeSession(file, { url: null, pin: running?.pin ?? null, email, session });
  await answer(context, { person, session_file: file, url: at.url }, () => [
    `${terminal.paint('green', '✓')} ${person.name} <${person.email}> is owner, and signed in here.`,
    `  session  ${file}`,
    `  next     ${context.typed} token create --name "Claude Code"`,
  ]);
}

type Owner = { email: string; name: string; password: string };

/** Through the running control plane, so that open dashboards notice; on the store itself when none runs. */
async function setUpSomewhere(context: CliContext, at: Target, owner: Owner, reset: boolean) {
  const { dataDir } = configOf(context);
  const call = callAt(at);
  const attempt = async (secret: string) => {
    const { session, person } = await call('setUp', { ...owner, secret, cli: true });
    return { session: session ?? '', person };
  };
  try {
    const { needed } = await call('getSetup', {});
    if (!needed && !reset) throw fault('setup_done');
    const written = reset ? null : await readSetupSecret(dataDir);
    if (written === null) return await attempt(await freshSecret(context));
    return await attempt(written).catch(async (error: unknown) => {
      if (!(error instanceof Fault) || error.code !== 'setup_link_invalid') throw error;
      return attempt(await freshSecret(context)); // the written one is older than 15 minutes
    });
  } catch (error) {
    if (!(error instanceof UnreachableError) || !at.local) throw error;
    return setUpOnStore(context, owner, reset);
  }
}

async function setUpOnStore(context: CliContext, owner: Owner, reset: boolean) {
  await using store = await openStore(context);
  if (!reset && !(await setupNeeded(store.access))) throw fault('setup_done');
  const { url } = await makeSetupLink(store.access, store.config);
  const secret = url.split('#')[1] ?? '';
  const { secret: session, personId } = await setUp(
    store.access,
    { ...owner, secret, kind: 'cli' },
    { ip: null, userAgent: 'countersign' },
  );
  await forgetSetupLink(store.config.dataDir);
  return { session, person: { id: personId, name: owner.name, email: owner.email, role: 'owner' } };
}

async function freshSecret(context: CliContext): Promise<string> {
  await using store = await openStore(context);
  return (await makeSetupLink(store.access, store.config)).url.split('#')[1] ?? '';
}

async function newLink(context: CliContext): Promise<void> {
  await using store = await openStore(context);
  const running = await readRunning(store.config.dataDir);
  const place = { dataDir: store.config.dataDir, publicUrl: running?.publicUrl ?? store.config.publicUrl };
  const { url, expiresAt } = await makeSetupLink(store.access, place);
  await answer(context, { setup_link: url, expires_at: isoTime(expiresAt) }, () => [
    url,
    '  works once, for 15 minutes',
  ]);
}

async function login(
  context: CliContext,
  options: { email?: string; passwordStdin?: boolean; code?: string },
): Promise<void> {
  const { terminal } = context;
  const at = await targetOf(context);
  const email = options.email ?? (await terminal.ask('E-mail address: ', 'Name it: login --email you@example.org'));
  const password = await readPassword(terminal, options);
  const call = callAt(at);
  const signIn = (code: string | undefined) =>
    call('signIn', { email, password, cli: true, ...(code ? { code } : {}) });
  const signedInAs = await signIn(options.code).catch(async (error: unknown) => {
    if (!(error instanceof Fault) || error.code !== 'code_required') throw error;
    return signIn(await terminal.ask('Code of your authenticator app: ', 'Send it: login --code 123456'));
  });
  if (signedInAs.session === null) throw new UsageError('The control plane gave no session.', 'Is --url right?');
  const file = sessionFileOf(context);
  await writeSession(file, { url: at.local ? null : at.url, pin: at.pin, email, session: signedInAs.session });
  const { person } = signedInAs;
  await answer(context, { person, session_file: file, url: at.url }, () => [
    `${terminal.paint('green', '✓')} Signed in to ${at.url} as ${person.name}, ${person.role}.`,
  ]);
}
