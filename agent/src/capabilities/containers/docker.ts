import type { Suggestion } from '@countersign/protocol';
import { howItEnded } from '../../host/execution.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, type FindingDraft, Report, sayBytes, sayDuration } from '../report.ts';
import { runDocker } from './ask-docker.ts';
import { composeOf } from './compose-labels.ts';
import { readContainerLog } from './container-log.ts';
import { type Container, readContainers } from './read-containers.ts';
import { readImages, sayImage, unusedImages } from './read-images.ts';

const LOG_LINES = 20;
/** Reading a log takes a moment, so only the worst have theirs shown. */
const LOGS_SHOWN = 5;
const ENDED_WITHIN_MS = 24 * 3_600_000;
const LOOP_RESTARTS = 3;
const LOOP_WITHIN_MS = 600_000;
const UNUSED_SINCE_MS = 168 * 3_600_000;
const RECLAIM_MIN_BYTES = 50_000_000;
const RECLAIM_MUCH_BYTES = 5_000_000_000;

/** Containers that are not well, each with its last lines, and the room that unused images take. */
export const docker: Observer<'docker'> = async (_, context) => {
  const report = new Report(context);
  if (!(await isThere(report, context))) return report.finish();
  const read = await orBlind(report, 'Containers', () => readContainers(context));
  if (read === null) return report.finish();
  const { containers, more } = read;
  if (more) report.cut();
  report.figure('containers', containers.length);
  report.figure('running', containers.filter(({ running }) => running).length);
  const now = context.clock.now();
  const unwell = containers.flatMap((container) => {
    const finding = troubleOf(container, now);
    return finding === null ? [] : [{ container, finding }];
  });
  for (const [index, { container, finding }] of unwell.entries()) {
    const evidence = [...(finding.evidence ?? [])];
    if (index < LOGS_SHOWN) evidence.push(await lastLines(report, context, container));
    report.add({ ...finding, evidence });
  }
  await orBlind(report, 'The room that images take', () => lookAtImages(report, context, containers));
  if (report.isCalm)
    report.add({
      kind: 'docker.calm',
      severity: 'ok',
      title: `${count(containers.length, 'container')}, none of them in trouble.`,
    });
  return report.finish();
};

/** Whether Docker answers; if not, the report says why. */
async function isThere(report: Report, context: ObserveContext): Promise<boolean> {
  const asked = await runDocker(context, ['version', '--format', '{{.Server.Version}}']);
  if (asked.exitCode === 0) {
    report.figure('version', asked.stdout.trim().slice(0, 40));
    return true;
  }
  if (asked.notStarted === 'ENOENT') {
    report.add({ kind: 'docker.not_installed', severity: 'info', title: 'Docker is not installed on this server.' });
    return false;
  }
  if (/permission denied/i.test(asked.stderr)) {
    report.blind('Docker', 'the agent may not speak to its daemon without root');
    return false;
  }
  report.add({
    kind: 'docker.daemon_down',
    severity: 'critical',
    title: `The Docker daemon does not answer: docker version ${howItEnded(asked)}.`,
    evidence: [['docker version', asked.stderr]],
    causes: ['docker.service is stopped or failed.', 'The daemon hangs, often because its disk is full or dead.'],
    suggestions: [
      {
        playbook: 'service.restart',
        parameters: { unit: 'docker.service' },
        why: 'Without its daemon no container can be started or mended.',
      },
    ],
  });
  return false;
}

/** What is wrong with a container, or `null`. Exported for those who look at the containers of one project. */
export function troubleOf(container: Container, now: number): FindingDraft | null {
  const { name, restarts, exitCode, startedAt, endedAt } = container;
  const causes = causesOf(container);
  const since = (container.running ? startedAt : endedAt) ?? undefined;
  const suggestions = suggestionsFor(container);
  const ends = container.error === '' ? `exit code ${exitCode}` : `exit code ${exitCode} (${container.error})`;
  const recentlyStarted = startedAt !== null && now - startedAt < LOOP_WITHIN_MS;
  if (container.status === 'restarting' || (restarts >= LOOP_RESTARTS && recentlyStarted))
    return {
      kind: container.outOfMemory ? 'docker.oom_killed' : 'docker.restart_loop',
      severity: 'critical',
      title: `Container ${name} restarts over and over: ${count(restarts, 'restart')}, ${container.outOfMemory ? 'killed for memory' : `last ${ends}`}.`,
      since,
      causes,
      suggestions,
    };
  if (container.running && container.health === 'unhealthy')
    return {
      kind: 'docker.unhealthy',
      severity: 'critical',
      title: `Container ${name} runs but is unhealthy: its health check failed ${count(container.healthFailures, 'time')} in a row.`,
      evidence: [[`health check of ${name}`, container.healthSaid]],
      causes: ['The program hangs or lost something it needs, such as its database.', 'The health check is wrong.'],
      suggestions,
    };
  if (container.status === 'dead')
    return {
      kind: 'docker.dead',
      severity: 'warning',
      title: `Container ${name} is dead: Docker could not remove it.`,
      since,
      causes: ['Something still holds its files.'],
    };
  if (container.status !== 'exited' || exitCode === 0 || endedAt === null || now - endedAt > ENDED_WITHIN_MS)
    return null;
  return {
    kind: container.outOfMemory ? 'docker.oom_killed' : 'docker.exited',
    // By these it ends when somebody stops it: SIGINT, SIGKILL, SIGTERM.
    severity: !container.outOfMemory && [130, 137, 143].includes(exitCode) ? 'info' : 'warning',
    title: `Container ${name} ended ${sayDuration(now - endedAt)} ago with ${container.outOfMemory ? 'a kill for memory' : ends}.`,
    since,
    causes,
    suggestions,
  };
}

function causesOf({ outOfMemory, exitCode, error }: Container): string[] {
  if (outOfMemory) return ['It needs more memory than its limit, or leaks.'];
  if (error !== '' || exitCode === 126 || exitCode === 127)
    return ['Its program cannot be started: missing, not executable, or a mount or port is not to be had.'];
  if (exitCode === 137) return ['It was killed: stopped by somebody, or for memory.'];
  return ['Its program fails at start: wrong configuration, or something it needs is not there.', 'A bad release.'];
}

function suggestionsFor(container: Container): Suggestion[] {
  const restart: Suggestion = {
    playbook: 'docker.restart',
    parameters: { container: container.name, id: container.id },
    why: 'When its cause is gone or passing, a restart brings it back.',
  };
  const compose = composeOf(container);
  if (compose === null) return [restart];
  const { project, service } = compose;
  return [
    restart,
    {
      playbook: 'compose.redeploy',
      parameters: { project, service },
      why: 'Makes the container anew as the Compose file says.',
    },
  ];
}

async function lastLines(
  report: Report,
  context: ObserveContext,
  { id, name }: Container,
): Promise<readonly [string, string]> {
  const log = await readContainerLog(context, { container: id, lines: LOG_LINES });
  if (log.blind !== null) report.blind(`The last lines of ${name}`, log.blind);
  return [`docker logs ${name}`, log.lines.join('\n')];
}

async function lookAtImages(report: Report, context: ObserveContext, containers: readonly Container[]): Promise<void> {
  const { images, more } = await readImages(context);
  if (more) report.cut();
  report.figure('images', images.length);
  const unused = unusedImages(images, containers, context.clock.now() - UNUSED_SINCE_MS);
  const bytes = unused.reduce((sum, image) => sum + image.bytes, 0);
  report.figure('unused_image_bytes', bytes);
  if (bytes < RECLAIM_MIN_BYTES) return;
  report.add({
    kind: 'docker.reclaimable',
    severity: bytes >= RECLAIM_MUCH_BYTES ? 'warning' : 'info',
    title: `${count(unused.length, 'image')} older than a week that no container uses take up to ${sayBytes(bytes)}.`,
    evidence: [
      ['unused images', unused.map((image) => `${sayBytes(image.bytes).padStart(9)}  ${sayImage(image)}`).join('\n')],
    ],
    causes: ['Former releases stay on the server until somebody deletes them.'],
    suggestions: [
      {
        playbook: 'disk.docker_prune',
        parameters: { until: '168h' },
        why: `Up to ${sayBytes(bytes)} become free; volumes stay.`,
      },
    ],
  });
}
