/** Comparing an exported log with what servers keep, offline: with files that their owners brought. */
import { createReadStream } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { escapeDeceptive, type SignedWitness, signedWitnessSchema } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { LedgerReading } from '../audit/ledger-reading.ts';
import { exportedEntries } from '../audit/verify-export.ts';
import { compareWitness, inWords, sizesIn, stateOf } from '../audit/verify-witness.ts';
import type { CliContext } from './connection.ts';
import { readJsonFile } from './json-file.ts';

export type ServerVerdict = OutputOf<'verifyAudit'>['servers'][number] & {
  /** What a file was signed with; compare it with the server's own, since nobody vouches for it here. */
  readonly key?: string;
};

export const linesOf = (input: Readable): Interface => createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });

/** One verdict per statement, in the form of `verifyAudit`. Rejects with `UsageError` when a file holds no statement. */
export async function compareFiles(log: string, files: readonly string[]): Promise<ServerVerdict[]> {
  const statements: SignedWitness[] = [];
  for (const file of files) statements.push(await readJsonFile(file, signedWitnessSchema, 'what a server keeps'));
  const ledger = new LedgerReading(sizesIn(statements));
  for await (const entry of exportedEntries(linesOf(createReadStream(log)))) ledger.take(entry);
  return statements.map((statement) => {
    const { server: id, key, checkpoints, actions, problems } = compareWitness(ledger, statement);
    return {
      ...{ server: { id, name: id }, key, checkpoints, actions },
      ...{ state: stateOf(problems), problems: inWords(problems) },
    };
  });
}

const words = {
  agrees: 'agrees',
  accepted: 'contradicts the log, as an owner accepted: the log says so, look whether that was right',
  contradicts: 'CONTRADICTS the log',
  unreachable: 'could not be asked',
  no_witness: 'keeps nothing yet',
} as const;

export function serverVerdictLines(
  { server, state, checkpoints, actions, problems, key }: ServerVerdict,
  paint: CliContext['terminal']['paint'],
): string[] {
  const colour = state === 'agrees' ? 'green' : state === 'contradicts' ? 'red' : 'yellow';
  return [
    `  ${escapeDeceptive(server.name)} ${paint(colour, words[state])} (${checkpoints} checkpoints, ${actions} actions compared)`,
    ...(key === undefined ? [] : [`    signed with ${key} (as the file says; compare it with the server's own)`]),
    ...problems.map((problem) => `    ${escapeDeceptive(problem)}`),
  ];
}
