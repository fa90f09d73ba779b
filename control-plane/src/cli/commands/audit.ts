/** `audit export`, `audit verify`: the log, and the proof that nothing in it was changed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorBodySchema, fault } from '@countersign/protocol';
import type { Command } from 'commander';
import { verifyExport } from '../../audit/verify-export.ts';
import { verifyLedger } from '../../audit/verify-ledger.ts';
import { answer } from '../answer.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { exitCodes, UnreachableError, UsageError } from '../exit-codes.ts';
import { openStore } from '../store.ts';

export function auditCommands(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('the audit log');
  audit
    .command('export')
    .description('write the whole log as NDJSON; it can be verified without us')
    .option('--out <file>', 'write to a file instead of standard output')
    .action((options: { out?: string }) => exportLog(context, options.out));
  audit
    .command('verify')
    .description('check an exported log offline, or the log of this machine’s data folder')
    .argument('[file]', 'an export; - for standard input')
    .option('--key <key>', 'public key of the control plane, as you know it from elsewhere: ed25519:…')
    .action((file: string | undefined, options: { key?: string }) => verify(context, file, options.key));
}

async function exportLog(context: CliContext, out: string | undefined): Promise<void> {
  const { at, session } = await signedIn(context);
  const headers = { authorization: `Bearer ${session.session}`, 'x-countersign': '1' };
  const response = await at.fetch(`${at.url}/api/v1/audit/export`, { headers }).catch((error: Error) => {
    throw new UnreachableError(at.url, error.cause);
  });
  if (!response.ok || response.body === null) throw await refusal(response);
  const lines = Readable.fromWeb(response.body as never);
  if (out === undefined) {
    for await (const piece of lines) await context.terminal.write(Buffer.from(piece).toString('utf8'));
    return;
  }
  await pipeline(lines, createWriteStream(out, { mode: 0o600 }));
  await answer(context, { file: out }, () => [`Written to ${out}. Check it: countersign audit verify ${out}`]);
}

async function refusal(response: Response): Promise<Error> {
  const body = (await response.json().catch(() => null)) as { error?: unknown } | null;
  const parsed = errorBodySchema.safeParse(body?.error);
  if (parsed.success && parsed.data.code === 'unauthenticated') return fault('unauthenticated');
  return parsed.success
    ? new UsageError(parsed.data.message, parsed.data.next_step)
    : new Error(`HTTP ${response.status}`);
}

interface Verdict {
  readonly ok: boolean;
  readonly entries: number;
  readonly checkpoints: number;
  readonly head: string;
  readonly key?: string | null;
  readonly problems: readonly { readonly seq: number | null; readonly problem: string }[];
}

async function verify(context: CliContext, file: string | undefined, key: string | undefined): Promise<void> {
  const verdict = file === undefined ? await verifyStore(context) : await verifyFile(file, key);
  if (!verdict.ok) context.exit(exitCodes.unverified);
  const { paint } = context.terminal;
  await answer(context, verdict, () => [
    verdict.ok
      ? `${paint('green', '✓')} ${verdict.entries} entries and ${verdict.checkpoints} checkpoints, whole and unchanged.`
      : `${paint('red', '✗')} The log does not verify.`,
    ...verdict.problems.map(({ seq, problem }) => `  ${seq === null ? 'log' : `entry ${seq}`}: ${problem}`),
    ...(verdict.head === '' ? [] : [`  head ${verdict.head}`]),
    ...(verdict.key
      ? [`  key  ${verdict.key}${key === undefined ? ' (as the file says; compare it, or give --key)' : ''}`]
      : []),
  ]);
}

async function verifyFile(file: string, key: string | undefined): Promise<Verdict> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    return await verifyExport(
      createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }),
      key === undefined ? {} : { key },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new UsageError(`There is no file ${file}.`, 'Make one: countersign audit export --out audit.ndjson');
    throw error;
  }
}

async function verifyStore(context: CliContext): Promise<Verdict> {
  await using store = await openStore(context);
  return await verifyLedger({ db: store.access.db, publicKey: store.secrets.controlPlaneKey.publicKey });
}
