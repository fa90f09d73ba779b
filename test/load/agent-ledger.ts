/**
 * What each simulated agent was told to do and did, in a file of its own to which it only appends, outside of everything that the
 * product keeps. What really happened is read here and nowhere else.
 */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';

const lineSchema = z.discriminatedUnion('what', [
  /** A grant came for the first time and is good. `at`: milliseconds since 1970. */
  z.strictObject({ what: z.literal('told'), at: z.int(), action: z.string(), digest: z.string() }),
  /** The same grant came again. */
  z.strictObject({ what: z.literal('told_again'), at: z.int(), action: z.string() }),
  z.strictObject({ what: z.literal('refused'), at: z.int(), action: z.string(), code: z.string() }),
  /** It is done. The mark goes into the result, so that the two can be told to be the same. */
  z.strictObject({ what: z.literal('did'), at: z.int(), action: z.string(), mark: z.string() }),
  z.strictObject({ what: z.literal('alert'), at: z.int(), key: z.string(), state: z.enum(['firing', 'resolved']) }),
]);
export type LedgerLine = z.infer<typeof lineSchema>;

const SUFFIX = '.ndjson';

export class AgentLedger {
  readonly #file: string;

  /** `folder` is there already. */
  constructor(folder: string, server: string) {
    this.#file = join(folder, `${server}${SUFFIX}`);
  }

  append(line: LedgerLine): void {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** Every line of every agent, by the name of its server. */
export function readLedgers(folder: string): Map<string, LedgerLine[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith(SUFFIX));
  return new Map(
    files.map((file) => {
      const lines = readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1);
      return [basename(file, SUFFIX), lines.map((line) => lineSchema.parse(JSON.parse(line)))];
    }),
  );
}
