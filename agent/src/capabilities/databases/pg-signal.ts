/**
 * Cancelling a query and ending an idle session. What the plan names is part of the very statement that does it, so that a
 * session that has gone on to something else, or another one with the same pid, is never met. Source: "Server Signaling Functions".
 */
import { capability, durationMs, fault, type ParametersOf, type StepResult } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import type { ChangeContext, ChangePreview, Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { sayDuration } from '../report.ts';
import { maskQuery } from './mask-query.ts';
import { isSession, readSession, type SessionNow } from './pg-session.ts';
import { IDLE_IN_TRANSACTION, QUERY_SHA256 } from './postgres-reading.ts';
import { PSQL_ENVIRONMENT, psqlArgv, quoteText } from './psql.ts';

type Target = Pick<ParametersOf<'pg.session'>, 'port' | 'pid' | 'backend_start'>;

export const pgCancel: Changer<'pg.cancel'> = {
  predictable: true,
  async preview(parameters, context) {
    const session = await found(context, parameters);
    if (session.state !== 'active' || session.query_sha256 !== parameters.query_sha256)
      throw fault('precondition_failed', { reason: `session ${parameters.pid} does not run that query any more` });
    return previewOf(parameters, session, {
      argv: argvOf(parameters, cancelStatement(parameters)),
      effect: `The query of ${sayWho(session)}, which has run for ${sayDuration((session.query_s ?? 0) * 1000)}, fails and its transaction is rolled back. The session stays.`,
    });
  },
  perform: (parameters, _, context) => signal(context, 'pg.cancel', parameters, cancelStatement(parameters)),
  recover: (_, __, context) => recovered(context),
};

export const pgTerminate: Changer<'pg.terminate'> = {
  predictable: true,
  async preview(parameters, context) {
    const session = await found(context, parameters);
    const idleMs = (session.state_s ?? 0) * 1000;
    if (!(session.state ?? '').startsWith('idle in transaction'))
      throw fault('precondition_failed', { reason: `session ${parameters.pid} is not idle in a transaction any more` });
    if (idleMs < durationMs(parameters.min_age))
      throw fault('precondition_failed', {
        reason: `session ${parameters.pid} has been idle in its transaction for ${sayDuration(idleMs)} only`,
      });
    return previewOf(parameters, session, {
      argv: argvOf(parameters, terminateStatement(parameters)),
      effect: `${sayWho(session)}, idle in a transaction for ${sayDuration(idleMs)}, is ended: what it has not committed is gone, and its client has to connect again.`,
    });
  },
  perform: (parameters, _, context) => signal(context, 'pg.terminate', parameters, terminateStatement(parameters)),
  recover: (_, __, context) => recovered(context),
};

/** Only what a client asked for: replication and autovacuum, also that against wraparound, are sessions of other types. */
async function found(context: ObserveContext, target: Target): Promise<SessionNow> {
  const session = await readSession(context, target);
  if (session === null)
    throw fault('precondition_failed', {
      reason: `session ${target.pid} that began at ${target.backend_start} is gone`,
    });
  if (session.type !== 'client backend')
    throw fault('precondition_failed', { reason: `session ${target.pid} is no client but a ${session.type}` });
  return session;
}

function cancelStatement(parameters: ParametersOf<'pg.cancel'>): string {
  const same = `${QUERY_SHA256} = ${quoteText(parameters.query_sha256)}`;
  return `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE ${isSession(parameters)} AND backend_type = 'client backend' AND state = 'active' AND ${same}`;
}

function terminateStatement(parameters: ParametersOf<'pg.terminate'>): string {
  const age = `state_change <= clock_timestamp() - interval '${durationMs(parameters.min_age) / 1000} seconds'`;
  return `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${isSession(parameters)} AND backend_type = 'client backend' AND ${IDLE_IN_TRANSACTION} AND ${age}`;
}

function argvOf({ port }: Target, statement: string): string[] {
  return psqlArgv({ port, dbname: 'postgres' }, [statement]);
}

function sayWho({ usename, datname }: SessionNow): string {
  return `the session of ${usename} in ${datname}`;
}

function previewOf(
  { pid, backend_start: start }: Target,
  session: SessionNow,
  { argv, effect }: { readonly argv: string[]; readonly effect: string },
): ChangePreview {
  const blocks =
    session.blocks === 0 ? 'Nobody waits for it now.' : `Sessions that wait for it now: ${session.blocks}.`;
  const effects = [
    effect.charAt(0).toUpperCase() + effect.slice(1),
    blocks,
    `Its query: ${maskQuery(session.query ?? '')}`,
  ];
  const subject = `postgres session ${pid}`;
  return {
    preview: { argv: [argv], diff: null, effects: effects.map((each) => each.slice(0, 500)), undo: null },
    witness: [
      { subject, property: 'backend_start', value: start },
      { subject, property: 'query_sha256', value: session.query_sha256 ?? '' },
    ],
  };
}

async function signal(
  context: ChangeContext,
  id: 'pg.cancel' | 'pg.terminate',
  target: Target,
  statement: string,
): Promise<StepResult> {
  const done = await context.processes.start({
    argv: argvOf(target, statement),
    env: PSQL_ENVIRONMENT,
    timeoutMs: capability(id).timeoutMs,
    signal: context.signal,
    onOutput: context.onOutput,
  });
  return resultOf(done);
}

/**
 * psql prints `t` for a session that was met and took the signal, and nothing when the condition met none. What PostgreSQL warns
 * of at the start of a session, such as another version of a collation, may stand around it.
 */
function resultOf(done: Executed): StepResult {
  if (done.exitCode !== 0) return { changed: false, exit_code: exitCodeOf(done), summary: `psql ${howItEnded(done)}.` };
  if (/^t$/m.test(done.stdout))
    return { changed: true, exit_code: 0, summary: 'PostgreSQL has signalled the session.' };
  return {
    changed: false,
    exit_code: 1,
    summary: 'The session was not there any more as it was approved; nothing was done.',
  };
}

async function recovered(context: ChangeContext): Promise<StepResult | null> {
  const done = await context.processes.ended(1, context.onOutput);
  if (done === null) return null;
  const result = resultOf(done);
  return { ...result, summary: `Found after a restart of the runner: ${result.summary}` };
}
