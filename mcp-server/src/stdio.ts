/** The MCP server on standard input and output, for clients that start it as a process: `countersign mcp`. */

import type { Readable, Writable } from 'node:stream';
import { type Clock, Fault, fault, type Ids, shorten } from '@countersign/protocol';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import type { AssistantCall } from '@countersign/protocol/operator-api/index';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { makeAskedActions } from './asked-actions.ts';
import { buildServer } from './build-server.ts';
import type { Surface } from './surface.ts';
import { oneLine } from './untrusted.ts';

export interface StdioOptions {
  /** Where the control plane is, without a slash at the end. */
  readonly url: string;
  /** The token of the assistant. */
  readonly token: string;
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** How requests go out; knows the pinned key where the certificate is home-made. */
  readonly fetch: typeof fetch;
  /** The streams of the client: standard input and output. Nothing else may be written to the output. */
  readonly input: Readable;
  readonly output: Writable;
  /** Takes one line for the client's log: standard error. */
  readonly log: (line: string) => void;
}

/**
 * Serves until the client closes its end. Rejects with a fault when the control plane refuses the token, so that the
 * client shows a server that does not start; one that does not answer yet is told of in each call instead.
 */
export async function runStdio(options: StdioOptions): Promise<void> {
  const { input, output, log } = options;
  const ended = new Promise<void>((resolve) => input.once('end', resolve).once('close', resolve));
  const served = serveStdio(stdioFactory(options, await surfaceOf(options)), {
    transport: new StdioServerTransport(input, output),
    onerror: (error) => log(`countersign mcp: ${error.message}`),
  });
  await ended;
  await served.close();
}

function stdioFactory(options: StdioOptions, surface: Surface): McpServerFactory {
  const asked = makeAskedActions(options.ids.secret(''));
  return ({ era }) =>
    buildServer({
      version: options.version,
      surface,
      era,
      clock: options.clock,
      callFor: ({ client }) => remoteCall(options, client),
      approveUrl: (actionId) => `${options.url}/actions/${actionId}`,
      elicit: { asked }, // pages only: an answer in a form never counts from here
      report: (error) => {
        const reference = options.ids.id('req');
        options.log(`countersign mcp: ${reference}: ${error instanceof Error ? error.stack : String(error)}`);
        return reference;
      },
    });
}

/** What the token may see. Unknown while the control plane does not answer: then everything, since each call is checked anyway. */
async function surfaceOf(options: StdioOptions): Promise<Surface> {
  try {
    const { you } = await remoteCall(options, null)('getCapabilities', {});
    return you.scope === 'read' ? 'read' : 'request';
  } catch (error) {
    if (error instanceof Fault && (error.status === 401 || error.status === 403)) throw error;
    options.log(`countersign mcp: ${error instanceof Error ? error.message : String(error)}`);
    return 'request';
  }
}

/** The operations over HTTP, under the name of the client that this process serves. */
function remoteCall({ url, token, fetch }: StdioOptions, client: string | null): AssistantCall {
  const userAgent = client === null ? 'countersign-mcp' : `${headerSafe(client)} (countersign-mcp)`;
  const named: typeof fetch = (address, init) =>
    fetch(address, { ...init, headers: { ...init?.headers, 'user-agent': userAgent } });
  const call = operatorClient({ base: url, bearer: token, fetch: named });
  return async (name, input, request) => {
    try {
      return await call(name, input, request);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw fault('control_plane_unreachable', { url, reason: reasonOf(error) }, error);
    }
  };
}

const headerSafe = (text: string) => shorten(oneLine(text, 200).replace(/[^\x20-\x7e]/g, '?'), 100);

/** Why a fetch failed: undici keeps it in `cause`. */
function reasonOf(error: TypeError): string {
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}
