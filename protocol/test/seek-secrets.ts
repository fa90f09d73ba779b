/** Looks for many secrets in much text at once: each writing of each secret, also where it is split over lines. */
import { RUN, type SeededSecret, writingsOf } from './seeded-secrets.ts';

/** A power of two, far more than there are runs. */
const BEGINNINGS = 2 ** 24;

/** A secret that was seen, and the part that gave it away. */
export interface Sighting {
  readonly secret: SeededSecret;
  readonly part: string;
}

/** The runs of twelve characters by which secrets are known. */
export class SecretSeeker {
  readonly #runs = new Map<string, SeededSecret>();
  /** Which beginnings of a run there are, so that most places of a text need no look-up. */
  readonly #begins = new Uint8Array(BEGINNINGS);

  constructor(secrets: readonly SeededSecret[]) {
    for (const secret of secrets)
      for (const writing of [...writingsOf(secret), hexOf(secret)]) this.#learn(secret, writing);
  }

  /** Every secret that can be seen in a text, each once. */
  seek(text: string): Sighting[] {
    const seen = new Map<SeededSecret, string>();
    // Once as it is, once with the ends of lines taken out, as they are and as JSON writes them.
    for (const form of [text, text.replace(/\s*(?:\r?\n|(?:\\r)?\\+n)\s*/g, '')])
      for (let at = 0; at + RUN <= form.length; at += 1) {
        if (this.#begins[beginning(form, at)] === 0) continue;
        const part = form.slice(at, at + RUN);
        const secret = this.#runs.get(part);
        if (secret !== undefined && !seen.has(secret)) seen.set(secret, part);
      }
    return [...seen].map(([secret, part]) => ({ secret, part }));
  }

  #learn(secret: SeededSecret, writing: string): void {
    for (let at = 0; at + RUN <= writing.length; at += 1) {
      const run = writing.slice(at, at + RUN);
      this.#runs.set(run, secret);
      this.#begins[beginning(run, 0)] = 1;
    }
  }
}

function hexOf({ secret }: SeededSecret): string {
  return Buffer.from(secret.replace(/^-----.*-----\n/, '')).toString('hex');
}

/** A number of the first characters, below {@link BEGINNINGS}. */
function beginning(text: string, at: number): number {
  let number = 0;
  for (let index = 0; index < 6; index += 1) number = (Math.imul(number, 131) + text.charCodeAt(at + index)) | 0;
  return number & (BEGINNINGS - 1);
}
