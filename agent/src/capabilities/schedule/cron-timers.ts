import { durationMs } from '@countersign/protocol';
import { systemdRuns } from '../../host/unit.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { printJournal, readJournal } from '../logs/journal.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayDuration } from '../report.ts';
import { readCronLines } from './crontabs.ts';
import { type Job, readJobs, readTimers, type Timer } from './timers.ts';

const STUCK_MS = 6 * 3_600_000;
const LATE_MS = 10 * 60_000;
const LINES = 15;
const LOOKED_AT = 10;
const CRON_LINES = 2000;
/** What cron itself says when a table or a job is wrong. Source: cron's own messages. */
const CRON_COMPLAINT =
  /\b(ERROR|WRONG FILE OWNER|INSECURE MODE|BAD FILE MODE|NOT A REGULAR FILE|ORPHAN|bad (minute|hour|day|month|command|username)|failed with exit status|can't lock|CAN'T FORK|Syntax error)/;

/** Jobs of timers and cron that failed, hang, or were missed. */
export const cronTimers: Observer<'cron_timers'> = async ({ since }, context) => {
  const report = new Report(context);
  if (systemdRuns()) await orBlind(report, 'Timers', () => lookAtTimers(report, context));
  else report.blind('Timers', 'systemd does not run this machine');
  await lookAtCron(report, context, context.clock.now() - durationMs(since));
  if (report.isCalm) report.add({ kind: 'schedule.calm', severity: 'ok', title: 'No scheduled job has failed.' });
  return report.finish();
};

async function lookAtTimers(report: Report, context: ObserveContext): Promise<void> {
  const timers = await readTimers(context);
  const jobs = await readJobs(
    context,
    timers.map(({ job }) => job),
  );
  const states = await readJobs(
    context,
    timers.map(({ name }) => name),
  );
  report.figure('timers', timers.length);
  let failures = 0;
  for (const timer of timers) {
    const job = jobs.get(timer.job);
    if (job === undefined) continue;
    if (job.result !== 'success' && failures < LOOKED_AT) {
      failures += 1;
      await sayFailed(report, context, timer, job);
    }
    sayStuck(report, timer, job, context.clock.now());
    sayMissed(report, timer, states.get(timer.name), job, context.clock.now());
  }
  report.figure('failed_jobs', failures);
}

async function sayFailed(report: Report, context: ObserveContext, timer: Timer, job: Job): Promise<void> {
  const answer = await readJournal(context, { unit: job.name, lines: LINES });
  report.add({
    kind: 'schedule.job_failed',
    severity: 'warning',
    title: `The last run of ${job.name} failed: ${job.result}, status ${job.exitStatus}; ${timer.name} starts it${timer.next === null ? ' no more' : ` next at ${new Date(timer.next).toISOString()}`}.`,
    since: job.endedAt ?? undefined,
    evidence: [[`journal of ${job.name}`, printJournal(answer.lines)]],
    causes: ['What it needs was missing: a host, a file, room on the disk.', 'Its program or configuration changed.'],
    suggestions: [
      suggest(timer, 'run', 'Runs the job once now: the cause may be gone.'),
      suggest(timer, 'pause', 'Keeps it from running again until it is mended or the server is rebooted.'),
    ],
  });
}

function sayStuck(report: Report, timer: Timer, job: Job, now: number): void {
  if (job.state !== 'activating' || job.changedAt === null || now - job.changedAt < STUCK_MS) return;
  report.add({
    kind: 'schedule.job_stuck',
    severity: 'warning',
    title: `${job.name} has been running for ${sayDuration(now - job.changedAt)}; ${timer.name} cannot start it again meanwhile.`,
    since: job.changedAt,
    causes: ['It waits for a lock, a host or an answer.', 'It has more to do than it used to.'],
  });
}

/** A timer that has fired before, stands still now and has nothing to come: somebody stopped it, or its time has passed. */
function sayMissed(report: Report, timer: Timer, state: Job | undefined, job: Job, now: number): void {
  const late = timer.next !== null && now - timer.next > LATE_MS && job.state !== 'activating';
  const stopped = state?.state === 'inactive' && timer.last !== null;
  if (late)
    report.add({
      kind: 'schedule.job_missed',
      severity: 'warning',
      title: `${timer.name} should have started ${job.name} ${sayDuration(now - (timer.next ?? now))} ago.`,
      since: timer.next ?? undefined,
      causes: ['The clock jumped.', 'systemd waits for something that the timer needs.'],
      suggestions: [suggest(timer, 'run', 'Runs the missed job now.')],
    });
  else if (stopped)
    report.add({
      kind: 'schedule.timer_stopped',
      severity: 'info',
      title: `${timer.name} is stopped: ${job.name} does not run by itself any more.`,
      since: state.changedAt ?? undefined,
      causes: ['Somebody paused it and did not start it again.'],
      suggestions: [suggest(timer, 'resume', 'Has the job run by itself again.')],
    });
}

const suggest = (timer: Timer, verb: 'run' | 'pause' | 'resume', why: string) => ({
  playbook: 'cron.run_or_pause',
  parameters: { timer: timer.name, verb },
  why,
});

async function lookAtCron(report: Report, context: ObserveContext, since: number): Promise<void> {
  const { lines, blind } = readCronLines();
  report.figure('cron_jobs', lines.length);
  if (blind && lines.length > 0) report.blind('The crontabs of users', 'that needs root, or cron is not installed');
  if (lines.length > 0)
    report.add({
      kind: 'schedule.cron_jobs',
      severity: 'info',
      title: `cron has ${count(lines.length, 'job')}.`,
      evidence: [
        [
          'crontabs',
          lines
            .slice(0, 50)
            .map(({ user, when, command }) => `${user ?? '?'}: ${when} ${command}`)
            .join('\n'),
        ],
      ],
    });
  if (!systemdRuns()) return;
  await orBlind(report, 'The state of cron', () => lookAtDaemon(report, context, lines.length));
  // Asked of the journal: jobs of every minute write more lines than anybody would read through.
  const { lines: complaints } = await readJournal(context, {
    unit: 'cron.service',
    since,
    lines: CRON_LINES,
    grep: CRON_COMPLAINT.source,
  });
  report.figure('cron_complaints', complaints.length);
  if (complaints.length > 0)
    report.add({
      kind: 'schedule.cron_complains',
      severity: 'warning',
      title: `cron complains of ${count(complaints.length, 'thing')} about its tables or jobs.`,
      since: complaints[0]?.at,
      evidence: [['journal of cron.service', printJournal(complaints.slice(-LINES))]],
      causes: ['A line of a table is wrong, or its file has the wrong owner or mode.', 'A job ended with an error.'],
    });
}

async function lookAtDaemon(report: Report, context: ObserveContext, jobs: number): Promise<void> {
  const cron = (await readJobs(context, ['cron.service'])).get('cron.service');
  if (jobs === 0 || cron === undefined || cron.state === 'active') return;
  report.add({
    kind: 'schedule.cron_down',
    severity: 'warning',
    title: `cron.service is ${cron.state}, so none of its ${count(jobs, 'job')} runs.`,
    since: cron.changedAt ?? undefined,
    suggestions: [
      { playbook: 'service.restart', parameters: { unit: 'cron.service' }, why: 'It starts cron and watches it.' },
    ],
  });
}
