/** The one composition root of the control plane: the only place where all folders meet. */
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { describeTools } from '@countersign/mcp-server';
import { type Clock, type Ids, systemClock } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import type { Call } from '@countersign/protocol/operator-api/index';
import { systemIds } from '@countersign/protocol/system-ids';
import type { AccessCore, EndedAccess } from './access/access.ts';
import { attempts } from './access/attempts.ts';
import { authenticate, noteTokenUse } from './access/authenticate.ts';
import { confirmCode } from './access/confirm.ts';
import { type PasswordCost, passwords } from './access/passwords.ts';
import { personById } from './access/person.store.ts';
import { prove } from './access/prove.ts';
import { partyOf } from './access/relying-party.ts';
import { type ActionDeps, type ActionLimits, actionLimits } from './actions/action-deps.ts';
import { actionDetail } from './actions/action-detail.ts';
import { confirmAction } from './actions/confirm-action.ts';
import { decide } from './actions/decide.ts';
import { makeFollowers } from './actions/followers.ts';
import { pauseDispatch } from './actions/pause.ts';
import { requestStop } from './actions/request-stop.ts';
import { startActions } from './actions/start-actions.ts';
import { takeInWebhook } from './alerts/take-in-webhook.ts';
import { amendmentsOnClock } from './amendments/amendments-on-clock.ts';
import type { AmendmentDeps } from './amendments/make-amendment.ts';
import { ideForms } from './approvals/ide-forms.ts';
import type { OpenTelegram, TelegramDeps } from './approvals/telegram/open-telegram.ts';
import { webChannel } from './approvals/web-channel.ts';
import { checkpointsOnClock } from './audit/checkpoint.ts';
import { noteStarted, noteStopped } from './audit/note-life.ts';
import { noteOffered } from './audit/note-offered.ts';
import { tellOfEntries } from './audit/tell-of-entries.ts';
import { madeFolder } from './compile-cache.ts';
import type { Config } from './config/config.ts';
import { loadSecrets, type Secrets } from './config/secrets.ts';
import { diagnose } from './diagnostics/diagnose.ts';
import { type FleetLimits, fleetLimits } from './fleet/limits.ts';
import { type OpenFleet, openFleet } from './fleet/open-fleet.ts';
import { makeApp } from './http/app.ts';
import { liveHub } from './http/live-hub.ts';
import { type ListeningPlace, placeOf } from './http/place.ts';
import { addRoutes, type RoutesDeps } from './http/routes.ts';
import { makeLog } from './log.ts';
import { allOperations } from './operations/all-operations.ts';
import { bindOperations } from './operations/index.ts';
import { openPlaybooks } from './playbooks/playbook-book.ts';
import { openPolicy } from './policy/policy-book.ts';
import type { ApprovalChannel, Caller, Core, Log } from './ports.ts';
import { openDatabase } from './storage/database.ts';
import { version } from './version.ts';

/** What a test or a benchmark may replace. */
export interface Overrides {
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly passwordCost?: PasswordCost;
  readonly log?: Log;
  readonly actionLimits?: Partial<ActionLimits>;
  readonly fleetLimits?: Partial<FleetLimits>;
  /** Requests that one address may send in a minute. */
  readonly requestsPerMinute?: number;
  readonly webDist?: string;
}

/** A control plane that listens. Dispose of it to end it in order. */
export interface ControlPlane extends AsyncDisposable {
  readonly config: Config;
  readonly core: Core;
  readonly access: AccessCore;
  readonly secrets: Secrets;
  readonly fleet: OpenFleet;
  readonly telegram: OpenTelegram | null;
  /** Origin under which people and servers reach it. */
  readonly publicUrl: string;
  /** Where this machine reaches it. */
  readonly localUrl: string;
  /** Calls operations in the name of somebody; null is somebody who is not signed in. */
  call(caller: Caller | null): Call;
}

const REQUESTS_PER_MINUTE = 6_000;
/** Who finds the kernel's queue full tries again after 1, 3, 7 and 15 s: with Node's 511 a fleet that comes back fills it. Linux takes at most net.core.somaxconn. */
const BACKLOG = 4096;
const root = resolve(import.meta.dirname, '../..');

/** Opens the store, starts everything and listens. Rejects with what is in the way, leaving nothing running. */
export async function compose(config: Config, overrides: Overrides = {}): Promise<ControlPlane> {
  await using stack = new AsyncDisposableStack();
  const place = placeOf(config);
  const parts = { config, overrides, place, ...(await openParts(config, overrides, stack)) };
  const heart = await startHeart(parts, stack);
  const { core, access, secrets, fleet, ended } = parts;
  const app = await makeApp({
    ...{ config, place, ids: core.ids, log: core.log, tls: secrets.tls },
    requestsPerMinute: overrides.requestsPerMinute ?? REQUESTS_PER_MINUTE,
  });
  stack.defer(() => app.close());
  ended.add(await addRoutes(app, routesOf(parts, heart)));
  await fleet.start();
  await app.listen({ host: config.host, port: config.port, backlog: BACKLOG });
  place.listens((app.server.address() as AddressInfo).port);
  heart.telegram?.start();
  const running = stack.move();
  return {
    ...{ config, core, access, secrets, fleet, telegram: heart.telegram },
    ...{ publicUrl: place.publicUrl, localUrl: place.localUrl },
    call: (caller) => heart.callAs(caller, { signal: new AbortController().signal, ip: null, userAgent: null }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The store, the secrets, and what stands on them alone. */
async function openParts(config: Config, overrides: Overrides, stack: AsyncDisposableStack) {
  const { clock = systemClock, ids = systemIds } = overrides;
  const log = overrides.log ?? makeLog({ clock, write: (line) => void process.stderr.write(line) });
  const secrets = await loadSecrets(config, { clock, ids });
  const key = secrets.controlPlaneKey;
  const path = join(config.dataDir, 'countersign.db');
  const db = stack.adopt(await openDatabase({ path, gather: true }), (it) => it.destroy());
  const hub = liveHub({ ids });
  const core: Core = { db, clock, ids, live: hub, log };
  tellOfEntries(core);
  let fleet: OpenFleet | undefined;
  stack.use(checkpointsOnClock({ ...core, key, made: (checkpoint) => fleet?.checkpointMade(checkpoint) }));
  await noteStarted(core, { version, key: key.publicKey });
  stack.defer(() => noteStopped(core));
  fleet = stack.use(openFleet(core, { key, limits: { ...fleetLimits, ...overrides.fleetLimits } }));
  const ended = new Set<(ended: EndedAccess) => void>();
  const access: AccessCore = {
    ...{ db, clock, ids, log, sealKey: secrets.sealKey, attempts: attempts(clock) },
    passwords: passwords(ids, overrides.passwordCost),
    accessEnded: (whose) => {
      for (const end of ended) end(whose);
    },
  };
  return { core, secrets, hub, fleet, access, ended };
}

type Parts = Awaited<ReturnType<typeof openParts>> & {
  readonly config: Config;
  readonly overrides: Overrides;
  readonly place: ListeningPlace;
};

/** The rules, and what it takes to change them, roles, people and tokens. */
async function openAdministration({ config, core, access, place }: Parts, stack: AsyncDisposableStack) {
  const amending: AmendmentDeps = {
    ...{ ...access, place },
    policy: await openPolicy(core, { path: join(config.dataDir, 'policy.yaml') }),
    prove: (caller, proof, least) => prove({ ...access, place }, caller, proof, least),
  };
  stack.use(amendmentsOnClock(amending));
  return amending;
}

/** Actions, the channels that ask people, and the operations over all of it. */
async function startHeart(parts: Parts, stack: AsyncDisposableStack) {
  const { config, core, access, fleet, place, secrets } = parts;
  const key = secrets.controlPlaneKey;
  const amending = await openAdministration(parts, stack);
  const channels: ApprovalChannel[] = [webChannel(core)];
  const book = stack.use(await openPlaybooks(core, { folders: config.playbookFolders, remembered: madeFolder }));
  const { playbooks } = book;
  await noteTools(core);
  const actionDeps: ActionDeps = {
    ...{ ...core, fleet: fleet.registry, key, channels, playbooks, followers: makeFollowers(core.log) },
    policy: amending.policy,
    limits: { ...actionLimits, ...parts.overrides.actionLimits },
    party: () => partyOf(place.publicUrl),
  };
  const call = (caller: Caller) => callAs(caller, { signal: new AbortController().signal, ip: null, userAgent: null });
  const telegram = await telegramOf(config, { ...core, place, ...decidingIn(actionDeps), call });
  if (telegram) channels.push(stack.use(telegram).channel);
  const actions = stack.use(startActions(actionDeps));
  fleet.registry.follow({ connected: (id) => actions.serverConnected(id), disconnected: () => undefined });
  const callAs = bindOperations({
    ...core,
    handlers: allOperations({
      ...{
        ...actionDeps,
        ...amending,
        fleet: fleet.registry,
        telegram,
        dataDir: config.dataDir,
        playbookFolders: config.playbookFolders,
        playbookProblems: book.problems,
        publicKey: key.publicKey,
        presence: fleet.presence,
        tlsPin: secrets.tls?.pin ?? null,
      },
      announceThresholds: (id, thresholds) => fleet.announceThresholds(id, thresholds),
      lockChanged: () => fleet.lockChanged(),
      rollbackAccepted: (serverIds) => fleet.rollbackAccepted(serverIds),
      released: (serverId, by) => fleet.released(serverId, by),
      diagnose: (server, readings, options) =>
        diagnose({ ...core, playbooks, fleet: fleet.registry }, server, readings, options),
      confirmCode: (caller, code) => confirmCode(access, caller, code),
      stdioCommand: `npm --prefix ${root} run -s cli -- mcp`,
    }),
  });
  return { actions, actionDeps, telegram, callAs };
}

/** Null where no bot is set up: then its library need not be loaded. */
async function telegramOf(
  { telegram }: Config,
  deps: Omit<TelegramDeps, keyof NonNullable<Config['telegram']>>,
): Promise<OpenTelegram | null> {
  if (telegram === null) return null;
  const { openTelegram } = await import('./approvals/telegram/open-telegram.ts');
  return openTelegram({ ...deps, ...telegram });
}

/** The tools that assistants may use, by digest (T20). */
async function noteTools(core: Core): Promise<void> {
  const tools = describeTools().map(({ name, description }) => [name, digestOf(description)] as const);
  await noteOffered(core, 'tools', Object.fromEntries(tools));
}

/** What people do by a tap. */
function decidingIn(deps: ActionDeps): Pick<TelegramDeps, 'detailOf' | 'decide' | 'pause' | 'stop' | 'confirm'> {
  return {
    detailOf: (id) => actionDetail(deps, id),
    decide: (verdict) => decide(deps, verdict),
    pause: (caller, how) => pauseDispatch(deps, caller, how),
    stop: (caller, id) => requestStop(deps, caller, id),
    confirm: (caller, actionId) => confirmAction(deps, caller, { actionId }),
  };
}

function routesOf(parts: Parts, heart: Awaited<ReturnType<typeof startHeart>>): RoutesDeps {
  const { config, core, access, fleet, place, secrets, hub, overrides } = parts;
  const { actionDeps, callAs } = heart;
  return {
    ...{ ...core, hub, place, callAs, version, key: secrets.controlPlaneKey },
    authenticate: (credentials) => authenticate(core, credentials),
    gateway: fleet.gateway(heart.actions.reports),
    serversOnline: async () => fleet.registry.onlineIds.length,
    takeInAlerts: (visit) => takeInWebhook(core, visit),
    noteCall: ({ person, token }, client) => noteTokenUse(core, { id: token.id, person_id: person.id }, client),
    formsFor: (caller) =>
      ideForms(
        {
          decide: (verdict) => decide(actionDeps, verdict),
          formsCount: async (id) => (await personById(access.db, id))?.ide_answers === 1,
        },
        caller,
      ),
    installScript: join(root, 'agent/install/install.sh'),
    packageFor: async (platform) => {
      const { agentPackage } = await import('../../agent/install/agent-package.ts'); // brings a bundler: only when asked for
      return agentPackage(join(config.dataDir, 'agent-packages'), platform);
    },
    webDist: overrides.webDist ?? join(root, 'web/dist'),
  };
}
