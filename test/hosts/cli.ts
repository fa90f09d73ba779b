import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { bootHost, HOST_ENVIRONMENT, type HostPlace, insideArgv, listHosts } from './host.ts';
import { buildImage } from './image.ts';

const USAGE = `node test/hosts/cli.ts make              build the Debian tree if it is missing
                       start NAME        boot a host that stays until it is stopped
                       exec NAME ARGV... run a command inside, on this terminal
                       list              the hosts that run on this machine
                       stop NAME         end it and clear it away
`;

async function find(name: string | undefined): Promise<HostPlace> {
  const place = (await listHosts()).find((host) => host.name === name);
  if (place === undefined) throw new Error(`no host named ${name} runs`);
  return place;
}

async function start(name: string | undefined): Promise<void> {
  if (name === undefined) throw new Error('start needs a name');
  if ((await listHosts()).some((host) => host.name === name)) throw new Error(`a host named ${name} runs already`);
  const host = await bootHost({ name, outlive: true });
  process.stdout.write(`${name} is up at ${host.address}; it reaches this machine at ${host.gateway}\n`);
  host.release();
}

async function exec(name: string | undefined, argv: readonly string[]): Promise<number> {
  const [file = 'sh', ...rest] = insideArgv(await find(name), argv);
  const env = { ...HOST_ENVIRONMENT, TERM: process.env.TERM ?? 'dumb' };
  const [code] = await once(spawn(file, rest, { stdio: 'inherit', env }), 'close');
  return typeof code === 'number' ? code : 1;
}

async function stop(name: string | undefined): Promise<void> {
  process.kill((await find(name)).supervisorPid, 'SIGTERM');
  const deadline = performance.now() + 15_000;
  while ((await listHosts()).some((host) => host.name === name)) {
    if (performance.now() > deadline) throw new Error(`${name} does not end`);
    await delay(50);
  }
}

async function main(verb: string | undefined, name: string | undefined, argv: readonly string[]): Promise<number> {
  if (verb === 'make') process.stdout.write(`${await buildImage()}\n`);
  else if (verb === 'start') await start(name);
  else if (verb === 'exec') return exec(name, argv);
  else if (verb === 'stop') await stop(name);
  else if (verb === 'list') {
    for (const host of await listHosts()) process.stdout.write(`${host.name}\t${host.address}\tpid ${host.pid}\n`);
  } else {
    process.stderr.write(USAGE);
    return 2;
  }
  return 0;
}

const [verb, name, ...argv] = process.argv.slice(2);
try {
  process.exitCode = await main(verb, name, argv);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
