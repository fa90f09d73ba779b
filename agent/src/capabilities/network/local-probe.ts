/** Probes of the server's own ports. The runner has no network of its own, so it has the agent do it in that of the server. */
import { fault } from '@countersign/protocol';
import type { z } from 'zod';
import { isApartFromHostNetwork } from '../../host/exec.ts';
import {
  connectOnce,
  type HttpAnswer,
  httpAnswerSchema,
  requestOnce,
  type TcpAnswer,
  tcpAnswerSchema,
} from '../../host/probe.ts';
import type { ObserveContext } from '../capability.ts';

const PROCESS_MS = 9500;

export async function probeHttp(context: ObserveContext, url: string, host?: string): Promise<HttpAnswer> {
  if (!isApartFromHostNetwork()) return requestOnce(url, host, context.clock, context.signal);
  return elsewhere(context, ['http', url, ...(host === undefined ? [] : [host])], httpAnswerSchema);
}

/** As {@link probeHttp}, with the beginning of the answer's text in `body`. */
export async function probeBody(context: ObserveContext, url: string): Promise<HttpAnswer> {
  if (!isApartFromHostNetwork()) return requestOnce(url, undefined, context.clock, context.signal, true);
  return elsewhere(context, ['body', url], httpAnswerSchema);
}

export async function probeTcp(context: ObserveContext, port: number): Promise<TcpAnswer> {
  if (!isApartFromHostNetwork()) return connectOnce(port, context.clock, context.signal);
  return elsewhere(context, ['tcp', String(port)], tcpAnswerSchema);
}

async function elsewhere<S extends z.ZodType>(
  context: ObserveContext,
  words: readonly string[],
  schema: S,
): Promise<z.output<S>> {
  const done = await context.exec({
    argv: [...context.self, 'probe', ...words],
    timeoutMs: PROCESS_MS,
    hostNetwork: true,
    signal: context.signal,
  });
  const parsed = schema.safeParse(done.exitCode === 0 ? parseJson(done.stdout) : undefined);
  if (!parsed.success)
    throw fault('capability_failed', { capability: `${words[0]}.probe`, reason: 'the probe process gave no answer' });
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
