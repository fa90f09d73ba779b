/** One reading from the built-in table: parameters are parsed by the capability's own schema, whoever sent them. */
import { fault, invalidInput, type ObservationId, observations } from '@countersign/protocol';
import type { ObserveContext } from '../capabilities/capability.ts';
import { bounded, TimeIsUp } from './bounded.ts';
import type { LocalPolicy } from './local-policy.ts';
import type { ObservePorts } from './run-ports.ts';

/** An observation that ignores its signal is left alone after this long. */
const PATIENCE_MS = 2000;

/** What one reading needs besides the ports. */
export interface ObserveRequest {
  readonly capability: ObservationId;
  readonly parameters: unknown;
  readonly timeoutMs: number;
}

/** The context that observers and previews work in. */
export function observeContext(ports: ObservePorts, localPolicy: LocalPolicy, signal: AbortSignal): ObserveContext {
  const { clock, exec, self, stateDir } = ports;
  return { signal, localPolicy, clock, exec, self, ...(stateDir === undefined ? {} : { stateDir }) };
}

/**
 * Reads. Rejects with the fault `invalid_input` for parameters that do not fit, `agent_timeout` when it took too long, the
 * signal's reason when it was aborted, and else with what the capability says.
 */
export async function observe(
  ports: ObservePorts,
  policy: LocalPolicy,
  request: ObserveRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const declared = observations[request.capability];
  const parsed = declared.parameters.safeParse(request.parameters);
  if (!parsed.success) throw invalidInput(parsed.error);
  const observer: (parameters: never, context: ObserveContext) => Promise<unknown> =
    ports.observers[request.capability];
  const ms = Math.min(request.timeoutMs, declared.timeoutMs);
  try {
    return await bounded(ports.clock, ms, signal, PATIENCE_MS, (bound) =>
      observer(parsed.data as never, observeContext(ports, policy, bound)),
    );
  } catch (error) {
    throw error instanceof TimeIsUp ? fault('agent_timeout', { seconds: Math.round(ms / 1000) }, error) : error;
  }
}
