/** Checks an exported audit log without a control plane. */
import { canonicalJson } from '@countersign/protocol';
import { publicKeySchema } from '@countersign/protocol/keys';
import { z } from 'zod';
import { type AuditProblem, ChainCheck, type Verdict } from './chain-check.ts';
import { EXPORT_FORMAT } from './export.ts';
import { type ReadEntry, readBody } from './ledger-reading.ts';
import { isLink } from './stored-entry.ts';

const headerSchema = z.strictObject({
  format: z.literal(EXPORT_FORMAT),
  key: publicKeySchema,
  entries: z.int().nonnegative(),
  head: z.string(),
});
const checkpointSchema = z.strictObject({ checkpoint: z.string() });

const ENTRY_START = '{"entry":';
const ENTRY_END = /^,"hash":"([0-9a-f]{64})"\}$/;
const ENTRY_END_LENGTH = 75;

/**
 * Checks every line of an export as it comes. `key`: the control plane's public key as the reader knows it from elsewhere; without
 * it the key in the file is believed, which proves that the file is whole but not whose it is.
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  { key }: { readonly key?: string } = {},
): Promise<Verdict & { readonly key: string | null }> {
  let check: ChainCheck | undefined;
  let header: z.infer<typeof headerSchema> | undefined;
  let n = 0;
  for await (const line of lines) {
    n += 1;
    if (check) {
      readLine(check, line, n);
      continue;
    }
    const first = headerSchema.safeParse(parsed(line));
    if (!first.success || canonicalJson(first.data) !== line)
      return broken('the first line is not that of an audit export');
    header = first.data;
    if (key !== undefined && key !== header.key) return broken(`the file names the key ${header.key}, expected ${key}`);
    check = new ChainCheck(header.key);
  }
  if (!check || !header) return broken('the file is empty');
  return { ...check.verdict(header), key: header.key };
}

/** The entries of an export, to be compared with what servers keep. Lines that are none are left out: {@link verifyExport} names them. */
export async function* exportedEntries(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<ReadEntry> {
  for await (const line of lines) {
    const end = line.startsWith(ENTRY_START) ? ENTRY_END.exec(line.slice(-ENTRY_END_LENGTH)) : null;
    const body = end && readBody(line.slice(ENTRY_START.length, -ENTRY_END_LENGTH));
    if (body && end?.[1] !== undefined) yield { body, hash: end[1] };
  }
}

function readLine(check: ChainCheck, line: string, n: number): void {
  const note = checkpointSchema.safeParse(line.startsWith(ENTRY_START) ? undefined : parsed(line));
  if (note.success && canonicalJson(note.data) === line) {
    check.checkpoint(note.data.checkpoint);
    return;
  }
  const end = ENTRY_END.exec(line.slice(-ENTRY_END_LENGTH));
  const text = line.slice(ENTRY_START.length, -ENTRY_END_LENGTH);
  const body = parsed(text);
  if (line.startsWith(ENTRY_START) && end?.[1] !== undefined && isLink(body)) check.entry(text, end[1], body);
  else if (line.startsWith('{"e')) check.unreadable();
  else check.problem(null, `line ${n} was changed: it is neither an entry nor a checkpoint`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function broken(problem: string): Verdict & { key: null } {
  const problems: AuditProblem[] = [{ seq: null, problem }];
  return { ok: false, entries: 0, head: '', checkpoints: 0, problems, key: null };
}
