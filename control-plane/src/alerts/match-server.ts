/** Finds the server that a foreign alert is about, by its labels. Pure. */

export interface Candidate {
  readonly id: string;
  readonly name: string;
  /** What the server calls itself; null before its agent connected. */
  readonly hostname: string | null;
}

/** Labels that name a machine, the most telling first. */
const LABELS = ['server', 'host', 'hostname', 'nodename', 'node', 'instance', 'exported_instance', 'target'];

/** The one server that a label names: by id, name, or host name with or without its domain. Null when none, or several, fit. */
export function matchServer(labels: Readonly<Record<string, string>>, candidates: readonly Candidate[]): string | null {
  for (const label of LABELS) {
    const value = labels[label];
    if (value === undefined || value === '') continue;
    const named = bare(value);
    const exact = candidates.filter(({ id, name }) => id === named || name.toLowerCase() === named);
    const hosts = exact.length > 0 ? exact : candidates.filter((it) => sameHost(it, named));
    if (hosts.length === 1) return hosts[0]?.id ?? null;
  }
  return null;
}

/** `https://Web-1.example.org:9100/metrics` is `web-1.example.org`. */
function bare(value: string): string {
  return value
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/[/?#].*$/, '')
    .replace(/:\d+$/, '')
    .replace(/\.$/, '');
}

function sameHost({ name, hostname }: Candidate, named: string): boolean {
  const own = [name, hostname ?? ''].map((it) => it.toLowerCase()).filter((it) => it !== '');
  // An address has dots too, but no short form.
  if (/^[\d.]+$|:/.test(named)) return own.includes(named);
  return own.some((it) => it === named || short(it) === named || it === short(named));
}

function short(host: string): string {
  return host.split('.')[0] ?? host;
}
