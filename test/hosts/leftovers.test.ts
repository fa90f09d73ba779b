import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bootHost, type HostPlace, listHosts } from './host.ts';
import { hostTest } from './requirements.ts';

async function found<T>(look: Promise<T>): Promise<T | undefined> {
  return look.catch((error: NodeJS.ErrnoException) => {
    // The others: gone between the opening and the reading.
    if (['ENOENT', 'ESRCH', 'ENODEV', 'EINVAL'].includes(error.code ?? '')) return undefined;
    throw error;
  });
}

/** A process's start time tells it from a later one with the same id. */
async function processMark(pid: number | string): Promise<string | undefined> {
  const line = await found(readFile(`/proc/${pid}/stat`, 'utf8'));
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' ? undefined : `${pid} ${fields[19]}`;
}

async function marksUnder(group: string): Promise<readonly string[]> {
  // A unit of the host may end while we look.
  const listed = (await found(readFile(join(group, 'cgroup.procs'), 'utf8'))) ?? '';
  const own = await Promise.all(
    listed
      .split('\n')
      .filter((pid) => pid !== '')
      .map(processMark),
  );
  const entries = (await found(readdir(group, { withFileTypes: true }))) ?? [];
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => marksUnder(join(group, entry.name)));
  return [...own.filter((mark) => mark !== undefined), ...(await Promise.all(below)).flat()];
}

async function interfaceMark(place: HostPlace): Promise<string | undefined> {
  return found(readFile(`/sys/class/net/cshost${place.address.split('.')[2]}/ifindex`, 'utf8'));
}

async function groupMark(place: HostPlace): Promise<number | undefined> {
  return (await found(stat(place.group)))?.ino;
}

/** What a host has on this machine now, so that it can be told later whether any of it is left (the slot may be another's then). */
async function traces(place: HostPlace) {
  const processes = [...(await marksUnder(place.group)), await processMark(place.supervisorPid)];
  const before = { link: await interfaceMark(place), group: await groupMark(place) };
  assert.ok(processes.length > 8 && before.link !== undefined && before.group !== undefined);
  return {
    async left(): Promise<readonly string[]> {
      const alive = await Promise.all(processes.map((mark) => processMark(mark?.split(' ')[0] ?? '')));
      const left = alive
        .filter((mark) => mark !== undefined && processes.includes(mark))
        .map((mark) => `process ${mark}`);
      if ((await interfaceMark(place)) === before.link) left.push('interface');
      if ((await groupMark(place)) === before.group) left.push('control group');
      if ((await listHosts()).some((host) => host.pid === place.pid)) left.push('entry in the list');
      const mounts = await readFile('/proc/self/mounts', 'utf8');
      if (mounts.includes('countersign-hosts/disk')) left.push('mount');
      return left;
    },
  };
}

async function untilNothingLeft(trace: { left(): Promise<readonly string[]> }): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await trace.left()).length > 0 && performance.now() < deadline) await delay(20);
  assert.deepEqual(await trace.left(), []);
}

async function placeOf(pid: number): Promise<HostPlace> {
  const place = (await listHosts()).find((host) => host.pid === pid);
  assert.ok(place);
  return place;
}

hostTest('when a host is disposed of, no process, mount, control group or interface of it is left', async () => {
  const host = await bootHost();
  const trace = await traces(await placeOf(host.pid));
  await host[Symbol.asyncDispose]();
  assert.deepEqual(await trace.left(), []);
  await host[Symbol.asyncDispose]();
});

hostTest('when a host that restarted is disposed of, nothing of it is left either', async () => {
  const host = await bootHost();
  await host.reboot({ abrupt: true });
  const trace = await traces(await placeOf(host.pid));
  await host[Symbol.asyncDispose]();
  assert.deepEqual(await trace.left(), []);
});

hostTest('when the process that booted a host is killed, the host ends and nothing of it is left', async (t) => {
  const script = `import { bootHost } from ${JSON.stringify(new URL('./host.ts', import.meta.url).href)};
    const host = await bootHost({ name: 'orphan' });
    console.log(host.pid);
    setInterval(() => undefined, 60_000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => owner.kill('SIGKILL'));
  const [pid] = await once(owner.stdout, 'data');
  const trace = await traces(await placeOf(Number(pid)));
  owner.kill('SIGKILL');
  await untilNothingLeft(trace);
});

hostTest(
  'when even the supervisor of a host was killed, the host ends and the next look at the hosts clears the rest',
  async () => {
    const host = await bootHost();
    const place = await placeOf(host.pid);
    const trace = await traces(place);
    process.kill(place.supervisorPid, 'SIGKILL');
    await host.waitFor(async () => (await host.exec(['true']).catch(() => undefined)) === undefined);
    await untilNothingLeft(trace); // it lists the hosts each time
    await assert.rejects(host.exec(['true']), /is off: its supervisor ended with SIGKILL/);
  },
);
