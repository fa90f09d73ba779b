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

export interface McpSessions {
  /** The transport of a session, if this token owns it. */
  readonly find: (id: string, owner: McpOwner) => NodeStreamableHTTPServerTransport | undefined;
  readonly add: (id: string, owner: McpOwner, transport: NodeStreamableHTTPServerTransport) => void;
  readonly remove: (id: string) => void;
  /** Remembers a response until it is closed, so that it can be ended with its token. */
  readonly hold: (response: ServerResponse, owner: McpOwner, sessionId: string | undefined) => void;
  /** Ends everything that is open for a token, or for all tokens of a person; a person's own session has nothing here. */
  readonly end: (ended: EndedAccess) => void;
  readonly endAll: () => Promise<void>;
  readonly count: () => number;
}

const SWEEP_MS = 60_000;

export function ownerOf({ person, token }: TokenCaller): McpOwner {
  return { tokenId: token.id, personId: person.id };
}

export function openSessions(clock: Clock, limits: Pick<McpLimits, 'sessionsPerToken' | 'sessionIdleMs'>): McpSessions {
  const sessions = new Map<string, Session>();
  const responses = new Map<ServerResponse, McpOwner>();
  const close = (id: string) => {
    const session = sessions.get(id);
    sessions.delete(id);
    return session?.transport.close();
  };
  const makeRoom = (owner: McpOwner) => {
    const own = [...sessions].filter(([, session]) => session.owner.tokenId === owner.tokenId);
    if (own.length < limits.sessionsPerToken) return;
    // One that nobody listens to, if there is any; of those the one unused for longest.
    const [oldest] = own.sort(([, a], [, b]) => Math.sign(a.open.size) - Math.sign(b.open.size) || a.usedAt - b.usedAt);
    if (oldest) void close(oldest[0]);
  };
  const sweep = () => {
    const idleSince = clock.monotonic() - limits.sessionIdleMs;
    for (const [id, { open, usedAt }] of sessions) if (open.size === 0 && usedAt < idleSince) void close(id);
    cancel = clock.after(SWEEP_MS, sweep);
  };
  let cancel: Cancel = clock.after(SWEEP_MS, sweep);
  return {
    find: (id, owner) => {
      const session = sessions.get(id);
      if (session?.owner.tokenId !== owner.tokenId) return undefined;
      session.usedAt = clock.monotonic();
      return session.transport;
    },
    add: (id, owner, transport) => {
      makeRoom(owner);
      sessions.set(id, { owner, transport, usedAt: clock.monotonic(), open: new Set() });
    },
    remove: (id) => void sessions.delete(id),
    hold: (response, owner, sessionId) => {
      const session = sessionId === undefined ? undefined : sessions.get(sessionId);
      responses.set(response, owner);
      session?.open.add(response);
      response.once('close', () => {
        responses.delete(response);
        session?.open.delete(response);
        if (session) session.usedAt = clock.monotonic();
      });
    },
    end: (ended) => {
      const ends = (owner: McpOwner) =>
        ('tokenId' in ended && owner.tokenId === ended.tokenId) ||
        ('personId' in ended && owner.personId === ended.personId);
      for (const [id, { owner }] of sessions) if (ends(owner)) void close(id);
      for (const [response, owner] of responses) if (ends(owner)) response.destroy();
    },
    endAll: async () => {
      cancel();
      await Promise.all([...sessions.keys()].map(close));
    },
    count: () => sessions.size,
  };
}
