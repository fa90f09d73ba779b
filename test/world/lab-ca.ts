/** A certificate authority of the tests: a key, a root, and what it signs, by way of openssl. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../hosts/run.ts';

export interface Signed {
  readonly certificate: string;
  readonly key: string;
}

export class LabCa implements AsyncDisposable {
  readonly #folder: string;
  /** Its own certificate, PEM. */
  readonly root: string;
  #serial = 0;

  private constructor(folder: string, root: string) {
    this.#folder = folder;
    this.root = root;
  }

  static async make(): Promise<LabCa> {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-lab-ca-'));
    const [key, root] = [join(folder, 'ca.key'), join(folder, 'ca.pem')];
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    await runCommand([
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', key, '-out', root, '-days', '3650', '-subj', '/CN=Countersign lab CA'],
      ...extensions.flatMap((extension) => ['-addext', extension]),
    ]);
    return new LabCa(folder, await readFile(root, 'utf8'));
  }

  /** A key and a certificate for names, valid from now on for so many days. */
  async issue(names: readonly string[], days: number): Promise<Signed> {
    const [key, request] = [this.#file('key'), this.#file('csr')];
    await runCommand([
      ...['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', key, '-out', request, '-outform', 'DER', '-subj', `/CN=${names[0]}`],
    ]);
    return { certificate: await this.sign(await readFile(request), names, days), key: await readFile(key, 'utf8') };
  }

  /** Signs a request (DER) for names. Gives the certificate and the root behind it, PEM. */
  async sign(request: Uint8Array, names: readonly string[], days: number): Promise<string> {
    const [csr, extensions, out] = [this.#file('der'), this.#file('ext'), this.#file('pem')];
    await writeFile(csr, request);
    await writeFile(
      extensions,
      `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}\nbasicConstraints=CA:FALSE\n`,
    );
    this.#serial += 1;
    await runCommand([
      ...['openssl', 'x509', '-req', '-inform', 'DER', '-in', csr, '-days', String(days), '-extfile', extensions],
      ...['-CA', join(this.#folder, 'ca.pem'), '-CAkey', join(this.#folder, 'ca.key')],
      ...['-set_serial', String(1000 + this.#serial), '-out', out],
    ]);
    return `${await readFile(out, 'utf8')}${this.root}`;
  }

  /** The names that a request (DER) asks for. */
  async namesIn(request: Uint8Array): Promise<string[]> {
    const csr = this.#file('der');
    await writeFile(csr, request);
    const { stdout } = await runCommand(['openssl', 'req', '-inform', 'DER', '-in', csr, '-noout', '-text', '-verify']);
    return [...stdout.matchAll(/DNS:([A-Za-z0-9.*-]+)/g)].map(([, name = '']) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #file(kind: string): string {
    this.#serial += 1;
    return join(this.#folder, `${this.#serial}.${kind}`);
  }
}
