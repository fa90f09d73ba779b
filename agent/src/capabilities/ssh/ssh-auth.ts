import { durationMs, type Suggestion } from '@countersign/protocol';
import type { ObserveContext, Observer } from '../capability.ts';
import { printJournal } from '../logs/journal.ts';
import { count, Report } from '../report.ts';
import { AUTH_LINES_MAX, type AuthEvent, type Login, parseAuthLine, readAuthLog } from './auth-log.ts';
import { hardenSuggestions } from './harden-suggestions.ts';
import { readSpared, type Spared, whySpared } from './spared.ts';
import { readSshdSettings } from './sshd-settings.ts';

const SOURCES_MAX = 10;
/** So many tries from one address are no person who forgot a password. */
const GUESSING = 10;
/** Tried within this time: it goes on. */
const GOES_ON_MS = 15 * 60_000;
const EVIDENCE_LINES = 20;

type Failed = AuthEvent & { readonly kind: 'failed' };

/** Who tries to log in and who did, by sshd's own journal, wtmp and fail2ban. */
export const sshAuth: Observer<'ssh_auth'> = async ({ since }, context) => {
  const report = new Report(context);
  const from = context.clock.now() - durationMs(since);
  const log = await readAuthLog(context, from);
  if (log.blind !== null) report.blind('The log of sshd', log.blind);
  if (log.lines.length >= AUTH_LINES_MAX) report.cut();
  const events = log.lines.flatMap(parseAuthLine);
  const failed = events.filter((event) => event.kind === 'failed');
  const accepted = events.filter((event) => event.kind === 'accepted');
  report.figure('failed', failed.length);
  report.figure('accepted', accepted.length);
  const lines = (address: string) =>
    printJournal(log.lines.filter((line) => parseAuthLine(line)[0]?.address === address).slice(-EVIDENCE_LINES));
  // At the same time: under an attack the journal is large, and each of them may take most of the time there is.
  await Promise.all([
    lookAtSources(report, context, { failed, accepted, lines }),
    lookAtLogins(report, context, accepted, from),
    lookAtSettings(report, context, failed),
    lookAtFail2ban(report, context),
  ]);
  if (report.isCalm)
    report.add({
      kind: 'ssh.calm',
      severity: 'ok',
      title: `${count(failed.length, 'failed try', 'failed tries')} and ${count(accepted.length, 'login')} over SSH within ${since}.`,
      evidence: [['journal of sshd', printJournal(log.lines.slice(-EVIDENCE_LINES))]],
    });
  return report.finish();
};

interface Tries {
  readonly failed: readonly Failed[];
  readonly accepted: readonly Login[];
  lines(address: string): string;
}

async function lookAtSources(report: Report, context: ObserveContext, tries: Tries): Promise<void> {
  const sources = [...Map.groupBy(tries.failed, ({ address }) => address)]
    .map(([address, each]) => ({ address, each, last: each.at(-1)?.at ?? 0 }))
    .sort((a, b) => b.each.length - a.each.length);
  const guessing = sources.filter(({ each }) => each.length >= GUESSING).slice(0, SOURCES_MAX);
  if (guessing.length === 0) return;
  const spared = await readSpared(context);
  for (const { address, each, last } of guessing) {
    const users = [...new Set(each.map(({ user }) => user))];
    const goesOn = context.clock.now() - last <= GOES_ON_MS;
    const entered = tries.accepted.some((login) => login.address === address);
    report.add({
      kind: entered ? 'ssh.guessed' : goesOn ? 'ssh.under_attack' : 'ssh.guessing',
      severity: entered ? 'critical' : goesOn ? 'warning' : 'info',
      title: `${address} tried ${count(each.length, 'login')} as ${sayUsers(users)}${entered ? ', and one succeeded' : ''}${goesOn ? ', and goes on' : ''}.`,
      since: each[0]?.at,
      evidence: [['journal of sshd', tries.lines(address)]],
      causes: ['Robots guess passwords of every server that listens on port 22.'],
      suggestions: goesOn && !entered ? block(address, spared, each.length) : [],
    });
  }
}

function block(address: string, spared: Spared | null, tries: number): Suggestion[] {
  if (spared === null || whySpared(spared, address) !== null) return [];
  return [
    {
      playbook: 'ssh.block_ip',
      parameters: { address, ttl: '1h' },
      why: `${tries} tries, and nobody who may log in comes from there.`,
    },
  ];
}

async function lookAtLogins(
  report: Report,
  context: ObserveContext,
  accepted: readonly Login[],
  from: number,
): Promise<void> {
  const known = await addressesBefore(context, from);
  if (known === null) report.blind('Logins of former times', 'last is not installed or there is no /var/log/wtmp');
  const fresh = known === null || known.size === 0 ? [] : accepted.filter(({ address }) => !known.has(address));
  for (const [address, logins] of [...Map.groupBy(fresh, (login) => login.address)].slice(0, SOURCES_MAX))
    report.add({
      kind: 'ssh.new_address',
      severity: 'warning',
      title: `${address}, from where nobody logged in before, logged in as ${sayUsers([...new Set(logins.map(({ user }) => user))])} (${count(logins.length, 'time')}).`,
      since: logins[0]?.at,
      causes: ['Somebody works from elsewhere, or a key or password got into other hands.'],
    });
  const root = accepted.filter(({ user }) => user === 'root');
  const byPassword = root.filter(({ method }) => method !== 'publickey');
  if (root.length > 0)
    report.add({
      kind: 'ssh.root_login',
      severity: byPassword.length > 0 ? 'warning' : 'info',
      title: `root logged in ${count(root.length, 'time')} from ${[...new Set(root.map(({ address }) => address))].slice(0, 5).join(', ')}${byPassword.length > 0 ? `, ${byPassword.length} of them with a password` : ''}.`,
      since: root[0]?.at,
    });
}

/** Addresses that logged in before a time, from wtmp; `null` when it cannot be read. Source: last(1). */
async function addressesBefore(context: ObserveContext, from: number): Promise<Set<string> | null> {
  const argv = ['last', '--ip', '--fullnames', '--time-format', 'iso', '--limit', '300'];
  const done = await context.exec({ argv, timeoutMs: 5000, signal: context.signal });
  if (done.exitCode !== 0) return null;
  return new Set(parseLast(done.stdout).flatMap(({ address, at }) => (at < from ? [address] : [])));
}

/** Lines `user tty address time - …` of `last --time-format iso`. */
export function parseLast(text: string): { readonly address: string; readonly at: number }[] {
  return text.split('\n').flatMap((line) => {
    const found = /^(\S+)\s+\S+\s+([0-9a-f.:]+)\s+(\d{4}-\d\d-\d\dT\S+)/.exec(line);
    const at = Date.parse(found?.[3] ?? '');
    return found === null || found[1] === 'reboot' || Number.isNaN(at) ? [] : [{ address: found[2] ?? '', at }];
  });
}

async function lookAtSettings(report: Report, context: ObserveContext, failed: readonly Failed[]): Promise<void> {
  const settings = await readSshdSettings(context);
  if (settings === null) {
    report.blind('The settings of sshd', 'sshd is not installed, or its configuration is not valid');
    return;
  }
  if (settings.passwordauthentication !== 'yes') return;
  report.add({
    kind: 'ssh.passwords_allowed',
    severity: failed.length >= GUESSING ? 'warning' : 'info',
    title: `sshd takes passwords${failed.length > 0 ? `, and ${count(failed.length, 'try', 'tries')} failed` : ''}.`,
    causes: ['Without passwords there is nothing to guess: keys are enough.'],
    suggestions: await hardenSuggestions(context, settings),
  });
}

async function lookAtFail2ban(report: Report, context: ObserveContext): Promise<void> {
  const argv = ['fail2ban-client', 'status', 'sshd'];
  const done = await context.exec({ argv, timeoutMs: 4000, signal: context.signal });
  const banned = /Currently banned:\s*(\d+)/.exec(done.stdout)?.[1];
  report.figure('fail2ban_banned', done.exitCode === 0 && banned !== undefined ? Number(banned) : null);
  if (done.exitCode === 0 && banned !== undefined && Number(banned) > 0)
    report.add({
      kind: 'ssh.fail2ban_bans',
      severity: 'info',
      title: `fail2ban keeps out ${count(Number(banned), 'address', 'addresses')} by its jail sshd.`,
      evidence: [['fail2ban-client status sshd', done.stdout]],
    });
}

function sayUsers(users: readonly string[]): string {
  const shown = users.slice(0, 5).join(', ');
  return users.length > 5 ? `${shown} and ${users.length - 5} more` : shown;
}
