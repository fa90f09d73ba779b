/**
 * A control plane in the hands of an attacker: a full replacement at the same address, with the same TLS key, that holds every key
 * of the real one and its database. It speaks the wire as the real one does, and says what it likes. Threat T1.
 */
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  type Approval,
  approvalSchema,
  type Grant,
  type LockState,
  type Plan,
  type PlanDraft,
  type Preview,
  planSchema,
  type SignedGrant,
} from '@countersign/protocol';
import { decodeFromAgent } from '@countersign/protocol/agent-wire/codec';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { LEVEL } from '@countersign/protocol/agent-wire/level';
import { controlPlaneProof, type FromAgent, type FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import { digestOf } from '@countersign/protocol/digest';
import { publicKeyOf, type SigningKey, signValue } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import { type WebSocket, WebSocketServer } from 'ws';
import { Peer } from '../../agent/test/link/control-plane.ts';
import { eventually } from './eventually.ts';
import type { World } from './world.ts';

/** What it does to whoever connects. */
export interface Behaviour {
  /** How far its clock is ahead in the welcome. */
  clockAheadMs: number;
  heartbeatMs: number;
  /** Signs the challenge with another key, names another level, another server: whatever is bent in the four first messages. */
  bendChallenge: (challenge: Message<'challenge'>) => FromControlPlane;
  bendWelcome: (welcome: Message<'welcome'>) => FromControlPlane;
}
type Message<T extends FromControlPlane['type']> = Extract<FromControlPlane, { type: T }>;

/** An action as the stolen database has it. */
export interface StolenAction {
  readonly plan: Plan;
  readonly approvals: readonly Approval[];
}

export class HostileControlPlane {
  readonly key: SigningKey;
  readonly server: { readonly id: string; readonly name: string };
  readonly behaviour: Behaviour = honest();
  /** What was asked for by HTTP, as `GET /path`. */
  readonly requests: string[] = [];
  readonly peers: Peer[] = [];
  readonly #loot: string;
  readonly #database: DatabaseSync;
  readonly #http: Server;

  private constructor(loot: string, server: { id: string; name: string }) {
    this.#loot = loot;
    this.server = server;
    const seed = this.#file('keys/control-plane.key').trim();
    this.key = { seed, publicKey: publicKeyOf(seed) };
    this.#database = new DatabaseSync(join(loot, 'countersign.db'));
    this.#http = createServer(
      { key: this.#file('keys/tls.key'), cert: this.#file('keys/tls.crt') },
      (request, response) => {
        this.requests.push(`${request.method} ${request.url}`);
        // Whoever fetches a package or a script here and runs it is lost.
        response.end('#!/bin/sh\ntouch /var/tmp/hostile-mark-install\n');
      },
    );
    const agents = new WebSocketServer({ server: this.#http, path: '/agent', maxPayload: 64 * 1024 * 1024 });
    agents.on('connection', (socket) => this.#serve(socket));
  }

  /** Takes the place of a control plane that was stopped, with everything it had on disk. */
  static async takeOver(world: World, server: { id: string; name: string }): Promise<HostileControlPlane> {
    const loot = mkdtempSync(join(tmpdir(), 'countersign-loot-'));
    cpSync(world.dataDir, loot, { recursive: true });
    const plane = new HostileControlPlane(loot, server);
    const { hostname, port } = new URL(world.url);
    plane.#http.listen(Number(port), hostname);
    await once(plane.#http, 'listening');
    return plane;
  }

  /** The newest connection that was welcomed and still stands. */
  async agent(): Promise<Peer> {
    return eventually('the agent to be connected', () => this.peers.findLast((it) => isHere(it)), {
      timeoutMs: 70_000,
    });
  }

  /** The actions in the stolen database, oldest first. */
  actions(): StolenAction[] {
    const rows = this.#database.prepare('select id, plan_json from action order by created_at').all();
    return rows.map(({ id, plan_json: plan }) => ({
      plan: planSchema.parse(JSON.parse(String(plan))),
      approvals: this.#approvals(String(id)),
    }));
  }

  /** The present lock in the stolen database. */
  lock(): LockState {
    const row = this.#database.prepare('select state_json from lock_state order by number desc limit 1').get();
    return JSON.parse(String(row?.state_json));
  }

  /** The audit log in the stolen database: how many entries, and the hash of the last. */
  ledgerHead(): { readonly size: number; readonly head: string } {
    const row = this.#database.prepare('select seq, hash from audit_entry order by seq desc limit 1').get();
    return { size: Number(row?.seq), head: String(row?.hash) };
  }

  /** Sends a request and waits for the answer to it. */
  async ask(request: object): Promise<FromAgent> {
    const requestId = systemIds.id('req');
    const agent = await this.agent();
    agent.sendRaw(JSON.stringify({ ...request, requestId }));
    return eventually(`an answer to ${JSON.stringify(request).slice(0, 200)}`, () =>
      agent.heard.find((message) => 'requestId' in message && message.requestId === requestId),
    );
  }

  /** Has the server preview a draft. Rejects with what it answers instead. */
  async preview(draft: PlanDraft): Promise<Preview> {
    const answer = await this.ask({ type: 'preview', draft, timeoutMs: 15_000 });
    if (answer.type === 'previewed') return answer.preview;
    throw new Error(JSON.stringify(answer));
  }

  /** A grant of a plan with the stolen key: good in every respect but for who approved, unless it is bent. */
  grant(plan: Plan, approvals: readonly Approval[], bend: Partial<Grant> = {}): SignedGrant {
    const now = Date.now();
    const grant: Grant = {
      format: 'countersign-grant/2',
      actionId: plan.request.action,
      plan,
      digest: digestOf(plan),
      approvals: [...approvals],
      rule: 'default',
      issuedAt: now,
      expiresAt: now + 120_000,
      ...bend,
    };
    return { grant, key: this.key.publicKey, signature: signValue('grant', grant, this.key.seed) };
  }

  /** Hands a grant to the server and waits for what it says: `refused` with a code, or that it `started`; of what is over at once, that it `finished`. */
  async dispatch(grant: SignedGrant): Promise<Told> {
    const agent = await this.agent();
    const from = agent.heard.length;
    agent.send({ type: 'dispatch', grant });
    const { actionId } = grant.grant;
    return eventually(
      `what becomes of ${actionId}`,
      () =>
        agent.heard
          .slice(from)
          .find((it): it is Told => TOLD.includes(it.type) && 'actionId' in it && it.actionId === actionId),
      { everyMs: 5 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.peers) peer.cut();
    this.#http.close();
    this.#http.closeAllConnections();
    this.#database.close();
    rmSync(this.#loot, { recursive: true, force: true });
  }

  #file(name: string): string {
    return readFileSync(join(this.#loot, name), 'utf8');
  }

  #approvals(action: string): Approval[] {
    const rows = this.#database
      .prepare(
        "select approval.*, person.name as name from approval join person on person.id = person_id where action_id = ? and verdict = 'approve'",
      )
      .all(action);
    return rows.map(({ id, person_id, name, channel, strength, digest, at, signature_json: signature }) =>
      approvalSchema.parse({
        ...{ id, channel, strength, digest, at },
        person: { id: person_id, name },
        ...(signature === null ? {} : { signature: JSON.parse(String(signature)) }),
      }),
    );
  }

  #serve(socket: WebSocket): void {
    const peer = new Peer(socket);
    this.peers.push(peer);
    const nonce = systemIds.secret('');
    socket.on('message', (data) => {
      const decoded = decodeFromAgent(String(data));
      if (decoded.outcome !== 'ok') throw new Error(`the agent sent what does not decode: ${JSON.stringify(decoded)}`);
      const { message } = decoded;
      peer.heard.push(message);
      if (message.type === 'open') peer.send(this.behaviour.bendChallenge(this.#challenge(message, nonce)));
      else if (message.type === 'hello') peer.send(this.behaviour.bendWelcome(this.#welcome()));
      else if ('seq' in message) peer.send({ type: 'acknowledge', seq: message.seq });
    });
  }

  #challenge(open: Extract<FromAgent, { type: 'open' }>, nonce: string): Message<'challenge'> {
    const signature = signValue('control-plane-hello', controlPlaneProof(open, { nonce, level: LEVEL }), this.key.seed);
    return { type: 'challenge', level: LEVEL, nonce, key: this.key.publicKey, signature };
  }

  #welcome(): Message<'welcome'> {
    const { clockAheadMs, heartbeatMs } = this.behaviour;
    return {
      type: 'welcome',
      serverId: this.server.id,
      serverName: this.server.name,
      clock: Date.now() + clockAheadMs,
      heartbeatMs,
      thresholds: thresholdsSchema.parse({}),
    };
  }
}

/** What a server says of a grant. */
export type Told = Extract<FromAgent, { type: 'started' | 'refused' | 'finished' }>;

const TOLD: readonly string[] = ['started', 'refused', 'finished'] satisfies readonly Told['type'][];

/** Behaves as the real one does, until it is told otherwise. */
export function honest(): Behaviour {
  return { clockAheadMs: 0, heartbeatMs: 30_000, bendChallenge: (it) => it, bendWelcome: (it) => it };
}

const isHere = (peer: Peer) => peer.closed === undefined && peer.all('heartbeat').length > 0;
