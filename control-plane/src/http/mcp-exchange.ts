/**
 * One call of a tool in the 2026 era, from Node's request to Node's response. The SDK's own way makes a web `Request` of the body
 * that was just parsed, and a web `Response` whose stream is read back in pieces, which costs more than the call. What is not
 * plainly a call goes that way still, so that each odd request gets the SDK's own answer.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { MODERN } from '@countersign/mcp-server';
import type { Cancel, Clock } from '@countersign/protocol';
import {
  type AuthInfo,
  type InboundClassificationOutcome,
  type InboundModernRoute,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type McpServer,
  PerRequestHTTPServerTransport,
  type TransportSendOptions,
} from '@modelcontextprotocol/server';

/** How often a comment says that a call is still alive, milliseconds: as the SDK does. */
const KEEP_ALIVE_MS = 15_000;

/** Source: MCP 2026-07-28, Streamable HTTP. nginx must pass each event on at once. */
const STREAM = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
};

/** A `tools/call` whose headers say exactly what its body says. */
export interface PlainCall {
  readonly classification: InboundModernRoute['classification'];
  readonly message: JSONRPCRequest;
  readonly tool: string;
}

/** The plain call that a request is, or null. The headers of SEP-2243 must all be there; a name that needs decoding is not plain. */
export function plainCallIn(route: InboundClassificationOutcome, headers: IncomingHttpHeaders): PlainCall | null {
  if (route.kind !== 'modern' || route.messageKind !== 'request') return null;
  const { classification, message } = route;
  const tool = message.params?.name;
  const plain =
    message.method === 'tools/call' &&
    typeof tool === 'string' &&
    classification.revision === MODERN &&
    headers['content-type'] === 'application/json' &&
    headers['mcp-protocol-version'] === MODERN &&
    headers['mcp-method'] === message.method &&
    headers['mcp-name'] === tool &&
    !tool.startsWith('=?');
  return plain ? { classification, message, tool } : null;
}

/** The transport of one exchange, as the SDK's, which it extends since only that binds a server to the revision. */
export class NodeExchange extends PerRequestHTTPServerTransport {
  readonly #call: PlainCall;
  readonly #reply: ServerResponse;
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #over = false;
  #answered = false;
  #cancelBeat: Cancel = () => undefined;

  /** `onOver` is called once, when nothing more will come. */
  constructor(call: PlainCall, reply: ServerResponse, clock: Clock, onOver: () => void) {
    super({ classification: call.classification });
    this.#call = call;
    this.#reply = reply;
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** Gives the call to a server of its own. The answer goes to the response; when the client goes away, the call is given up. */
  async serve(mcp: McpServer, authInfo: AuthInfo): Promise<void> {
    await mcp.connect(this);
    this.#reply.once('close', () => void this.close());
    if (this.#reply.destroyed) return this.close();
    this.#beat();
    this.onmessage?.(this.#call.message, { classification: this.#call.classification, authInfo });
  }

  override async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (this.#reply.writableEnded) return;
    const answers = !('method' in message);
    if ((answers ? message.id : options?.relatedRequestId) !== this.#call.message.id) return;
    const frame = `event: message\ndata: ${JSON.stringify(message)}\n\n`;
    if (!answers) return this.#write(frame);
    this.#answered = true;
    this.#end(frame);
  }

  override async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#end('');
    this.#onOver();
    // Tells the server, which gives up what still runs. After the answer nothing does, and the server is used no more.
    if (!this.#answered) await super.close();
  }

  #write(text: string): void {
    if (!this.#reply.headersSent) this.#reply.writeHead(200, STREAM);
    this.#reply.write(text);
  }

  /** What nothing went before goes in one piece. */
  #end(text: string): void {
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
