/** How the command line reaches the control plane, and as whom. */
import { join, resolve } from 'node:path';
import { type Clock, Fault, fault, type Ids } from '@countersign/protocol';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import type { Call } from '@countersign/protocol/operator-api/index';
import { type Config, loadConfig } from '../config/config.ts';
import type { Env } from '../config/env.ts';
import { UnreachableError } from './exit-codes.ts';
import { pinnedFetch } from './pinned-fetch.ts';
import { readRunning } from './running.ts';
import { readSession, type StoredSession } from './session-file.ts';
import type { Terminal } from './terminal.ts';

/** What every command is handed. */
export interface CliContext {
  readonly env: Env;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly version: string;
  /** Where the person is: files that they name are found from here. */
  readonly folder: string;
  /** What they type to start us: `countersign`, or the words of a clone. */
  readonly typed: string;
  /** Options that stand before or after any command. */
  readonly options: () => { readonly json: boolean; readonly url?: string; readonly pin?: string };
  /** What the command ends with when it does not throw; 0 unless set. */
  readonly exit: (code: number) => void;
}

/** A control plane that can be called. */
export interface Target {
  /** Without a slash at the end. */
  readonly url: string;
  readonly pin: string | null;
  readonly fetch: typeof fetch;
  /** Whether it is the one of the data folder on this machine. */
  readonly local: boolean;
}

export const configOf = ({ env }: Pick<CliContext, 'env'>): Config => loadConfig(env);
export const sessionFileOf = (context: Pick<CliContext, 'env'>): string =>
  context.env.COUNTERSIGN_CONFIG ?? join(configOf(context).dataDir, 'cli-session.json');

/** A file that the person named, from where they are. `-` stays: it is standard input. */
export const fileNamed = ({ folder }: Pick<CliContext, 'folder'>, name: string): string =>
  name === '-' ? name : resolve(folder, name);

/** Where to call: what `--url` names, else what the session was made for, else the control plane of the data folder. */
export async function targetOf(context: CliContext, stored?: StoredSession | null): Promise<Target> {
  const { url, pin } = context.options();
  const named = url ?? stored?.url ?? null;
  if (named !== null) return target(named.replace(/\/+$/, ''), pin ?? (url ? null : (stored?.pin ?? null)), false);
  const config = configOf(context);
  const running = await readRunning(config.dataDir);
  return running ? target(running.url, running.pin, true) : target(config.publicUrl, pin ?? stored?.pin ?? null, true);
}

function target(url: string, pin: string | null, local: boolean): Target {
  return { url, pin, local, fetch: pin === null ? fetch : pinnedFetch(pin) };
}

/** A {@link Call} that tells an unreachable control plane from one that refuses. */
export function callAt(at: Target, bearer?: string): Call {
  const call = operatorClient({ base: at.url, fetch: at.fetch, ...(bearer === undefined ? {} : { bearer }) });
  return (async (...request: Parameters<Call>) => {
    try {
      return await call(...request);
    } catch (error) {
      throw error instanceof TypeError && !(error instanceof Fault) ? new UnreachableError(at.url, error.cause) : error;
    }
  }) as Call;
}

/** The control plane, as the person who signed in here. Rejects with `unauthenticated` when nobody did. */
export async function signedIn(context: CliContext): Promise<{ call: Call; at: Target; session: StoredSession }> {
  const stored = await readSession(sessionFileOf(context));
  if (stored === null) throw fault('unauthenticated');
  const at = await targetOf(context, stored);
  return { call: callAt(at, stored.session), at, session: stored };
}
