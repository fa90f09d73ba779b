/** Passwords, kept as scrypt hashes. Cost: 32 MiB and three passes (OWASP Password Storage, scrypt), about 150 ms. */
import { scrypt, timingSafeEqual } from 'node:crypto';
import type { Ids } from '@countersign/protocol';

const LOG_N = 15;
const R = 8;
const P = 3;
const LENGTH = 32;

/** Hashes a password. The text holds cost and salt: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`. */
export async function hashPassword(password: string, ids: Pick<Ids, 'secret'>): Promise<string> {
  const salt = ids.secret('');
  const hash = await derive(password, salt, LOG_N, R, P);
  return `$scrypt$ln=${LOG_N},r=${R},p=${P}$${salt}$${hash.toString('base64url')}`;
}

/**
 * Whether the password fits the stored hash. Without a stored hash it takes as long and says no, so that nobody learns
 * from the time which accounts there are.
 */
export async function passwordFits(password: string, stored: string | null): Promise<boolean> {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored ?? '');
  if (!match) {
    await derive(password, 'nobody', LOG_N, R, P);
    return false;
  }
  const [, logN, r, p, salt = '', hash = ''] = match;
  const found = await derive(password, salt, Number(logN), Number(r), Number(p));
  const wanted = Buffer.from(hash, 'base64url');
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}

/** The same letters may be typed in several Unicode forms; NFKC makes them one (RFC 8265, section 4.2). */
function derive(password: string, salt: string, logN: number, r: number, p: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N: 2 ** logN, r, p, maxmem: 256 * 1024 * 1024 };
    scrypt(password.normalize('NFKC'), salt, LENGTH, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
