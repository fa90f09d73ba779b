/**
 * Which boot this is. The kernel's boot id alone does not tell in a container, whose own boots it does not count; the start of
 * its first process does. Source: random(4), proc_pid_stat(5), proc_stat(5).
 */
import { readFileSync } from 'node:fs';
import { readBootId } from './facts.ts';
import { parseStat, TICKS_PER_SECOND } from './processes.ts';

export interface Boot {
  /** Differs after every boot. */
  readonly id: string;
  /** When it was, milliseconds since 1970. Equal whenever it is asked. */
  readonly at: number;
}

/** `named`: the kernel's boot id as the service manager gave it, where `/proc` shows another one. */
export function readBoot(named: string | null): Boot {
  const first = parseStat(readFileSync('/proc/1/stat', 'utf8'), 1)?.startedTicks ?? 0;
  const booted = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0);
  const id = (named ?? readBootId()).replaceAll('-', '');
  return { id: `${id}.${first}`, at: (booted + Math.floor(first / TICKS_PER_SECOND)) * 1000 };
}
