/**
 * The sessions of 2025-era MCP clients, and every response of `/mcp` that is still open. A session belongs to the token
 * that opened it: its id alone proves nothing. Claude Code never ends its sessions, so idle ones are swept.
 */
import type { ServerResponse } from 'node:http';
import type { Cancel, Clock } from '@countersign/protocol';
import type { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { EndedAccess } from '../access/access.ts';
import type { TokenCaller } from './mcp-caller.ts';
import type { McpLimits } from './mcp-limits.ts';

export interface McpOwner {
  readonly tokenId: string;
  readonly personId: string;
}

interface Session {
  readonly owner: McpOwner;
  readonly transport: NodeStreamableHTTPServerTransport;
  /** On the monotonic clock. */
  usedAt: number;
  readonly open: Set<ServerResponse>;
}

type Limits = Pick<McpLimits, 'sessionsPerToken' | 'sessionIdleMs'>;

const SWEEP_MS = 60_000;

export function ownerOf({ person, token }: TokenCaller): McpOwner {
  return { tokenId: token.id, personId: person.id };
}

export class McpSessions {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #sessions = new Map<string, Session>();
  readonly #responses = new Map<ServerResponse, McpOwner>();
  #cancelSweep: Cancel;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#cancelSweep = clock.after(SWEEP_MS, () => this.#sweep());
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** The transport of a session, if this token owns it. */
  find(id: string, owner: McpOwner): NodeStreamableHTTPServerTransport | undefined {
    const session = this.#sessions.get(id);
    if (session?.owner.tokenId !== owner.tokenId) return undefined;
    session.usedAt = this.#clock.monotonic();
    return session.transport;
  }

  add(id: string, owner: McpOwner, transport: NodeStreamableHTTPServerTransport): void {
    this.#makeRoom(owner);
    this.#sessions.set(id, { owner, transport, usedAt: this.#clock.monotonic(), open: new Set() });
  }

  remove(id: string): void {
    this.#sessions.delete(id);
  }

  /** Remembers a response until it is closed, so that it can be ended with its token. */
  hold(response: ServerResponse, owner: McpOwner, sessionId: string | undefined): void {
    const session = sessionId === undefined ? undefined : this.#sessions.get(sessionId);
    this.#responses.set(response, owner);
    session?.open.add(response);
    response.once('close', () => {
      this.#responses.delete(response);
      session?.open.delete(response);
      if (session) session.usedAt = this.#clock.monotonic();
    });
  }

  /** Ends everything that is open for a token, or for all tokens of a person; a person's own session has nothing here. */
  end(ended: EndedAccess): void {
    const ends = (owner: McpOwner) =>
      ('tokenId' in ended && owner.tokenId === ended.tokenId) ||
      ('personId' in ended && owner.personId === ended.personId);
    for (const [id, { owner }] of this.#sessions) if (ends(owner)) void this.#close(id);
    for (const [response, owner] of this.#responses) if (ends(owner)) response.destroy();
  }

  async endAll(): Promise<void> {
    this.#cancelSweep();
    await Promise.all([...this.#sessions.keys()].map((id) => this.#close(id)));
  }

  #close(id: string): Promise<void> | undefined {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    return session?.transport.close();
  }

  /** Ends one session of a token that has too many: one that nobody listens to, if there is any; of those the oldest. */
  #makeRoom(owner: McpOwner): void {
    const own = [...this.#sessions].filter(([, session]) => session.owner.tokenId === owner.tokenId);
    if (own.length < this.#limits.sessionsPerToken) return;
    const [oldest] = own.sort(([, a], [, b]) => Math.sign(a.open.size) - Math.sign(b.open.size) || a.usedAt - b.usedAt);
    if (oldest) void this.#close(oldest[0]);
  }

  #sweep(): void {
    const idleSince = this.#clock.monotonic() - this.#limits.sessionIdleMs;
    for (const [id, { open, usedAt }] of this.#sessions)
      if (open.size === 0 && usedAt < idleSince) void this.#close(id);
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
  }
}
