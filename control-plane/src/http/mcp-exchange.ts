/**
 * One call of a tool in the 2026 era, from Node's request to Node's response. The SDK's own way makes a server for each request,
 * parses its message four times, and turns web streams into Node's and back, which costs more than the call. What is not exactly
 * a plain call goes that way still, so that each odd request gets the SDK's own answer.
 */
import type { ServerResponse } from 'node:http';
import { canAsk, clientIn, type Line, MODERN, type PlainRequest, plainRequestIn } from '@countersign/mcp-server';
import type { Cancel, Clock } from '@countersign/protocol';
import type { InboundClassificationOutcome } from '@modelcontextprotocol/server';
import type { FastifyRequest } from 'fastify';

/** How often a comment says that a call is still alive, milliseconds: as the SDK does. */
const KEEP_ALIVE_MS = 15_000;

/** Source: MCP 2026-07-28, Streamable HTTP. nginx must pass each event on at once. */
const STREAM = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
};

/** A call whose headers say exactly what its body says. */
export interface PlainCall extends PlainRequest {
  readonly client: string | null;
  /** Whether the client lets its person be asked. */
  readonly canAsk: boolean;
}

type Client = Pick<PlainCall, 'client' | 'canAsk'>;

const ENVELOPES_KEPT = 200;
const ENVELOPE_LONGEST = 4000;

/**
 * Finds the plain call that a request is. What a client says of itself is judged by the SDK (`classify`), and once only: it says
 * the same with each of its calls. The headers of SEP-2243 must all be there; a name that needs decoding is not plain.
 */
export function plainCalls(
  classify: (request: FastifyRequest) => InboundClassificationOutcome | null,
): (request: FastifyRequest) => PlainCall | null {
  const known = new Map<string, Client>();
  return (request) => {
    const { method, headers } = request.raw;
    if (method !== 'POST' || headers['content-type'] !== 'application/json') return null;
    if (headers['mcp-protocol-version'] !== MODERN || headers['mcp-method'] !== 'tools/call') return null;
    const plain = plainRequestIn(request.body);
    if (plain === null || headers['mcp-name'] !== plain.tool || plain.tool.startsWith('=?')) return null;
    const envelope = JSON.stringify(plain.envelope);
    const before = known.get(envelope);
    if (before !== undefined) return { ...plain, ...before };
    const route = classify(request);
    if (route?.kind !== 'modern' || route.messageKind !== 'request' || route.classification.revision !== MODERN)
      return null;
    const client = { client: clientIn(plain.envelope), canAsk: canAsk(plain.envelope) };
    if (known.size >= ENVELOPES_KEPT) known.clear();
    if (envelope.length <= ENVELOPE_LONGEST) known.set(envelope, client);
    return { ...plain, ...client };
  };
}

/** The stream that answers a call: messages on the way, comments that it is alive, and the answer. */
export class Exchange implements Line {
  readonly #reply: ServerResponse;
  readonly #clock: Clock;
  readonly #given = new AbortController();
  #over = false;
  #cancelBeat: Cancel = () => undefined;

  constructor(reply: ServerResponse, clock: Clock) {
    this.#reply = reply;
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#given.signal;
  }

  /** Sends what `answer` makes of the call. When the client goes away, or at {@link giveUp}, the call is given up. */
  async serve(answer: (line: Line) => Promise<object>): Promise<void> {
    this.#reply.once('close', () => this.giveUp());
    if (this.#reply.destroyed) return this.giveUp();
    this.#beat();
    const message = await answer(this);
    if (!this.#over) this.#end(frame(message));
  }

  tell(message: object): void {
    if (!this.#over) this.#write(frame(message));
  }

  /** Ends the stream without an answer. */
  giveUp(): void {
    if (this.#over) return;
    this.#given.abort();
    this.#end('');
  }

  #write(text: string): void {
    if (!this.#reply.headersSent) this.#reply.writeHead(200, STREAM);
    this.#reply.write(text);
  }

  /** What nothing went before goes in one piece. */
  #end(text: string): void {
    this.#over = true;
    this.#cancelBeat();
    if (this.#reply.writableEnded) return;
    if (!this.#reply.headersSent) this.#reply.writeHead(200, { ...STREAM, 'content-length': Buffer.byteLength(text) });
    this.#reply.end(text);
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.after(KEEP_ALIVE_MS, () => {
      this.#write(': keepalive\n\n');
      this.#beat();
    });
  }
}

const frame = (message: object) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
