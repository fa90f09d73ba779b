/** The virtual hosts of nginx as its whole configuration says (`nginx -T`). Source: nginx(8), ngx_http_core_module. */
import { fault } from '@countersign/protocol';
import { howItEnded } from '../../host/execution.ts';
import type { ObserveContext } from '../capability.ts';
import { type Directive, NginxSyntaxProblem, parseNginx, unquoteWord } from '../files/config-edit/nginx-syntax.ts';

export interface ServerBlock {
  readonly file: string;
  readonly names: readonly string[];
  readonly listens: readonly { readonly port: number; readonly tls: boolean }[];
  /** Path of its certificate; `null` where it has none of its own or nginx computes it. */
  readonly certificate: string | null;
  /** Files whose presence it asks for: `if (-f /srv/shop/maintenance)`. */
  readonly flags: readonly string[];
  /** Addresses or names of upstreams that it passes requests to. */
  readonly upstreams: readonly string[];
}

const DUMP_MS = 12_000;
const DUMP_BYTES = 4 * 1024 * 1024;

/** All of them. Rejects with `capability_failed` where nginx is not there or refuses its configuration. */
export async function readServerBlocks(context: ObserveContext): Promise<ServerBlock[]> {
  return (await readDump(context)).flatMap(blocksIn);
}

/** Every file that nginx reads, once each. Rejects as {@link readServerBlocks}. */
export async function readDump(context: ObserveContext): Promise<DumpedFile[]> {
  const done = await context.exec({
    argv: ['nginx', '-T', '-q'],
    timeoutMs: DUMP_MS,
    maxBytes: DUMP_BYTES,
    hostNetwork: true,
    signal: context.signal,
  });
  if (done.exitCode === 0) return parseDump(done.stdout);
  throw fault('capability_failed', { capability: 'nginx', reason: `nginx -T ${howItEnded(done)}` });
}

export interface DumpedFile {
  readonly file: string;
  readonly text: string;
}

/** Files as `nginx -T` prints them, each behind a line with its name. */
export function parseDump(dump: string): DumpedFile[] {
  const pieces = dump.split(/^# configuration file (\/.+):$/m);
  return pieces.flatMap((file, index) => (index % 2 === 0 ? [] : [{ file, text: pieces[index + 1] ?? '' }]));
}

/** The virtual hosts in one of them; none in one that cannot be parsed. */
export function blocksIn({ file, text }: DumpedFile): ServerBlock[] {
  try {
    return serversIn(parseNginx(text)).map((server) => blockOf(file, server));
  } catch (error) {
    if (error instanceof NginxSyntaxProblem) return [];
    throw error;
  }
}

function serversIn(directives: readonly Directive[]): Directive[] {
  return directives.flatMap((each) => {
    if (each.block === null) return [];
    // Blocks of that name in an upstream or in stream {} are something else.
    if (each.name === 'stream' || each.name === 'mail') return [];
    return each.name === 'server' ? [each] : serversIn(each.block);
  });
}

function blockOf(file: string, server: Directive): ServerBlock {
  const inside = everything(server);
  const words = ({ args }: Directive) => args.map(({ raw }) => unquoteWord(raw));
  const named = (name: string) => inside.filter((each) => each.name === name);
  const own = (name: string) => (server.block ?? []).filter((each) => each.name === name);
  const certificate = own('ssl_certificate').map(words)[0]?.[0];
  return {
    file,
    names: own('server_name').flatMap(words),
    listens: own('listen').flatMap((each) => listenOf(words(each))),
    certificate: certificate?.startsWith('/') && !certificate.includes('$') ? certificate : null,
    flags: named('if').flatMap((each) => /^\(\s*-[fe]\s+(\/[^\s$)]+)\s*\)$/.exec(words(each).join(' '))?.[1] ?? []),
    upstreams: named('proxy_pass').flatMap((each) => /^https?:\/\/([^/$]+)/.exec(words(each)[0] ?? '')?.[1] ?? []),
  };
}

function everything({ block }: Directive): Directive[] {
  return (block ?? []).flatMap((each) => [each, ...everything(each)]);
}

/** `443 ssl`, `[::]:443 ssl`, `127.0.0.1:8080`, `example.com`: an address without a port means 80. */
function listenOf([address = '', ...options]: readonly string[]): ServerBlock['listens'] {
  if (address.startsWith('unix:')) return [];
  const port = /^(?:.*:)?(\d{1,5})$/.exec(address)?.[1];
  return [{ port: port === undefined ? 80 : Number(port), tls: options.includes('ssl') }];
}
