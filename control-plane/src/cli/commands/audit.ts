/** `audit export|verify|accept-rollback`: the log, and the proof that nothing in it was changed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorBodySchema, fault } from '@countersign/protocol';
import type { Command } from 'commander';
import { verifyExport } from '../../audit/verify-export.ts';
import { verifyLedger } from '../../audit/verify-ledger.ts';
import { answer } from '../answer.ts';
import { type CliContext, fileNamed, signedIn } from '../connection.ts';
import { exitCodes, UnreachableError, UsageError } from '../exit-codes.ts';
import { type ProofOptions, proofOptions, readProof } from '../proof.ts';
import { openStore } from '../store.ts';
import { compareFiles, linesOf, type ServerVerdict, serverVerdictLines } from '../witness-files.ts';

export function auditCommands(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('the audit log');
  audit
    .command('export')
    .description('write the whole log as NDJSON; it can be verified without us')
    .option('--out <file>', 'write to a file instead of standard output')
    .action((options: { out?: string }) => exportLog(context, options.out));
  audit
    .command('verify')
    .description('check an exported log offline, or the log of this machine’s data folder; on request against servers')
    .argument('[file]', 'an export; - for standard input')
    .option('--key <key>', 'public key of the control plane, as you know it from elsewhere: ed25519:…')
    .option('--witness <file>', 'what a server keeps, brought from there; may be given several times', collect, [])
    .option('--against-servers', 'let the control plane ask every server what it keeps, and compare')
    .action((file: string | undefined, options: VerifyOptions) => verify(context, file, options));
  const accept = audit
    .command('accept-rollback')
    .description('accept that this database is older than what servers remember, so that changes may go on')
    .requiredOption('--reason <words>', 'what happened, for the log');
  proofOptions(accept).action((options: ProofOptions & { reason: string }) => acceptRollback(context, options));
}

const collect = (value: string, before: string[]) => [...before, value];

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
  const file = fileNamed(context, out);
  await pipeline(lines, createWriteStream(file, { mode: 0o600 }));
  await answer(context, { file }, () => [`Written to ${file}. Check it: ${context.typed} audit verify ${file}`]);
}

async function refusal(response: Response): Promise<Error> {
  const body = (await response.json().catch(() => null)) as { error?: unknown } | null;
  const parsed = errorBodySchema.safeParse(body?.error);
  if (parsed.success && parsed.data.code === 'unauthenticated') return fault('unauthenticated');
  return parsed.success
    ? new UsageError(parsed.data.message, parsed.data.next_step)
    : new Error(`HTTP ${response.status}`);
}

interface VerifyOptions {
  readonly key?: string;
  readonly witness: string[];
  readonly againstServers?: boolean;
}

interface Verdict {
  readonly ok: boolean;
  readonly entries: number;
  readonly checkpoints: number;
  readonly head: string;
  readonly key?: string | null;
  readonly problems: readonly { readonly seq: number | null; readonly problem: string }[];
  readonly servers?: readonly ServerVerdict[];
}

async function verify(context: CliContext, file: string | undefined, options: VerifyOptions): Promise<void> {
  const { key } = options;
  const verdict = await verdictOn(context, file, options);
  if (!verdict.ok) context.exit(exitCodes.unverified);
  const { paint } = context.terminal;
  await answer(context, verdict, () => [
    headline(verdict, paint),
    ...verdict.problems.map(({ seq, problem }) => `  ${seq === null ? 'log' : `entry ${seq}`}: ${problem}`),
    ...(verdict.servers ?? []).flatMap((it) => serverVerdictLines(it, paint)),
    ...(verdict.head === '' ? [] : [`  head ${verdict.head}`]),
    ...(verdict.key
      ? [`  key  ${verdict.key}${key === undefined ? ' (as the file says; compare it, or give --key)' : ''}`]
      : []),
  ]);
}

/** A loss that an owner accepted is known, and still no clean log: whoever bends a log could accept that in it, too. */
function headline({ ok, entries, checkpoints, servers = [] }: Verdict, paint: CliContext['terminal']['paint']): string {
  if (!ok) return `${paint('red', '✗')} The log does not verify.`;
  const whole = `${entries} entries and ${checkpoints} checkpoints`;
  const accepted = servers.filter(({ state }) => state === 'accepted').length;
  return accepted === 0
    ? `${paint('green', '✓')} ${whole}, whole and unchanged.`
    : `${paint('yellow', '!')} ${whole} hang together; ${accepted} of ${servers.length} servers remember${accepted === 1 ? 's' : ''} others, which an owner accepted.`;
}

async function verdictOn(
  context: CliContext,
  file: string | undefined,
  { key, witness, againstServers }: VerifyOptions,
): Promise<Verdict> {
  if (againstServers) {
    if (file !== undefined || witness.length > 0)
      throw new UsageError(
        'With --against-servers the control plane compares its own log.',
        'Offline: countersign audit verify FILE --witness FILE',
      );
    const { call } = await signedIn(context);
    return withServers(await call('verifyAudit', { against_servers: true }));
  }
  if (file === undefined && witness.length === 0) return verifyStore(context);
  if (file === undefined || (file === '-' && witness.length > 0))
    throw new UsageError(
      '--witness is compared with an exported log.',
      'Name its file: countersign audit verify FILE …',
    );
  const named = fileNamed(context, file);
  const verdict = await verifyFile(named, key);
  if (witness.length === 0) return verdict;
  const servers = await compareFiles(
    named,
    witness.map((it) => fileNamed(context, it)),
  );
  return withServers({ ...verdict, servers });
}

/** A contradiction is as bad as a broken chain; a server that could not be asked is named, and proves nothing. */
function withServers<V extends Verdict & { readonly servers: readonly ServerVerdict[] }>(verdict: V): V {
  return { ...verdict, ok: verdict.ok && !verdict.servers.some(({ state }) => state === 'contradicts') };
}

async function verifyFile(file: string, key: string | undefined): Promise<Verdict> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    return await verifyExport(linesOf(input), key === undefined ? {} : { key });
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

async function acceptRollback(context: CliContext, options: ProofOptions & { reason: string }): Promise<void> {
  const { call } = await signedIn(context);
  const done = await call('acceptRollback', { reason: options.reason, proof: await readProof(context, options) });
  await answer(context, done, () => ['The loss is accepted and on record; changes may go on.']);
}
