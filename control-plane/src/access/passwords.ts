/** Passwords, kept as scrypt hashes. */
import { scrypt, timingSafeEqual } from 'node:crypto';
import type { Ids } from '@countersign/protocol';

/** What one hash costs whoever makes or tries it: N is 2 to the power of `logN`. Source: RFC 7914. */
export interface PasswordCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and three passes (OWASP Password Storage, scrypt), about 150 ms. */
const COST: PasswordCost = { logN: 15, r: 8, p: 3 };
const LENGTH = 32;

export interface Passwords {
  /** Hashes a password. The text holds cost and salt: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password fits the stored hash. Without a stored hash it takes as long and says no, so that nobody learns
   * from the time which accounts there are.
   */
  fits(password: string, stored: string | null): Promise<boolean>;
}

/** `cost` is for tests, which guess no passwords and hash hundreds. */
export function passwords(ids: Pick<Ids, 'secret'>, cost = COST): Passwords {
  return {
    async hash(password) {
      const salt = ids.secret('');
      const hash = await derive(password, salt, cost);
      return `$scrypt$ln=${cost.logN},r=${cost.r},p=${cost.p}$${salt}$${hash.toString('base64url')}`;
    },
    async fits(password, stored) {
      const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored ?? '');
      if (!match) {
        await derive(password, 'nobody', cost);
        return false;
      }
      const [, logN, r, p, salt = '', hash = ''] = match;
      const found = await derive(password, salt, { logN: Number(logN), r: Number(r), p: Number(p) });
      const wanted = Buffer.from(hash, 'base64url');
      return wanted.length === found.length && timingSafeEqual(wanted, found);
    },
  };
}

/** The same letters may be typed in several Unicode forms; NFKC makes them one (RFC 8265, section 4.2). */
function derive(password: string, salt: string, { logN, r, p }: PasswordCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N: 2 ** logN, r, p, maxmem: 256 * 1024 * 1024 };
    scrypt(password.normalize('NFKC'), salt, LENGTH, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
