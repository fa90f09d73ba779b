/** `nginx -t`, and what it complains of. Source: nginx(8), ngx_conf_file.c, ngx_log.c. */
import { howItEnded, isMissing } from '../../host/execution.ts';
import type { ObserveContext } from '../capability.ts';

export interface NginxTest {
  readonly installed: boolean;
  readonly valid: boolean;
  readonly output: string;
}

export interface NginxComplaint {
  readonly level: 'emerg' | 'alert' | 'crit' | 'error' | 'warn';
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
}

/** What is tested also resolves the names of upstreams, so it needs the server's network. */
export const NGINX_TEST_ARGV = ['nginx', '-t'] as const;
const TEST_MS = 12_000;

export async function testNginx(context: ObserveContext): Promise<NginxTest> {
  const done = await context.exec({
    argv: NGINX_TEST_ARGV,
    timeoutMs: TEST_MS,
    hostNetwork: true,
    signal: context.signal,
  });
  if (isMissing(done, 'nginx')) return { installed: false, valid: false, output: '' };
  const output = `${done.stdout}${done.stderr}`.trim();
  return {
    installed: true,
    valid: done.exitCode === 0,
    output: output === '' ? `nginx -t ${howItEnded(done)}` : output,
  };
}

/** `nginx: [emerg] MESSAGE in FILE:LINE`. */
export function parseComplaints(output: string): NginxComplaint[] {
  return output.split('\n').flatMap((line) => {
    const parsed = /\[(emerg|alert|crit|error|warn)\] (?:\d+#\d+: )?(.*)$/.exec(line);
    if (parsed === null) return [];
    const [, level, text = ''] = parsed;
    const placed = /^(.*) in (\/\S+):(\d+)$/.exec(text);
    return [
      {
        level: level as NginxComplaint['level'],
        message: placed?.[1] ?? text,
        file: placed?.[2] ?? null,
        line: placed ? Number(placed[3]) : null,
      },
    ];
  });
}
