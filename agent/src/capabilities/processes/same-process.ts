/** Makes sure that a process is the one that was meant, and none that must not be touched. */
import { fault } from '@countersign/protocol';
import { type Process, readProcess, unitOfProcess } from '../../host/processes.ts';
import type { ChangePreview } from '../capability.ts';

/** Numbers are given anew after a process ended: only with its start does one name it for ever. */
export interface ProcessName {
  readonly pid: number;
  /** Ticks after boot. */
  readonly start_time: number;
}

/** What holds the server together, or lets people in, whatever unit it runs in. The owner's policy protects units besides. */
const PROTECTED =
  /^(systemd.*|\(sd-.*|init|dbus-.*|polkitd|sshd.*|dropbear|login|agetty|countersign.*|dockerd|containerd.*)$/;

/** The process while it runs, `null` when it has ended. A zombie has ended: only its entry is left. */
export function findProcess({ pid, start_time: started }: ProcessName): Process | null {
  const found = readProcess(pid);
  return found === null || found.startedTicks !== started || found.state === 'Z' || found.state === 'X' ? null : found;
}

/** The process, when it may be touched. Throws `precondition_failed` with the reason when it may not. */
export function touchable(named: ProcessName & { readonly unit: string }): Process {
  const { pid, unit } = named;
  const found = findProcess(named);
  if (found === null) throw refused(`process ${pid} is not there any more, or its number was given to another one`);
  if (PROTECTED.test(found.name)) throw refused(`${found.name} (process ${pid}) is protected`);
  if (pid === process.pid || pid === process.ppid) throw refused(`process ${pid} is Countersign itself`);
  const own = unitOfProcess(pid);
  if (own !== unit)
    throw refused(
      own === null ? `process ${pid} belongs to no unit` : `process ${pid} belongs to ${own}, not to ${unit}`,
    );
  return found;
}

/** Facts that tell whether it is still the same. The unit is named by its real name, so that the owner's policy can judge it. */
export function processWitness({ pid, startedTicks, name }: Process, unit: string): ChangePreview['witness'] {
  const subject = `process ${pid}`;
  return [
    { subject, property: 'start_time', value: startedTicks },
    { subject, property: 'name', value: name },
    { subject: `unit ${unit}`, property: 'holds', value: `process ${pid}` },
  ];
}

const refused = (reason: string) => fault('precondition_failed', { reason });
