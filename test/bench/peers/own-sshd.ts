/**
 * An sshd of our own on loopback: own keys, own configuration, own port, in a temporary folder. The machine's own sshd, its
 * keys and its configuration are not touched. Sources: sshd_config(5), ssh_config(5).
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../world/eventually.ts';
import { freePort } from '../../world/free-port.ts';
import { findPeer } from './find-program.ts';
import { startChild } from './own-child.ts';

const run = promisify(execFile);
const OUTPUT_MAX = 8 * 1024 * 1024;

export interface OwnSshd extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly keyFile: string;
  /** Runs argv there over a new connection; resolves with what it printed. `port`: of a proxy in between. */
  fresh(argv: readonly string[], port?: number): Promise<string>;
  /** Opens a master connection (ControlMaster); what runs over it makes no handshake any more. */
  master(port?: number): Promise<Master>;
}

export interface Master extends AsyncDisposable {
  run(argv: readonly string[]): Promise<string>;
}

/** Starts it, or says which package is missing. */
export async function startSshd(): Promise<OwnSshd | { readonly missing: string }> {
  const programs = { sshd: findPeer('sshd'), ssh: findPeer('ssh'), keygen: findPeer('ssh-keygen') };
  for (const program of Object.values(programs)) if ('missing' in program) return program;
  const [sshd, ssh, keygen] = [pathOf(programs.sshd), pathOf(programs.ssh), pathOf(programs.keygen)];
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-ssh-'));
  const port = await freePort();
  for (const name of ['host', 'person'])
    await run(keygen, ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench', '-f', join(folder, name)]);
  await run('cp', ['--', join(folder, 'person.pub'), join(folder, 'authorized')]);
  await writeFile(join(folder, 'sshd_config'), serverConfig(folder, port));
  // Where sshd runs as root it separates its privileges in this folder, which Debian's unit makes.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const daemon = startChild(sshd, ['-D', '-e', '-f', join(folder, 'sshd_config')]);
  const options = (to: number) => clientOptions(folder, to);
  const call = async (argv: readonly string[]) => (await run(ssh, [...argv], { maxBuffer: OUTPUT_MAX })).stdout;
  const fresh = (argv: readonly string[], to = port) => call([...options(to), 'peer', '--', ...argv]);
  await eventually('sshd to let us in', async () => {
    if (daemon.process.exitCode !== null) throw new Error(`sshd ended:\n${daemon.printed()}`);
    await fresh(['true']);
    return true;
  });
  let masters = 0;
  return {
    ...{ port, folder, fresh, keyFile: join(folder, 'person') },
    master: (to = port) => {
      masters += 1;
      return openMaster({ ssh, call, options: options(to), socket: join(folder, `m${masters}`) });
    },
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function openMaster(deps: {
  ssh: string;
  call: (argv: readonly string[]) => Promise<string>;
  options: readonly string[];
  socket: string;
}): Promise<Master> {
  const { ssh, call, options, socket } = deps;
  const child = startChild(ssh, [...options, '-M', '-N', '-S', socket, 'peer']);
  const through = ['-S', socket, '-o', 'ControlMaster=no'];
  await eventually('the master connection', async () => {
    if (child.process.exitCode !== null) throw new Error(`ssh ended:\n${child.printed()}`);
    await run(ssh, [...options, ...through, '-O', 'check', 'peer']);
    return true;
  });
  return {
    run: (argv) => call([...options, ...through, 'peer', '--', ...argv]),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

const pathOf = (program: ReturnType<typeof findPeer>) => ('path' in program ? program.path : '');

function serverConfig(folder: string, port: number): string {
  return `Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder}/host
AuthorizedKeysFile ${folder}/authorized
PidFile none
UsePAM no
UseDNS no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxSessions 200
MaxStartups 200
PrintMotd no
`;
}

function clientOptions(folder: string, port: number): string[] {
  const settings = {
    HostName: '127.0.0.1',
    Port: String(port),
    User: userInfo().username,
    IdentityFile: `${folder}/person`,
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'no',
    BatchMode: 'yes',
    LogLevel: 'ERROR',
  };
  // No file: what the person has in ~/.ssh/config is theirs.
  return ['-F', 'none', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}
