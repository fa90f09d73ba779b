/** Asking kubectl, with the cluster and the rights that root's own kubeconfig on this server has. Source: kubectl(1). */
import { fault } from '@countersign/protocol';
import { z } from 'zod';
import { type Executed, howItEnded, isMissing } from '../../host/execution.ts';
import type { ObserveContext } from '../capability.ts';

/** kubectl finds its configuration by it. What the control plane sends has no say in it. */
export const KUBECTL_ENVIRONMENT = { HOME: '/root' } as const;

const ASK_MS = 8000;
const BYTES = 16 * 1024 * 1024;

/** Runs `kubectl` with these arguments; whatever it ends with is the answer. */
export function runKubectl(context: ObserveContext, args: readonly string[]): Promise<Executed> {
  return context.exec({
    argv: ['kubectl', `--request-timeout=${ASK_MS / 1000}s`, ...args],
    env: KUBECTL_ENVIRONMENT,
    timeoutMs: ASK_MS + 1000,
    maxBytes: BYTES,
    hostNetwork: true,
    signal: context.signal,
  });
}

/** Arguments that name a namespace, or all of them. */
export function within(namespace: string | undefined): string[] {
  return namespace === undefined ? ['--all-namespaces'] : [`--namespace=${namespace}`];
}

/**
 * The list that `kubectl get … --output=json` prints, each item parsed; items of another form are left out. Rejects with
 * `capability_failed` where kubectl is not installed, the cluster does not answer, or the answer is none.
 */
export async function getList<T>(context: ObserveContext, args: readonly string[], item: z.ZodType<T>): Promise<T[]> {
  const list = z.object({ items: z.array(z.unknown()) }).safeParse(await getJson(context, args));
  if (!list.success) throw failed('kubectl did not answer with a list');
  return list.data.items.flatMap((each) => {
    const parsed = item.safeParse(each);
    return parsed.success ? [parsed.data] : [];
  });
}

/** One object; `null` when there is none of this name. Rejects as {@link getList} does. */
export async function getObject<T>(
  context: ObserveContext,
  args: readonly string[],
  schema: z.ZodType<T>,
): Promise<T | null> {
  const answer = await getJson(context, ['--ignore-not-found', ...args]);
  if (answer === null) return null;
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw failed('kubectl answered in a form that is not known here');
  return parsed.data;
}

async function getJson(context: ObserveContext, args: readonly string[]): Promise<unknown> {
  const done = await runKubectl(context, ['get', '--output=json', ...args]);
  if (isMissing(done, 'kubectl')) throw failed('kubectl is not installed');
  if (done.exitCode !== 0) throw failed(`kubectl ${howItEnded(done)}`);
  if (done.truncated) throw failed('the cluster has too much to tell: name a namespace');
  if (done.stdout.trim() === '') return null;
  try {
    return JSON.parse(done.stdout);
  } catch (error) {
    if (error instanceof SyntaxError) throw failed('kubectl printed no JSON');
    throw error;
  }
}

const failed = (reason: string) => fault('capability_failed', { capability: 'k8s', reason });
