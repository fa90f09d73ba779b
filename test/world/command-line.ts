/** The command line on a person's own machine, which has nothing of the control plane but its address and the pin of its key. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { compiled, node, projectFolder } from './places.ts';
import type { World } from './world.ts';

const program = join(projectFolder, 'control-plane/src/cli/main.ts');

/** What `--json` printed. Loosely typed: a script that reads it has no types of ours either. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Printed = Record<string, any>;

export interface CommandLine extends AsyncDisposable {
  /** Files that commands name are found here. */
  readonly folder: string;
  /** Runs `countersign … --json`; rejects with what it printed when it fails. */
  run(argv: readonly string[], input?: string): Promise<Printed>;
  /** Runs a command that has to fail; resolves with the error that it prints. */
  refused(argv: readonly string[], input?: string): Promise<{ code: string; message: string; next_step: string }>;
}

/** Signs the owner in, on a machine of their own. */
export async function commandLine(world: World): Promise<CommandLine> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-person-'));
  const { install_command: command } = await world.owner('addServer', { name: 'only-for-its-pin' });
  await world.owner('removeServer', { server: 'only-for-its-pin' });
  const pin = /--tls-pin (\S+)/.exec(command)?.[1];
  const env = { PATH: process.env.PATH, ...compiled, HOME: folder, COUNTERSIGN_DATA: folder, NO_COLOR: '1' };
  const ran = async (argv: readonly string[], input = '') => {
    const child = spawn(node, [program, ...argv, '--json'], { cwd: folder, env });
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(input);
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const said = `countersign ${argv.join(' ')} ended with ${code}:\n${out}${err}`;
    if (!out.startsWith('{') && !out.startsWith('[')) throw new Error(said);
    return { code: code as number, printed: JSON.parse(out) as Printed, said };
  };
  const run: CommandLine['run'] = async (argv, input) => {
    const { code, printed, said } = await ran(argv, input);
    if (code !== 0) throw new Error(said);
    return printed;
  };
  const address = ['--url', world.url, ...(pin ? ['--pin', pin] : [])];
  await run(['login', ...address, '--email', world.email, '--password-stdin'], world.password);
  return {
    folder,
    run,
    refused: async (argv, input) => {
      const { code, printed, said } = await ran(argv, input);
      if (code === 0) throw new Error(said);
      return printed.error;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
