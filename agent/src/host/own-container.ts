/** The container that this process itself runs in, if any. Source: proc_pid_mountinfo(5), how Docker mounts resolv.conf. */
import { readTextOrNull } from './look.ts';

/** The whole id; `null` outside of containers. */
export function ownContainerId(): string | null {
  const mounts = readTextOrNull('/proc/self/mountinfo');
  return mounts === null ? null : parseOwnContainer(mounts);
}

/** Docker mounts these files of the container's own folder into every container: their source names it. */
export function parseOwnContainer(mountinfo: string): string | null {
  for (const line of mountinfo.split('\n')) {
    const [, , , root = '', point = ''] = line.split(' ');
    if (!['/etc/hostname', '/etc/resolv.conf', '/etc/hosts'].includes(point)) continue;
    const id = /\/containers\/([0-9a-f]{64})\//.exec(root)?.[1];
    if (id !== undefined) return id;
  }
  return null;
}
