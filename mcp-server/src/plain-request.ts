/**
 * Which request of the 2026 era is exactly the call of a tool and nothing else. All that is odd in any way is for the SDK: it has
 * the answer to it. Source: MCP 2026-07-28, tools/call; the bounds are the SDK's.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  isSpecType,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/server';

type JsonObject = Readonly<Record<string, unknown>>;

/** A call in its parts. What its envelope says is for the SDK to judge. */
export interface PlainRequest {
  readonly id: string | number;
  readonly tool: string;
  readonly args: unknown;
  /** What is said of the client and of the protocol. */
  readonly envelope: JsonObject;
  /** Where the client wants to hear that the call goes on. */
  readonly progressToken: string | number | undefined;
}

/** More members in one call's arguments than this are refused before they are read. */
export const INPUT_ELEMENTS_MAX = 5000;

const MESSAGE = new Set(['jsonrpc', 'id', 'method', 'params']);
const PARAMS = new Set(['name', 'arguments', '_meta']);
const META = new Set(['progressToken', PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY]);

/** The call that a parsed body is, or null. */
export function plainRequestIn(body: unknown): PlainRequest | null {
  if (!isObject(body) || !hasOnly(body, MESSAGE)) return null;
  const { jsonrpc, id, method, params } = body;
  if (jsonrpc !== '2.0' || method !== 'tools/call' || !isId(id)) return null;
  if (!isObject(params) || !hasOnly(params, PARAMS)) return null;
  const { name: tool, arguments: args, _meta: meta } = params;
  if (typeof tool !== 'string' || !isObject(meta) || !hasOnly(meta, META)) return null;
  if (args !== undefined && !(isObject(args) && isSmall(args))) return null;
  const { progressToken, ...envelope } = meta;
  return progressToken === undefined || isId(progressToken) ? { id, tool, args, envelope, progressToken } : null;
}

/** Name and version that a client gave itself, or null. */
export function clientIn(envelope: JsonObject | undefined): string | null {
  const said = envelope?.[CLIENT_INFO_META_KEY];
  return isSpecType.Implementation(said) ? clientName(said) : null;
}

export const clientName = ({ name, version }: { readonly name: string; readonly version: string }) =>
  `${name} ${version}`.trim();

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is string | number => typeof value === 'string' || Number.isSafeInteger(value);

function hasOnly(value: JsonObject, names: ReadonlySet<string>): boolean {
  for (const name of Object.keys(value)) if (!names.has(name)) return false;
  return true;
}

/** Not by recursion: what comes may be as deep as it is long. */
function isSmall(args: JsonObject): boolean {
  const open: object[] = [args];
  let elements = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const member of Object.values(next)) {
      elements += 1;
      if (elements > INPUT_ELEMENTS_MAX) return false;
      if (typeof member === 'object' && member !== null) open.push(member);
    }
  }
  return true;
}
