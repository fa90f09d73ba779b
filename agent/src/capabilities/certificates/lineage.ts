/** What certbot keeps: a folder of links per certificate, into an archive of all versions. Source: certbot(1), "Where are my certificates?". */
import { readLink } from '../../host/links.ts';
import { namesIn, readTextOrNull } from '../../host/look.ts';
import { parsePem } from './x509.ts';

export const LIVE = '/etc/letsencrypt/live';
/** The four files that a renewal replaces together. */
export const LINKS = ['cert.pem', 'chain.pem', 'fullchain.pem', 'privkey.pem'] as const;
/** What is public of them. */
const PUBLIC = /^\/etc\/letsencrypt\/live\/[^/]+\/(cert|chain|fullchain)\.pem$/;

/** Names of all certificates. Needs root. */
export function lineages(): string[] {
  return (namesIn(LIVE) ?? []).filter((name) => name !== 'README');
}

export function fullchainOf(name: string): string {
  return `${LIVE}/${name}/fullchain.pem`;
}

/** Whose certificate a path is, or `null`. */
export function lineageOf(path: string): string | null {
  return PUBLIC.test(path) ? (path.slice(LIVE.length + 1).split('/')[0] ?? null) : null;
}

export type Links = Readonly<Record<(typeof LINKS)[number], string>>;

/** Where the links lead, such as `../../archive/shop/cert3.pem`; `null` when there is no such certificate. */
export function readLinks(name: string): Links | null {
  const targets = LINKS.map((link) => [link, readLink(`${LIVE}/${name}/${link}`)] as const);
  return targets.some(([, target]) => target === null) ? null : (Object.fromEntries(targets) as Links);
}

/** Which version the links lead to: 3 for `cert3.pem`. */
export function versionOf(links: Readonly<Record<'cert.pem', string>>): number {
  return Number(/cert(\d+)\.pem$/.exec(links['cert.pem'])?.[1] ?? 0);
}

/** The certificate that the links lead to now. */
export function certificateIn(name: string) {
  return parsePem(readTextOrNull(fullchainOf(name)) ?? '')[0] ?? null;
}
