/** Operations on servers: list, look at, add, enrol, set thresholds, remove. */
import { isoTime } from '@countersign/protocol';
import type { Thresholds } from '@countersign/protocol/agent-wire/facts';
import { whoOf } from '../audit/ledger.ts';
import { addServer } from '../fleet/add-server.ts';
import { enrolmentView } from '../fleet/enrolment-view.ts';
import { installCommand } from '../fleet/install-command.ts';
import { listServers } from '../fleet/list-servers.ts';
import type { AwaitedServer } from '../fleet/make-enrolment-token.ts';
import { type ReleaseServerDeps, releaseServer } from '../fleet/release-server.ts';
import { removeServer } from '../fleet/remove-server.ts';
import { renewEnrolment } from '../fleet/renew-enrolment.ts';
import { resolveServer, resolveServerUnderCare } from '../fleet/resolve-server.ts';
import { type Presence, serverDetail, serverViews } from '../fleet/server-view.ts';
import { setThresholds } from '../fleet/set-thresholds.ts';
import type { Core, Fleet } from '../ports.ts';
import type { Handlers } from './handler.ts';

type ServerHandlers = Pick<
  Handlers,
  | 'listServers'
  | 'getServerStatus'
  | 'addServer'
  | 'renewEnrolment'
  | 'getEnrolment'
  | 'setThresholds'
  | 'releaseServer'
  | 'removeServer'
>;

export interface ServerOperationsDeps extends Core, Pick<ReleaseServerDeps, 'prove' | 'released'> {
  readonly fleet: Pick<Fleet, 'disconnect'>;
  readonly presence: Presence;
  /** Tells a server and its watchers that other thresholds hold. */
  readonly announceThresholds: (serverId: string, thresholds: Thresholds) => void;
  readonly place: { readonly publicUrl: string };
  /** The control plane's own public key, which agents pin. */
  readonly publicKey: string;
  /** `sha256//…` where the TLS certificate is home-made, else null. */
  readonly tlsPin: string | null;
}

export function serverOperations(deps: ServerOperationsDeps): ServerHandlers {
  const { db, clock } = deps;
  return {
    listServers: (_caller, input) => listServers(deps, input),
    getServerStatus: async (_caller, { server }) => serverDetail(deps, await resolveServer(db, server)),
    addServer: async (caller, input) => enrolment(deps, await addServer(deps, whoOf(caller), input)),
    renewEnrolment: async (caller, { server }) => {
      const { id } = await resolveServerUnderCare(db, server);
      return enrolment(deps, await renewEnrolment(deps, whoOf(caller), id));
    },
    getEnrolment: async (_caller, { server }) => enrolmentView(db, clock.now(), await resolveServer(db, server)),
    setThresholds: async (caller, { server, thresholds }) => {
      const { id } = await resolveServerUnderCare(db, server);
      await setThresholds({ ...deps, announce: deps.announceThresholds }, whoOf(caller), id, thresholds);
      return { done: true };
    },
    releaseServer: async (caller, input) => {
      await releaseServer(deps, caller, input);
      return { done: true };
    },
    removeServer: async (caller, { server }) => {
      const { id } = await resolveServerUnderCare(db, server);
      await removeServer(deps, whoOf(caller), id);
      return { done: true };
    },
  };
}

async function enrolment(deps: ServerOperationsDeps, { server, token, expiresAt }: AwaitedServer) {
  const [view] = await serverViews(deps, [server]);
  if (view === undefined) throw new Error('one row makes one view');
  const { command, careful } = installCommand({
    url: deps.place.publicUrl,
    token,
    controlPlaneKey: deps.publicKey,
    tlsPin: deps.tlsPin,
  });
  return {
    server: view,
    enrolment_token: token,
    install_command: command,
    careful_install_command: careful,
    expires_at: isoTime(expiresAt),
  };
}
