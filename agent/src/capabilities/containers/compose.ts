import type { Suggestion } from '@countersign/protocol';
import { howItEnded } from '../../host/execution.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report } from '../report.ts';
import { runDocker } from './ask-docker.ts';
import { composeProgram, type Member, type Project, parseHashes, readProjects, runCompose } from './compose-project.ts';
import { troubleOf } from './docker.ts';
import { findImage } from './read-images.ts';

/** Each takes Compose a second or so. */
const PROJECTS_MAX = 6;

/** Of each project: whether its file is valid, which services are down or unwell, and which differ from the file. */
export const compose: Observer<'compose'> = async ({ project: asked }, context) => {
  const report = new Report(context);
  const version = await runDocker(context, ['version', '--format', '{{.Server.Version}}']);
  if (version.notStarted === 'ENOENT') {
    report.add({ kind: 'compose.not_installed', severity: 'info', title: 'Docker is not installed on this server.' });
    return report.finish();
  }
  if (version.exitCode !== 0) {
    report.blind('Projects of Compose', 'the Docker daemon does not answer; see the diagnostic docker');
    return report.finish();
  }
  const projects = await orBlind(report, 'Projects of Compose', () => readProjects(context, asked));
  if (projects === null) return report.finish();
  report.figure('projects', projects.length);
  if (asked !== undefined && projects.length === 0)
    report.add({
      kind: 'compose.unknown_project',
      severity: 'warning',
      title: `No container on this server belongs to a Compose project ${asked}.`,
      causes: ['It was taken down, or its name is another one.'],
    });
  const program = projects.length === 0 ? null : await composeProgram(context);
  if (projects.length > 0 && program === null)
    report.blind('Whether files and containers agree', 'Docker Compose is not installed');
  if (projects.length > PROJECTS_MAX) report.cut();
  for (const project of projects.slice(0, PROJECTS_MAX)) {
    lookAtMembers(report, context, project);
    if (program !== null) await lookAtFile(report, context, program, project);
  }
  if (report.isCalm)
    report.add({
      kind: 'compose.calm',
      severity: 'ok',
      title: `${count(projects.length, 'Compose project')}, none of them in trouble.`,
    });
  return report.finish();
};

function lookAtMembers(report: Report, context: ObserveContext, project: Project): void {
  for (const { container, compose: labels } of project.members) {
    const trouble = troubleOf(container, context.clock.now());
    if (trouble === null) continue;
    const ofProject = `Service ${labels.service} of ${project.name}: `;
    report.add({
      ...trouble,
      kind: trouble.kind.replace(/^docker\./, 'compose.'),
      title: `${ofProject}${trouble.title[0]?.toLowerCase()}${trouble.title.slice(1)}`,
      suggestions: [...(trouble.suggestions ?? [])].sort((a, b) => (a.playbook < b.playbook ? -1 : 1)),
    });
  }
}

async function lookAtFile(
  report: Report,
  context: ObserveContext,
  program: readonly string[],
  project: Project,
): Promise<void> {
  const where = project.files[0] ?? project.folder;
  if (where === null) {
    report.blind(`The file of project ${project.name}`, 'its containers do not tell where it is');
    return;
  }
  const done = await runCompose(context, program, project, ['config', '--hash', '*']);
  if (done.exitCode !== 0) {
    report.add({
      kind: 'compose.invalid_file',
      severity: 'warning',
      title: `Compose cannot read ${where} of project ${project.name}: it ${howItEnded(done)}. What runs goes on running.`,
      evidence: [[`compose config of ${project.name}`, done.stderr]],
      causes: ['A mistake in the file.', 'The file was moved or deleted.', 'A variable that it needs is not set.'],
    });
    return;
  }
  const wanted = parseHashes(done.stdout);
  for (const [service, hash] of wanted)
    await lookAtService(
      report,
      context,
      project,
      service,
      project.members.filter(({ compose: labels }) => labels.service === service),
      hash,
    );
}

async function lookAtService(
  report: Report,
  context: ObserveContext,
  project: Project,
  service: string,
  members: readonly Member[],
  hash: string,
): Promise<void> {
  const name = `Service ${service} of ${project.name}`;
  const suggestions = [redeploy(project.name, service, 'Makes its containers anew as the file says now.')];
  if (members.length === 0)
    return report.add({
      kind: 'compose.service_missing',
      severity: 'warning',
      title: `${name} stands in the file but has no container.`,
      causes: ['It was added to the file and never started, or its container was removed.'],
      suggestions,
    });
  const first = members[0]?.container;
  const image = first === undefined ? null : await findImage(context, first.image);
  // Asked before the hash: Compose v1 counts the image in.
  if (first !== undefined && image !== null && image.id !== first.imageId)
    return report.add({
      kind: 'compose.image_drift',
      severity: 'info',
      title: `${name} runs an older image than ${first.image} is on this server now.`,
      causes: ['The image was fetched or built anew, and nobody has deployed it.'],
      suggestions,
    });
  const old = members.filter(({ compose: labels }) => labels.configHash !== null && labels.configHash !== hash);
  if (old.length === 0) return;
  report.add({
    kind: 'compose.drift',
    severity: 'warning',
    title: `${name} runs as an earlier version of the file said: ${count(old.length, 'container')} differ.`,
    since: old[0]?.container.startedAt ?? undefined,
    causes: ['The file or a variable was changed, and nobody has deployed it.'],
    suggestions,
  });
}

function redeploy(project: string, service: string, why: string): Suggestion {
  return { playbook: 'compose.redeploy', parameters: { project, service }, why };
}
