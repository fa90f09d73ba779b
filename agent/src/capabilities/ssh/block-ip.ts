/** Blocks an address for a while. Whom it must not be is found out on the server, before people are asked and again before the start. */
import { capability, durationMs, fault, type ParametersOf } from '@countersign/protocol';
import type { Changer, ObserveContext } from '../capability.ts';
import { parseRange, type Range, sizeOf } from '../network/ranges.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { parseAuthLine, readAuthLog } from './auth-log.ts';
import { banArgv, banOf, unbanArgv, whyNotTaken } from './ban-table.ts';
import { readSpared, whySpared } from './spared.ts';

type Parameters = ParametersOf<'ssh.block_ip'>;

const OPTIONS = { timeoutMs: capability('ssh.block_ip').timeoutMs };
/** A /24, and for IPv6 the /64 that one customer has. */
const MOST = { 4: 2n ** 8n, 6: 2n ** 64n };
const TTL_MAX_MS = 86_400_000;
/** Who has not tried within this time is not attacking. */
const TRIED_WITHIN_MS = 3_600_000;

export const sshBlockIp: Changer<'ssh.block_ip'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const range = await requireStranger(parameters, context);
    const { address, ttl } = parameters;
    const tries = await requireTries(range, address, context);
    const reason = await whyNotTaken(context, argvOf(parameters, range));
    if (reason !== null) throw fault('precondition_failed', { reason });
    return {
      preview: {
        argv: [argvOf(parameters, range)],
        diff: null,
        effects: [
          `Everything that ${sayWho(address, range)} sends to this server is dropped for ${ttl}, to SSH and to all else; then the kernel forgets it by itself.`,
          `It tried ${tries} times to log in over SSH within the last hour.`,
        ],
        undo: 'The address is let in again.',
      },
      witness: [{ subject: `address ${address}`, property: 'blocked', value: false }],
    };
  },
  async perform(parameters, _, context) {
    const range = await requireStranger(parameters, context);
    const calls = await runCalls(context, [argvOf(parameters, range)], OPTIONS);
    return resultOfCalls(calls, true, `${parameters.address} is blocked for ${parameters.ttl}.`);
  },
  async undo({ address }, _, context) {
    const range = requireRange(address);
    if ((await banOf(context, range)) === null)
      return { changed: false, exit_code: 0, summary: `${address} is not blocked.` };
    return resultOfCalls(
      await runCalls(context, [unbanArgv(address, range)], OPTIONS),
      true,
      `${address} is let in again.`,
    );
  },
  async recover({ address, ttl }, _, context) {
    const ended = await recoverCalls(context, 1);
    return ended === null ? null : recoveredResult(ended, `${address} was to be blocked for ${ttl}.`);
  },
};

const refuse = (reason: string) => fault('precondition_failed', { reason });

function requireRange(address: string): Range {
  const range = parseRange(address);
  if (range === null) throw refuse(`${address} is no address`);
  return range;
}

/** Rejects with `precondition_failed` when the address belongs to somebody who is needed, or is blocked already. */
async function requireStranger({ address, ttl }: Parameters, context: ObserveContext): Promise<Range> {
  const range = requireRange(address);
  if (sizeOf(range) > MOST[range.family]) throw refuse(`${address} is more than a /${range.family === 4 ? 24 : 64}`);
  if (durationMs(ttl) > TTL_MAX_MS) throw refuse('an address is blocked for 24h at most');
  const spared = await readSpared(context);
  if (spared === null)
    throw refuse(
      'the server cannot tell by which connection its agent is reached and who logs in, so nobody is blocked',
    );
  const because = whySpared(spared, address);
  if (because !== null) throw refuse(`${address} is never blocked: ${because}`);
  if ((await banOf(context, range)) !== null) throw refuse(`${address} is blocked already, or a part of it is`);
  return range;
}

async function requireTries(range: Range, address: string, context: ObserveContext): Promise<number> {
  const log = await readAuthLog(context, context.clock.now() - TRIED_WITHIN_MS);
  const tries = log.lines.flatMap(parseAuthLine).filter((event) => {
    const from = parseRange(event.address);
    return (
      event.kind === 'failed' &&
      from !== null &&
      from.family === range.family &&
      from.first >= range.first &&
      from.last <= range.last
    );
  });
  if (tries.length === 0) throw refuse(`${address} has not tried to log in over SSH within the last hour`);
  return tries.length;
}

const argvOf = ({ address, ttl }: Parameters, range: Range) => banArgv(address, range, durationMs(ttl) / 1000);

const sayWho = (address: string, range: Range) =>
  sizeOf(range) === 1n ? address : `any of the ${range.family === 4 ? sizeOf(range) : 'addresses'} of ${address}`;
