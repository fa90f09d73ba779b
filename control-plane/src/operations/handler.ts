/** The shape of what carries an operation out. Each area offers the handlers of its own operations; `compose.ts` joins them. */
import type { OperationName, OutputOf, operations, ParsedInputOf } from '@countersign/protocol/operator-api/index';
import type { Caller } from '../ports.ts';

/** What is known of a call besides its input. */
export interface CallContext {
  readonly signal: AbortSignal;
  /** Where the request came from; also there before anybody signed in. */
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** Hands the turn of the caller on: to be called before a handler only waits for news. */
  readonly handOn?: () => void;
  /** For so long the answer to a request may wait for the end, seconds, 0 unless told; see `CallOptions`. */
  readonly soonS?: number;
  /** Where a browser calls: gives or takes its session cookie. `expiresAt` is milliseconds since 1970. */
  readonly cookie?: { give(secret: string, expiresAt: number): void; take(): void };
}

type CallerOf<N extends OperationName> = (typeof operations)[N]['access'] extends 'public' ? null : Caller;

export type Handler<N extends OperationName> = (
  caller: CallerOf<N>,
  input: ParsedInputOf<N>,
  context: CallContext,
) => Promise<OutputOf<N>>;

/** One handler per operation of the table: leaving one out does not compile. */
export type Handlers = { readonly [N in OperationName]: Handler<N> };
