/** Certificates as files hold them and servers send them. Sources: RFC 5280, RFC 7468; node:crypto, X509Certificate. */
import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';

const DAY_MS = 86_400_000;

/** The certificates in a PEM text, in their order. What cannot be parsed is passed over. */
export function parsePem(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g);
  return (blocks ?? []).slice(0, 20).flatMap(certificateOf);
}

/** Of DER in base64. */
export function parseChain(chain: readonly string[]): X509Certificate[] {
  return chain.flatMap((each) => certificateOf(Buffer.from(each, 'base64')));
}

function certificateOf(encoded: string | Buffer): X509Certificate[] {
  try {
    return [new X509Certificate(encoded)];
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}

/** Whole days until it ends; negative when it has. */
export function daysLeft(certificate: X509Certificate, now: number): number {
  return Math.floor((certificate.validToDate.getTime() - now) / DAY_MS);
}

/** Whether it is for a host, by the names in it and never by its subject. */
export function names(certificate: X509Certificate, host: string): boolean {
  return certificate.checkHost(host, { subject: 'never' }) !== undefined;
}

/** SHA-256 of the whole certificate, lower-case hex. */
export function fingerprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

export type ChainProblem = 'self_signed' | 'incomplete' | 'untrusted';

/** What is wrong with a chain, the server's own certificate first; `null` when it leads to somebody this system trusts. */
export function chainProblem(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): ChainProblem | null {
  const [leaf, ...others] = chain;
  if (leaf === undefined) return 'incomplete';
  const isTrusted = (one: X509Certificate) =>
    roots.some((root) => root.fingerprint256 === one.fingerprint256 || isIssuedBy(one, root));
  if (isTrusted(leaf)) return null;
  if (isIssuedBy(leaf, leaf)) return 'self_signed';
  let last = leaf;
  for (const _ of others) {
    const issuer = others.find((other) => other !== last && isIssuedBy(last, other));
    if (issuer === undefined) return 'incomplete';
    if (isTrusted(issuer)) return null;
    if (isIssuedBy(issuer, issuer)) return 'untrusted';
    last = issuer;
  }
  return 'incomplete';
}

function isIssuedBy(one: X509Certificate, issuer: X509Certificate): boolean {
  return one.checkIssued(issuer) && one.verify(issuer.publicKey);
}

/** Whom this system and the usual browsers trust. */
export function trustedRoots(): X509Certificate[] {
  return [...new Set([...getCACertificates('system'), ...getCACertificates('bundled')])].flatMap(certificateOf);
}
