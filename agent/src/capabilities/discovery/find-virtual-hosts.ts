/** Virtual hosts of nginx. Source: nginx(8), `-T`; ngx_http_core_module, `server`, `listen`, `server_name`. */
import { fault } from '@countersign/protocol';
import { isMissing } from '../../host/execution.ts';
import type { ObserveContext } from '../capability.ts';
import { type Directive, NginxSyntaxProblem, parseNginx } from '../files/config-edit/nginx-syntax.ts';
import type { Found } from './discover.ts';

const ASK_MS = 10_000;

/** None where nginx is not installed. Rejects with `capability_failed` when its configuration is refused. */
export async function findVirtualHosts({ exec, signal }: ObserveContext): Promise<Found[]> {
  const argv = ['nginx', '-T', '-q'];
  const done = await exec({ argv, timeoutMs: ASK_MS, maxBytes: 8 * 1024 * 1024, hostNetwork: true, signal });
  if (isMissing(done, 'nginx')) return [];
  if (done.exitCode !== 0) throw failed('the configuration of nginx is refused');
  return virtualHostsIn(done.stdout);
}

/** Pure: from what `nginx -T` prints, file by file behind a line that names it. */
export function virtualHostsIn(dump: string): Found[] {
  const pieces = dump.split(/^# configuration file (\/.*):$/m);
  const found: Found[] = [];
  for (let index = 1; index < pieces.length; index += 2)
    found.push(...hostsOf(pieces[index + 1] ?? '', pieces[index] ?? ''));
  return found;
}

function hostsOf(text: string, file: string): Found[] {
  try {
    return serversIn(parseNginx(text)).map((server) => {
      const listens = argsOf(server, 'listen').join(', ') || '80';
      const names = argsOf(server, 'server_name').join(' ');
      return {
        name: names === '' || names === '_' ? `${names || '_'} on ${listens}` : names,
        state: null,
        detail: `listens on ${listens}; ${file}`,
      };
    });
  } catch (error) {
    // nginx took it, so it is our reader that does not know the form.
    if (error instanceof NginxSyntaxProblem) return [];
    throw error;
  }
}

function serversIn(directives: readonly Directive[]): Directive[] {
  return directives.flatMap((each) => {
    if (each.block === null) return [];
    // A server of `stream` or `mail` has no virtual hosts.
    if (each.name === 'server') return [each];
    return each.name === 'http' ? serversIn(each.block) : [];
  });
}

function argsOf({ block }: Directive, name: string): string[] {
  return (block ?? []).filter((each) => each.name === name).map(({ args }) => args.map(({ raw }) => raw).join(' '));
}

const failed = (reason: string) => fault('capability_failed', { capability: 'discover.services', reason });
