/** Binds the operations to a caller: what is asked is parsed, access is checked, what is answered has the shape it promises. */
import { type Clock, type Fault, fault, invalidInput } from '@countersign/protocol';
import {
  type Call,
  type CallOptions,
  type OperationName,
  operationNamed,
  operationNames,
} from '@countersign/protocol/operator-api/index';
import { mayCall } from '../access/permissions.ts';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller, Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { CallContext, Handlers } from './handler.ts';
import { makeTurns } from './turns.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'log'> & { readonly handlers: Handlers };

/** Makes a {@link Call} for a caller; null is somebody who is not signed in. `signal`: absent where each call brings its own. */
export type CallAs = (caller: Caller | null, context: Whence & { readonly signal?: AbortSignal }) => Call;
type Whence = Omit<CallContext, 'signal' | 'handOn' | 'soonS'>;

type AnyHandler = (caller: Caller | null, input: unknown, context: CallContext) => Promise<unknown>;

/** A denied call is written down once per credential and operation in this time, so that a loop cannot fill the log. */
const DENIED_MS = 60_000;
const DENIED_KEPT = 5_000;

export function bindOperations(deps: Deps): CallAs {
  const deniedLately = recently(deps.clock);
  const takeTurn = makeTurns();
  return (caller, context) =>
    (async (name: OperationName, input: unknown, options?: CallOptions) => {
      if (!operationNames.includes(name)) throw fault('not_found', { what: 'operation', id: String(name) });
      const { access, input: inputSchema, output } = operationNamed(name);
      const allowed = mayCall(caller, access);
      if (allowed !== true) {
        if (caller && deniedLately(`${caller.token?.id ?? caller.session?.id ?? caller.person.id} ${name}`))
          await noteDenied(deps, caller, name, allowed);
        throw fault(allowed, { what: name });
      }
      const parsed = inputSchema.safeParse(input);
      if (!parsed.success) throw invalidInput(parsed.error);
      const signal = eitherOf(context.signal, options?.signal);
      const soonS = options?.soonS ?? 0;
      const work = (handOn: () => void) =>
        (deps.handlers[name] as AnyHandler)(caller, parsed.data, { ...context, signal, handOn, soonS });
      const answer = await (waits(name, parsed.data)
        ? work(() => undefined)
        : takeTurn(credentialOf(caller, context), signal, work));
      return output.parse(answer);
    }) as Call;
}

/** A signal of two costs more than a small call: it is made only where there are two. */
function eitherOf(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal {
  if (a && b) return AbortSignal.any([a, b]);
  return a ?? b ?? new AbortController().signal;
}

/** Whether a call only waits for news: it does nothing meanwhile, so it takes nobody's turn. */
const waits = (name: OperationName, input: object) => name === 'getAction' && 'wait_s' in input && input.wait_s !== 0;

/** Who shares turns: all calls of a token, of a session, or of an address that nobody signed in from. */
const credentialOf = (caller: Caller | null, { ip }: Whence) =>
  caller?.token?.id ?? caller?.session?.id ?? caller?.person.id ?? `address ${ip}`;

async function noteDenied(deps: Deps, caller: Caller, name: OperationName, error: Fault['code']): Promise<void> {
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'credential.refused',
      at: deps.clock.now(),
      who: whoOf(caller),
      details: { what: name, error },
    }),
  );
}

/** Says of a key whether it comes for the first time in a while. */
function recently(clock: Clock): (key: string) => boolean {
  const seen = new Map<string, number>();
  return (key) => {
    const now = clock.monotonic();
    const before = seen.get(key);
    if (before !== undefined && now - before < DENIED_MS) return false;
    if (seen.size >= DENIED_KEPT) seen.clear();
    seen.set(key, now);
    return true;
  };
}
