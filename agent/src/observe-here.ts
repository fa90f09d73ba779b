/** What the link reads itself, without the runner. Loaded with the first request that asks for it. */
import { redactValue } from '@countersign/protocol';
import { observers } from './capabilities/index.ts';
import type { AgentConfig } from './config.ts';
import type { Execute } from './host/execution.ts';
import { policyOrDefault } from './own-policy.ts';
import { defaultPolicy, summaryOf } from './run/local-policy.ts';
import { type ObserveRequest, observe } from './run/observe.ts';
import type { ObservePorts } from './run/run-ports.ts';

/** Reads in this process what needs no root, redacted. */
export async function observeHere(
  ports: Omit<ObservePorts, 'observers' | 'exec'>,
  config: AgentConfig,
  request: ObserveRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const policy = policyOrDefault(config);
  const result = await observe({ ...ports, observers, exec: executeLater }, policy, request, signal);
  return redactValue(result, policy.secretValues).value;
}

/** Starts processes, loading what that takes only when the first one is started. */
const executeLater: Execute = async (request) => (await import('./host/exec.ts')).execute(request);

/** What to say of a runner that never could be asked. */
export const unknownRunner = () => ({ root: false, policy: summaryOf(defaultPolicy) });
