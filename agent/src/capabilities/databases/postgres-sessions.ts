/** Sessions of PostgreSQL that hold others up. */
import type { Suggestion } from '@countersign/protocol';
import { count, type Report, sayDuration } from '../report.ts';
import { maskQuery } from './mask-query.ts';
import type { Reading, Session } from './postgres-reading.ts';

const BLOCKED_LONG_S = 30;
const IDLE_S = 60;
const IDLE_LONG_S = 600;
const QUERY_S = 300;
const SHOWN = 5;

/** Who blocks whom, who idles in a transaction, and what runs for long. Each session is told once. */
export function lookAtSessions(report: Report, { waits, sessions }: Reading, port: number): void {
  const roots = rootBlockers(waits);
  for (const [pid, waiting] of [...roots].slice(0, SHOWN)) addBlocker(report, pid, waiting, sessions, port);
  const others = sessions.filter(({ pid, type }) => !roots.has(pid) && type === 'client backend');
  for (const session of others.filter((it) => isIdle(it) && it.state_s >= IDLE_S).slice(0, SHOWN))
    report.add({
      kind: 'postgres.idle_in_transaction',
      severity: session.state_s >= IDLE_LONG_S ? 'critical' : 'warning',
      title: `Session ${session.pid} of ${session.usename} in ${session.datname} has been idle in a transaction for ${sayDuration(session.state_s * 1000)}.`,
      evidence: [lastQuery(session)],
      causes: ['An application forgot to commit, or hangs in the middle of a transaction.'],
      suggestions: [terminateIdle(session, port)],
    });
  for (const session of others.filter(({ state, query_s: s }) => state === 'active' && s >= QUERY_S).slice(0, SHOWN))
    report.add({
      kind: 'postgres.long_query',
      severity: 'warning',
      title: `A query of ${session.usename} in ${session.datname} has run for ${sayDuration(session.query_s * 1000)} (session ${session.pid}).`,
      evidence: [lastQuery(session)],
      suggestions: [cancelQuery(session, port)],
    });
}

/** Sessions that wait for nobody themselves → how many wait for them, directly or behind others. Most first. */
export function rootBlockers(waits: Reading['waits']): Map<number, number> {
  const blockersOf = Map.groupBy(waits, ({ pid }) => pid);
  const rootsOf = (pid: number, seen: ReadonlySet<number>): number[] =>
    (blockersOf.get(pid) ?? []).flatMap(({ blocker }) =>
      seen.has(blocker) ? [] : blockersOf.has(blocker) ? rootsOf(blocker, new Set([...seen, blocker])) : [blocker],
    );
  const waiting = new Map<number, number>();
  for (const pid of blockersOf.keys())
    for (const root of new Set(rootsOf(pid, new Set([pid])))) waiting.set(root, (waiting.get(root) ?? 0) + 1);
  return new Map([...waiting].sort(([, a], [, b]) => b - a));
}

function addBlocker(report: Report, pid: number, waiting: number, sessions: readonly Session[], port: number): void {
  const session = sessions.find((it) => it.pid === pid);
  const who =
    session === undefined
      ? 'A prepared transaction'
      : `Session ${pid} of ${session.usename || session.type}${session.datname === '' ? '' : ` in ${session.datname}`}, ${session.state || 'at work'} for ${sayDuration(session.state_s * 1000)},`;
  report.add({
    kind: 'postgres.blocked',
    severity: (session?.state_s ?? BLOCKED_LONG_S) >= BLOCKED_LONG_S ? 'critical' : 'warning',
    title: `${who} keeps ${count(waiting, 'session')} waiting for a lock.`,
    evidence: session === undefined ? [] : [lastQuery(session)],
    causes: [
      session !== undefined && isIdle(session)
        ? 'An application forgot to commit, or hangs in the middle of a transaction.'
        : 'A long change or a lock taken by hand, such as ALTER TABLE, holds up what others do.',
    ],
    suggestions: suggestionsFor(session, port),
  });
}

function suggestionsFor(session: Session | undefined, port: number): Suggestion[] {
  if (session?.type !== 'client backend') return [];
  if (isIdle(session)) return [terminateIdle(session, port)];
  return session.state === 'active' ? [cancelQuery(session, port)] : [];
}

const isIdle = ({ state }: Session) => state.startsWith('idle in transaction');

/** The playbook that ends a session. It must have been idle for as long as it has been, in whole seconds. */
export function terminateIdle({ pid, backend_start, state_s: idle }: Session, port: number): Suggestion {
  return {
    playbook: 'pg.terminate_idle_tx',
    parameters: {
      pid,
      backend_start,
      min_age: `${Math.max(1, Math.min(3600, Math.floor(idle)))}s`,
      ...portIfOther(port),
    },
    why: `It does nothing; its transaction is rolled back and its client has to connect again.`,
  };
}

function cancelQuery({ pid, backend_start, query_sha256 }: Session, port: number): Suggestion {
  return {
    playbook: 'pg.cancel_query',
    parameters: { pid, backend_start, query_sha256, ...portIfOther(port) },
    why: 'The query fails and lets go of its locks; the session stays.',
  };
}

/** The usual port need not be told. */
export function portIfOther(port: number): { readonly port?: number } {
  return port === 5432 ? {} : { port };
}

function lastQuery({ pid, application, client, query }: Session): [string, string] {
  return [`pg_stat_activity, session ${pid} (${application || 'no name'}, ${client})`, maskQuery(query)];
}
