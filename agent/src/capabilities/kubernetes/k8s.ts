import type { Suggestion } from '@countersign/protocol';
import { howItEnded, isMissing } from '../../host/execution.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayDuration } from '../report.ts';
import { runKubectl, within } from './kubectl.ts';
import { isProtectedNamespace } from './protected-namespaces.ts';
import { type Deployment, readDeployments, selects } from './read-deployments.ts';
import { type Pod, type PodContainer, readPods } from './read-pods.ts';

/** A rollout restarts and crashes a little, and is no incident. Source: catalog.md, row k8s. */
const RESTARTS_MANY = 5;
const CRASHES_MANY = 3;
const YOUNG_MS = 300_000;
/** A container that has not ended for so long is well again. */
const RECENT_MS = 3_600_000;
const SHOWN = 10;
const LOGS_SHOWN = 3;
const LOG_LINES = 20;

/** Pods that crash, ran out of memory, wait or failed, each group of them with the deployment it belongs to. */
export const k8s: Observer<'k8s'> = async ({ namespace }, context) => {
  const report = new Report(context);
  if (!(await isThere(report, context))) return report.finish();
  const [pods, deployments] = await Promise.all([
    orBlind(report, 'Pods', () => readPods(context, namespace)),
    orBlind(report, 'Deployments', () => readDeployments(context, namespace)),
  ]);
  if (pods === null) return report.finish();
  report.figure('pods', pods.length);
  report.figure('deployments', deployments?.length ?? null);
  const now = context.clock.now();
  await lookAtCrashes(report, context, pods, deployments ?? []);
  lookAtWaiting(report, pods, deployments ?? [], now);
  lookAtFailed(report, pods);
  if (!report.isCalm) await orBlind(report, 'Events', () => addEvents(report, context, namespace));
  if (report.isCalm)
    report.add({ kind: 'k8s.calm', severity: 'ok', title: `${count(pods.length, 'pod')}, none of them in trouble.` });
  return report.finish();
};

async function isThere(report: Report, context: ObserveContext): Promise<boolean> {
  const asked = await runKubectl(context, ['version', '--output=json']);
  if (asked.exitCode === 0) return true;
  if (isMissing(asked, 'kubectl')) {
    report.add({ kind: 'k8s.not_installed', severity: 'info', title: 'kubectl is not installed on this server.' });
    return false;
  }
  report.add({
    kind: 'k8s.no_cluster',
    severity: 'warning',
    title: `No cluster answers kubectl on this server: it ${howItEnded(asked)}.`,
    evidence: [['kubectl version', asked.stderr]],
    causes: ['The API server is down.', 'Root has no kubeconfig here, or its credentials have expired.'],
  });
  return false;
}

/** How often it crashed, as far as the last end tells: restarts after a clean end are none. */
function crashesOf({ restarts, exitCode, endReason }: PodContainer): number {
  return endReason === 'OOMKilled' || (exitCode !== null && exitCode !== 0) ? restarts : 0;
}

/** Whether it is worth waking somebody: many restarts of a pod that is no longer young, or several crashes; and lately. */
export function isIncident(container: PodContainer, createdAt: number, now: number): boolean {
  const lately = container.waits !== '' || (container.endedAt !== null && now - container.endedAt < RECENT_MS);
  const many = container.restarts > RESTARTS_MANY && now - createdAt > YOUNG_MS;
  return lately && (many || crashesOf(container) > CRASHES_MANY);
}

interface Crash {
  readonly pod: Pod;
  readonly container: PodContainer;
}

async function lookAtCrashes(
  report: Report,
  context: ObserveContext,
  pods: readonly Pod[],
  deployments: readonly Deployment[],
): Promise<void> {
  const now = context.clock.now();
  const crashes = pods.flatMap((pod) =>
    pod.containers.filter((it) => isIncident(it, pod.createdAt, now)).map((container): Crash => ({ pod, container })),
  );
  report.figure('crashing', crashes.length);
  const groups = [...Map.groupBy(crashes, ({ pod }) => deployments.find((it) => selects(it, pod)) ?? pod)];
  if (groups.length > SHOWN) report.cut();
  for (const [index, [owner, those]] of groups.slice(0, SHOWN).entries()) {
    const worst = those.toSorted((a, b) => b.container.restarts - a.container.restarts)[0];
    if (worst === undefined) continue;
    const outOfMemory = those.some(({ container }) => container.endReason === 'OOMKilled');
    const deployment = 'desired' in owner ? owner : null;
    report.add({
      kind: outOfMemory ? 'k8s.oom_killed' : 'k8s.crash_loop',
      severity: 'critical',
      title: `${sayOwner(owner)}: ${count(those.length, 'container')} ${outOfMemory ? 'run out of memory' : 'crash'} again and again, up to ${worst.container.restarts} restarts, last exit code ${worst.container.exitCode ?? 'unknown'}.`,
      since: worst.pod.createdAt,
      evidence: [
        ['kubectl get pods', those.map(sayCrash).join('\n')],
        ...(index < LOGS_SHOWN ? [await lastLines(report, context, worst)] : []),
      ],
      causes: outOfMemory
        ? ['It needs more memory than its limit, or leaks.']
        : ['A bad release or configuration.', 'Something that it needs at start is not there.'],
      suggestions: deployment === null ? [] : restart(deployment),
    });
  }
}

function sayOwner(owner: Deployment | Pod): string {
  return `${'desired' in owner ? 'Deployment' : 'Pod'} ${owner.namespace}/${owner.name}`;
}

function sayCrash({ pod, container }: Crash): string {
  const { name, restarts, waits, endReason } = container;
  return [`${pod.name} ${name}`, count(restarts, 'restart'), waits, endReason].filter((part) => part !== '').join(', ');
}

/** What it said before it crashed. */
async function lastLines(
  report: Report,
  context: ObserveContext,
  { pod, container }: Crash,
): Promise<readonly [string, string]> {
  const args = ['logs', ...within(pod.namespace), '--previous', `--tail=${LOG_LINES}`, `--container=${container.name}`];
  const done = await runKubectl(context, [...args, '--', pod.name]);
  if (done.exitCode !== 0) report.blind(`What ${pod.name} said before it ended`, `kubectl logs ${howItEnded(done)}`);
  return [`kubectl logs --previous ${pod.name}`, done.exitCode === 0 ? done.stdout : ''];
}

function restart({ namespace, name, desired }: Deployment): Suggestion[] {
  if (desired < 2 || isProtectedNamespace(namespace)) return [];
  return [
    {
      playbook: 'k8s.rollout_restart',
      parameters: { namespace, deployment: name },
      why: 'Starts its pods anew, a few at a time, and goes back when they do not come up.',
    },
  ];
}

function lookAtWaiting(report: Report, pods: readonly Pod[], deployments: readonly Deployment[], now: number): void {
  const waiting = pods.filter(({ phase, createdAt }) => phase === 'Pending' && now - createdAt > YOUNG_MS);
  report.figure('pending', waiting.length);
  const groups = [...Map.groupBy(waiting, (pod) => deployments.find((it) => selects(it, pod)) ?? pod)];
  if (groups.length > SHOWN) report.cut();
  for (const [owner, those] of groups.slice(0, SHOWN)) {
    const noRoom = those.find(({ unschedulable }) => /insufficient/i.test(unschedulable));
    const oldest = Math.min(...those.map(({ createdAt }) => createdAt));
    const pulls = those.some(({ containers }) => containers.some(({ waits }) => /Image/.test(waits)));
    report.add({
      kind: noRoom ? 'k8s.no_room' : pulls ? 'k8s.image_missing' : 'k8s.pending',
      severity: 'warning',
      title: `${sayOwner(owner)}: ${count(those.length, 'pod')} ${noRoom ? 'find no room on any node' : pulls ? 'cannot get the image' : 'wait to be started'}, for ${sayDuration(now - oldest)}.`,
      since: oldest,
      evidence: [
        ['kubectl get pods', those.map((pod) => `${pod.name}: ${pod.unschedulable || whyItWaits(pod)}`).join('\n')],
      ],
      causes: noRoom
        ? ['The nodes have no processor or memory left for so many pods.']
        : pulls
          ? ['The name of the image is wrong, or the registry refuses.']
          : ['No node fits, or a volume is not there.'],
      suggestions: noRoom && 'desired' in owner ? fewer(owner, those.length) : [],
    });
  }
}

function whyItWaits({ containers }: Pod): string {
  return containers.map(({ waits }) => waits).find((reason) => reason !== '') ?? 'unknown';
}

/** As many fewer as find no room, two at most, and one stays. */
function fewer({ namespace, name, desired }: Deployment, without: number): Suggestion[] {
  const delta = -Math.min(2, without, desired - 1);
  if (delta === 0 || isProtectedNamespace(namespace)) return [];
  return [
    {
      playbook: 'k8s.scale',
      parameters: { namespace, deployment: name, delta },
      why: `The cluster has no room for ${count(without, 'pod')} of the ${desired}.`,
    },
  ];
}

function lookAtFailed(report: Report, pods: readonly Pod[]): void {
  const failed = pods.filter(({ phase }) => phase === 'Failed');
  report.figure('failed', failed.length);
  const groups = [...Map.groupBy(failed, ({ namespace }) => namespace)];
  if (groups.length > SHOWN) report.cut();
  for (const [namespace, those] of groups.slice(0, SHOWN)) {
    const evicted = those.filter(({ reason }) => reason === 'Evicted').length;
    report.add({
      kind: 'k8s.failed_pods',
      severity: 'warning',
      title: `${count(those.length, 'failed pod')} lie in namespace ${namespace}, ${evicted} of them evicted.`,
      since: Math.min(...those.map(({ createdAt }) => createdAt)),
      evidence: [
        [
          'kubectl get pods',
          those
            .slice(0, 50)
            .map(({ name, reason }) => `${name} ${reason}`)
            .join('\n'),
        ],
      ],
      causes: ['A node ran out of memory or disk and evicted them.', 'Their program ended with an error for good.'],
      suggestions: isProtectedNamespace(namespace)
        ? []
        : [
            {
              playbook: 'k8s.delete_failed_pods',
              parameters: { namespace },
              why: 'They do nothing any more; what they leave behind hides what is wrong now.',
            },
          ],
    });
  }
}

/** The newest warnings of the cluster, as evidence beside what was found. */
async function addEvents(report: Report, context: ObserveContext, namespace: string | undefined): Promise<void> {
  const columns =
    'LAST:.lastTimestamp,NAMESPACE:.metadata.namespace,OBJECT:.involvedObject.name,WHAT:.reason,SAID:.message';
  const args = ['events', ...within(namespace), '--field-selector=type=Warning', '--sort-by=.lastTimestamp'];
  const done = await runKubectl(context, ['get', ...args, '--no-headers', `--output=custom-columns=${columns}`]);
  if (done.exitCode !== 0) return report.blind('Events', `kubectl get events ${howItEnded(done)}`);
  const lines = done.stdout.trimEnd().split('\n').slice(-SHOWN);
  if (lines.join('') === '') return;
  report.add({
    kind: 'k8s.events',
    severity: 'info',
    title: `The last ${count(lines.length, 'warning')} of the cluster.`,
    evidence: [['kubectl get events', lines.join('\n')]],
  });
}
