/** Where the control plane is, for those outside and for this machine. A port that the system chose is known once it listens. */
import { isWildcard } from '../config/addresses.ts';
import type { Config } from '../config/config.ts';
import type { Place } from './caller.ts';

export interface ListeningPlace extends Place {
  /** Where this machine reaches it. */
  readonly localUrl: string;
  /** To be told once it listens. */
  listens(port: number): void;
}

export function placeOf(config: Config): ListeningPlace {
  let port = config.port;
  const withPort = (url: string) => (config.port === 0 ? url.replace(/:0$/, `:${port}`) : url);
  const scheme = config.tls.mode === 'off' || config.tls.mode === 'proxy' ? 'http' : 'https';
  return {
    get publicUrl() {
      return withPort(config.publicUrl);
    },
    secure: config.publicUrl.startsWith('https:'),
    get localUrl() {
      return `${scheme}://${localHost(config.host)}:${port}`;
    },
    listens(chosen) {
      port = chosen;
    },
  };
}

function localHost(host: string): string {
  if (host === '127.0.0.1' || host === 'localhost') return 'localhost';
  if (isWildcard(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
