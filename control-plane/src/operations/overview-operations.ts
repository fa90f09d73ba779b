/** What needs a person now, and what is left to set up. */
import { isoTime } from '@countersign/protocol';
import { passkeysOf } from '../access/passkey.store.ts';
import { personById } from '../access/person.store.ts';
import { firstCallOf } from '../access/setting.store.ts';
import { actionLimits } from '../actions/action-deps.ts';
import { newestActions } from '../actions/action-list.store.ts';
import { withParts } from '../actions/action-parts.store.ts';
import { actionView } from '../actions/action-view.ts';
import { coolDownUntil } from '../actions/cool-down.ts';
import { pauseNow } from '../actions/pause.store.ts';
import { pauseView } from '../actions/pause.ts';
import { countWaitingFor } from '../amendments/amendment-view.ts';
import { countServers } from '../fleet/server.store.ts';
import { contradictedServers } from '../fleet/witness.store.ts';
import type { PolicyBook } from '../policy/policy-book.ts';
import type { Caller, Core } from '../ports.ts';
import { version } from '../version.ts';
import { firingAlerts } from './alert-operations.ts';
import type { Handlers } from './handler.ts';
import { countActionsIn, countOtherVersions, loopWasTried, rejectionsByToken } from './overview.store.ts';

export interface OverviewOperationsDeps extends Pick<Core, 'db' | 'clock'> {
  readonly fleet: { isOnline(serverId: string): boolean; readonly onlineIds: readonly string[] };
  readonly policy: PolicyBook;
}

const ACTIONS_SHOWN = 20;
const ALERTS_SHOWN = 20;
/** How long its owner is told of a passkey that was added (T4). */
const NEW_PASSKEY_MS = 24 * 3_600_000;

export function overviewOperations(deps: OverviewOperationsDeps): Pick<Handlers, 'getOverview'> {
  const { db, fleet } = deps;
  const actionsIn = async (...states: NonNullable<Parameters<typeof newestActions>[1]['states']>) => {
    const rows = await newestActions(db, { states }, ACTIONS_SHOWN);
    return (await withParts(db, rows)).map((parts) => actionView(parts, fleet.isOnline(parts.row.server_id)));
  };
  return {
    getOverview: async (caller) => {
      const servers = await countServers(db);
      const online = fleet.onlineIds.length;
      const pause = await pauseNow(db);
      return {
        servers: { online, offline: Math.max(0, servers.enrolled - online), awaiting_agent: servers.awaiting_agent },
        pending: await actionsIn('awaiting_approval'),
        running: await actionsIn('approved', 'dispatched', 'running'),
        firing: await firingAlerts(db, ALERTS_SHOWN),
        checklist: await checklist(deps, caller, servers.enrolled),
        pause: pause && pauseView(pause),
        amendments: await countWaitingFor(db, caller, deps.clock.now()),
        notices: await notices(deps, caller),
      };
    },
  };
}

async function checklist({ db }: OverviewOperationsDeps, { person }: Caller, enrolled: number) {
  const self = await personById(db, person.id);
  return [
    { step: 'account', done: true },
    { step: 'server', done: enrolled > 0 },
    { step: 'assistant', done: (await firstCallOf(db, person.id)) !== null },
    { step: 'telegram', done: self?.telegram_id != null },
    { step: 'try', done: await loopWasTried(db) },
  ] as const satisfies { step: string; done: boolean }[];
}

type Notice = { severity: 'critical' | 'warning' | 'info'; text: string };

async function notices({ db, policy, clock }: OverviewOperationsDeps, { person }: Caller): Promise<Notice[]> {
  const all: Notice[] = [];
  const contradicted = await contradictedServers(db);
  if (contradicted.length > 0)
    all.push({
      severity: 'critical',
      text: `${counted(contradicted.length, 'server')} (${firstNames(contradicted)}) ${contradicted.length === 1 ? 'remembers' : 'remember'} audit entries that this database does not have: it is an older copy, or it was rewritten. No change goes there. Restore the newest backup, or accept the loss on the audit page.`,
    });
  const { problems } = await policy.current();
  if (problems.length > 0)
    all.push({
      severity: 'critical',
      text: `The policy file has problems, so the rules before it hold: ${problems[0]}`,
    });
  const unknown = await countActionsIn(db, 'unknown');
  if (unknown > 0)
    all.push({
      severity: 'warning',
      text: `${counted(unknown, 'action')} with an unknown outcome: look at the server, then close ${unknown === 1 ? 'it' : 'them'}.`,
    });
  const now = clock.now();
  for (const [name, rejectedAt] of await rejectionsByToken(db, now - 2 * actionLimits.coolDownMs)) {
    const until = coolDownUntil(rejectedAt, actionLimits, now);
    if (until !== null)
      all.push({
        severity: 'warning',
        text: `The assistant with token “${name}” may ask for no change until ${isoTime(until)}: ${actionLimits.rejectionsMost} of its requests were rejected.`,
      });
  }
  const others = await countOtherVersions(db, version);
  if (others > 0)
    all.push({
      severity: 'info',
      text: `${counted(others, 'agent')} of another version than this control plane: run the install command again on the server.`,
    });
  for (const { name, created_at } of await passkeysOf(db, person.id))
    if (clock.now() - created_at < NEW_PASSKEY_MS)
      all.push({
        severity: 'warning',
        text: `The passkey “${name}” was added to your account at ${isoTime(created_at)}. If that was not you, remove it in Settings.`,
      });
  const self = await personById(db, person.id);
  if (self !== undefined && self.totp_confirmed === 0 && self.passkeys === 0)
    all.push({
      severity: 'info',
      text: 'Your account has no passkey and no authenticator app yet: a password alone is weak for approving changes.',
    });
  return all;
}

const NAMES_SHOWN = 5;

function firstNames(servers: readonly { readonly name: string }[]): string {
  const names = servers.slice(0, NAMES_SHOWN).map(({ name }) => name);
  return servers.length > NAMES_SHOWN ? `${names.join(', ')}, …` : names.join(', ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
