/** What a password costs in worlds that are no test of it: the full price is a quarter of a second of a core, hundreds of times. */
import type { PasswordCost } from '../../control-plane/src/access/passwords.ts';

export const quickPasswords: PasswordCost = { logN: 4, r: 1, p: 1 };
