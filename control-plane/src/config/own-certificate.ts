/**
 * The certificate that the control plane makes when nobody gave it one. Its key stays the same for good, because agents pin
 * it; the certificate around it is made anew when the public name changes or it comes near its end. Source: RFC 5280.
 */
import { createPrivateKey, createPublicKey, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import type { JsonGeneralName } from '@peculiar/x509';
import { isLoopback, parseHost } from './addresses.ts';

const YEARS_VALID = 10;
const DAY_MS = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Makes a private key for TLS: ECDSA on P-256, PKCS#8 as PEM. */
export async function makeTlsKey(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

/**
 * Makes a self-signed certificate for some hosts, valid from the day before `now` (milliseconds since 1970). PEM.
 *
 * It is server and trust anchor at once, and such a form both assistants take (tried): Codex (rustls) refuses a server that is
 * a CA, Claude Code (BoringSSL) an issuer whose key usage, where there is one, is not to sign certificates.
 */
export async function makeCertificate(keyPem: string, hosts: readonly string[], now: number): Promise<string> {
  await import('reflect-metadata'); // first: the other one looks for it
  const { X509CertificateGenerator, ...x509 } = await import('@peculiar/x509');
  const keys = await importPair(createPrivateKey(keyPem));
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: ['Countersign'] }],
      notBefore: new Date(now - DAY_MS),
      notAfter: new Date(now + YEARS_VALID * 365 * DAY_MS),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(namesOf(hosts)),
      ],
    },
    webcrypto as unknown as Crypto,
  );
  return `${certificate.toString('pem')}\n`;
}

/** Whether a certificate belongs to the key, names every host and stays valid for another 30 days. */
export function stillFits(certPem: string, keyPem: string, hosts: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(certPem);
  return (
    certificate.checkPrivateKey(createPrivateKey(keyPem)) &&
    certificate.validToDate.getTime() - now > 30 * DAY_MS &&
    hosts.every((host) => (isIp(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined)
  );
}

/** The public key that a client pins, in the form that `curl --pinnedpubkey` takes: `sha256//` and base64 (RFC 7469, section 2.4). */
export async function pinOf(certPem: string): Promise<string> {
  const spki = new X509Certificate(certPem).publicKey.export({ format: 'der', type: 'spki' });
  const hash = await webcrypto.subtle.digest('SHA-256', new Uint8Array(spki));
  return `sha256//${Buffer.from(hash).toString('base64')}`;
}

/** Whether nobody but the holder of its own key vouches for the certificate, so that clients have to pin it. */
export function isSelfSigned(certPem: string): boolean {
  const certificate = new X509Certificate(certPem);
  return certificate.issuer === certificate.subject && certificate.verify(certificate.publicKey);
}

async function importPair(privateKey: KeyObject) {
  const pkcs8 = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
  const spki = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']),
  };
}

function namesOf(hosts: readonly string[]): JsonGeneralName[] {
  return [...new Set(hosts)].map((host) => ({ type: isIp(host) ? 'ip' : 'dns', value: host }));
}

const isIp = (host: string) => host.includes(':') || /^[\d.]+$/.test(host);

/** The hosts that our certificate names: the public one, the one listened on, and loopback. */
export function certificateHosts(publicUrl: string, host: string): string[] {
  const named = [parseHost(new URL(publicUrl).hostname), parseHost(host)].filter((name) => name !== null);
  const outside = named.filter((name) => !isLoopback(name) && name !== '0.0.0.0' && name !== '::');
  return [...new Set([...outside, 'localhost', '127.0.0.1', '::1'])];
}
