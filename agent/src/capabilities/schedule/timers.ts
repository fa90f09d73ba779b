/** Timers of systemd and how their jobs ended. Sources: systemctl(1) `list-timers`, systemd.timer(5), systemd.service(5). */
import { fault } from '@countersign/protocol';
import { z } from 'zod';
import { parsedJson } from '../../host/parsed-json.ts';
import { parseProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';

/** Milliseconds since 1970; `null` for never. */
type Moment = number | null;

export interface Timer {
  /** `logrotate.timer` */
  readonly name: string;
  /** The unit that it starts. */
  readonly job: string;
  readonly next: Moment;
  readonly last: Moment;
}

export interface Job {
  readonly name: string;
  /** `active`, `activating`, `inactive`, `failed` */
  readonly state: string;
  /** `success`, `exit-code`, `timeout`, … of its last run. */
  readonly result: string;
  readonly exitStatus: number;
  /** When its last run ended. */
  readonly endedAt: Moment;
  /** When it came into its present state. */
  readonly changedAt: Moment;
}

const ASK_MS = 8000;
const JOBS_MAX = 200;

const timerSchema = z.object({
  unit: z.string(),
  activates: z.string().nullish(),
  next: z.number().nullish(),
  last: z.number().nullish(),
});

/** All timers that systemd has loaded. Rejects with `capability_failed`. */
export async function readTimers(context: ObserveContext): Promise<Timer[]> {
  return parseTimers(await ask(context, ['systemctl', 'list-timers', '--all', '--no-pager', '--output=json']));
}

/** Times come in microseconds; 0 means never. Rejects with `capability_failed` for what is no such list. */
export function parseTimers(text: string): Timer[] {
  const parsed = z.array(timerSchema).safeParse(parsedJson(text));
  if (!parsed.success) throw unexpected('systemctl list-timers');
  return parsed.data.map(({ unit, activates, next, last }) => ({
    name: unit,
    job: activates || unit.replace(/\.timer$/, '.service'),
    next: moment(next),
    last: moment(last),
  }));
}

/** How jobs stand, by their names. */
export async function readJobs(context: ObserveContext, names: readonly string[]): Promise<Map<string, Job>> {
  const wanted = [...new Set(names)].slice(0, JOBS_MAX);
  if (wanted.length === 0) return new Map();
  const properties = 'Id,ActiveState,Result,ExecMainStatus,ExecMainExitTimestamp,StateChangeTimestamp';
  const show = ['systemctl', 'show', '--no-pager', '--timestamp=unix', `--property=${properties}`, '--', ...wanted];
  const blocks = (await ask(context, show)).split('\n\n').map(parseProperties);
  const jobs = blocks.flatMap((block) => (block.Id === undefined ? [] : [jobOf(block.Id, block)]));
  return new Map(jobs.map((job) => [job.name, job]));
}

function jobOf(name: string, block: Record<string, string>): Job {
  return {
    name,
    state: block.ActiveState ?? 'unknown',
    result: block.Result ?? 'unknown',
    exitStatus: Number(block.ExecMainStatus ?? 0),
    endedAt: stamp(block.ExecMainExitTimestamp),
    changedAt: stamp(block.StateChangeTimestamp),
  };
}

/** `@1700000000`, or empty. */
function stamp(text: string | undefined): Moment {
  const seconds = /^@(\d+)/.exec(text ?? '')?.[1];
  return seconds === undefined || seconds === '0' ? null : Number(seconds) * 1000;
}

function moment(microseconds: number | null | undefined): Moment {
  return microseconds == null || microseconds <= 0 || microseconds > 8.64e18 ? null : Math.floor(microseconds / 1000);
}

async function ask(context: ObserveContext, argv: readonly string[]): Promise<string> {
  const done = await context.exec({ argv, timeoutMs: ASK_MS, maxBytes: 2 * 1024 * 1024, signal: context.signal });
  if (done.exitCode !== 0) throw unexpected(argv.slice(0, 2).join(' '));
  return done.stdout;
}

const unexpected = (capability: string) =>
  fault('capability_failed', { capability, reason: 'systemd does not answer, or not in the expected form' });
