/** Probes in the server's network. The runner has no network of its own, so it has the agent do it in that of the server. */
import { fault } from '@countersign/protocol';
import type { z } from 'zod';
import { askNames, type DnsAnswer, dnsAnswersSchema } from '../../host/dns-query.ts';
import { isApartFromHostNetwork } from '../../host/exec.ts';
import { askTimes, type NtpAnswer, ntpAnswersSchema } from '../../host/ntp-query.ts';
import { parsedJson } from '../../host/parsed-json.ts';
import {
  connectOnce,
  type HttpAnswer,
  httpAnswerSchema,
  requestOnce,
  type TcpAnswer,
  tcpAnswerSchema,
} from '../../host/probe.ts';
import { servedOnce, type TlsAnswer, tlsAnswerSchema } from '../../host/probe-tls.ts';
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

/** Whether an address, of our own finding and never of a caller's, accepts a connection. */
export async function probeAddress(context: ObserveContext, address: string, port: number): Promise<TcpAnswer> {
  if (!isApartFromHostNetwork()) return connectOnce(port, context.clock, context.signal, [address]);
  return elsewhere(context, ['tcp', String(port), address], tcpAnswerSchema);
}

/** What each name server says of each name. Addresses and host names, in order. */
export async function probeNames(
  context: ObserveContext,
  servers: readonly string[],
  names: readonly string[],
): Promise<DnsAnswer[]> {
  if (servers.length === 0 || names.length === 0) return [];
  if (!isApartFromHostNetwork()) return askNames(servers, names, context.clock);
  return elsewhere(context, ['dns', servers.join(','), names.join(',')], dnsAnswersSchema);
}

/** How far each time server says that this clock is off. */
export async function probeTimes(context: ObserveContext, servers: readonly string[]): Promise<NtpAnswer[]> {
  if (servers.length === 0) return [];
  if (!isApartFromHostNetwork()) return askTimes(servers, context.clock);
  return elsewhere(context, ['ntp', servers.join(',')], ntpAnswersSchema);
}

/** The certificates that this server sends to somebody who asks for a name. */
export async function probeServed(context: ObserveContext, port: number, name: string): Promise<TlsAnswer> {
  if (!isApartFromHostNetwork()) return servedOnce(port, name, context.signal);
  return elsewhere(context, ['tls', String(port), name], tlsAnswerSchema);
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
  const parsed = schema.safeParse(done.exitCode === 0 ? parsedJson(done.stdout) : undefined);
  if (!parsed.success)
    throw fault('capability_failed', { capability: `${words[0]}.probe`, reason: 'the probe process gave no answer' });
  return parsed.data;
}
