/** What the logs of nginx say. Source: ngx_http_log_module (format `combined`), ngx_log.c. */

export interface AccessFigures {
  readonly requests: number;
  readonly serverErrors: number;
  /** Answers 502, 503 and 504: what stands behind nginx does not answer. */
  readonly gatewayErrors: number;
  /** Path without its query → how many server errors; most first. */
  readonly worstPaths: readonly { readonly path: string; readonly errors: number }[];
}

export interface UpstreamErrors {
  readonly upstream: string;
  readonly times: number;
  readonly reason: string;
  readonly example: string;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Requests since then (milliseconds) in lines of the format `combined`; other lines are passed over. */
export function readAccessLog(text: string, since: number): AccessFigures {
  let requests = 0;
  let serverErrors = 0;
  let gatewayErrors = 0;
  const paths = new Map<string, number>();
  for (const line of text.split('\n')) {
    const parsed = /\[([^\]]+)\] "(?:[A-Z]+ (\S+)[^"]*|[^"]*)" (\d{3}) /.exec(line);
    if (parsed === null || (accessTime(parsed[1] ?? '') ?? 0) < since) continue;
    requests += 1;
    const status = Number(parsed[3]);
    if (status < 500) continue;
    serverErrors += 1;
    if (status >= 502 && status <= 504) gatewayErrors += 1;
    const path = (parsed[2] ?? '?').split('?')[0] ?? '?';
    paths.set(path, (paths.get(path) ?? 0) + 1);
  }
  const worstPaths = [...paths].map(([path, errors]) => ({ path, errors })).sort((a, b) => b.errors - a.errors);
  return { requests, serverErrors, gatewayErrors, worstPaths: worstPaths.slice(0, 10) };
}

/** `20/Nov/2026:15:01:02 +0100` → milliseconds since 1970, or `null`. */
export function accessTime(text: string): number | null {
  const parsed = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text);
  if (parsed === null) return null;
  const [, day, month = '', year, hour, minute, second, sign, hours, minutes] = parsed;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return (
    Date.UTC(Number(year), MONTHS.indexOf(month), Number(day), Number(hour), Number(minute), Number(second)) - offset
  );
}

/** Errors while talking to upstreams, by upstream, since then. Times in the error log are those of the server. */
export function readUpstreamErrors(lines: readonly string[]): UpstreamErrors[] {
  const found = lines.flatMap((line) => {
    const upstream = /upstream: "([a-z]+:\/\/[^"/]+|[a-z]+:\/\/unix:[^":]+)/.exec(line)?.[1];
    return upstream === undefined ? [] : [{ upstream, line }];
  });
  return [...Map.groupBy(found, ({ upstream }) => upstream)]
    .map(([upstream, those]) => {
      const example = those.at(-1)?.line ?? '';
      return { upstream, times: those.length, reason: reasonIn(example), example };
    })
    .sort((a, b) => b.times - a.times);
}

/** Lines of the error log not older than `since`. `2026/11/20 15:01:02 [error] …`, in the server's own time zone. */
export function recentErrorLines(text: string, since: number): string[] {
  return text.split('\n').filter((line) => {
    const parsed = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) /.exec(line);
    if (parsed === null) return false;
    const [year, month, day, hour, minute, second] = parsed.slice(1).map(Number);
    return new Date(year ?? 0, (month ?? 1) - 1, day, hour, minute, second).getTime() >= since;
  });
}

function reasonIn(line: string): string {
  if (/Connection refused/.test(line)) return 'refuses connections: nobody listens there';
  if (/timed out/.test(line)) return 'does not answer in time';
  if (/prematurely closed|reset by peer/.test(line)) return 'closes the connection before it has answered';
  if (/No such file or directory/.test(line)) return 'has no socket there';
  if (/Permission denied/.test(line)) return 'may not be connected to by nginx';
  return 'fails';
}
