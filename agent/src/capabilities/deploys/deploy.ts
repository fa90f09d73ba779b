import { join } from 'node:path';
import type { DeployVerdict, Suggestion } from '@countersign/protocol';
import type { ObserveContext, Observer } from '../capability.ts';
import { findContainer } from '../containers/read-containers.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayDuration } from '../report.ts';
import { readUnitState } from '../units/unit-state.ts';
import { appNames, appOf } from './app.ts';
import { changedSinceDeploy, otherReleasesRunning } from './differs.ts';
import { resolveRef } from './git-source.ts';
import { type Deployment, type Release, readDeployment } from './releases.ts';
import { rememberedVerdict } from './remembered.ts';
import { verify } from './verify.ts';
import { sayRelease } from './version.ts';

const RECENT_MS = 3_600_000;
/** A release that has run well for this long is seldom the cause of what broke today. */
const SETTLED_MS = 2 * 86_400_000;
const APPS_AT_ONCE = 10;

/** Current and previous release of each declared app, whether it is well, and whether what runs is what was deployed. */
export const deploy: Observer<'deploy'> = async ({ app }, context) => {
  const report = new Report(context);
  const names = appNames(context.localPolicy);
  report.figure('apps', names.length);
  if (names.length === 0 || (app !== undefined && !names.includes(app))) {
    report.add({
      kind: 'deploy.not_declared',
      severity: 'info',
      title: `The policy of this server declares ${app === undefined ? 'no app' : `no app ${app}`}, so releases cannot be looked at.`,
      causes: ['Its owner declares apps in /etc/countersign/policy.yaml, under apps.'],
    });
    return report.finish();
  }
  const chosen = app === undefined ? names.slice(0, APPS_AT_ONCE) : [app];
  if (app === undefined && names.length > chosen.length) report.cut();
  await Promise.all(chosen.map((name) => lookAt(report, readDeployment(appOf(name, context.localPolicy)), context)));
  if (report.isCalm)
    report.add({
      kind: 'deploy.calm',
      severity: 'ok',
      title: `${chosen.join(', ')}: nothing is wrong with what is deployed.`,
    });
  return report.finish();
};

async function lookAt(report: Report, deployment: Deployment, context: ObserveContext): Promise<void> {
  const { app, current, previous, problem } = deployment;
  report.figure(`${app.name}_current`, current?.name ?? null);
  report.figure(`${app.name}_previous`, previous?.name ?? null);
  report.figure(`${app.name}_commit`, current?.head ?? null);
  if (current === null) {
    report.add({
      kind: 'deploy.no_release',
      severity: 'critical',
      title: `${app.name} has no current release: ${problem ?? 'nobody knows why'}.`,
      since: deployment.switchedAt ?? undefined,
      evidence: [['releases, newest first', listed(deployment, context)]],
      causes: ['A deploy broke off in the middle.', 'The release that the link leads to was removed.'],
      suggestions: back(deployment, deployment.releases[0] ?? null, context),
    });
    return;
  }
  const verdict = await orBlind(report, `Whether ${app.name} is well`, () =>
    verify({ baseline: '30m' }, deployment, context),
  );
  report.figure(`${app.name}_verdict`, verdict?.verdict ?? null);
  if (verdict?.verdict === 'fail') addUnhealthy(report, deployment, current, verdict, context);
  else addRunning(report, deployment, current, verdict, context);
  await orBlind(report, `Whether ${app.name} runs what was deployed`, () =>
    addDifferences(report, deployment, current, context),
  );
  if (app.container !== undefined) report.figure(`${app.name}_image`, await imageOf(app.container, report, context));
  await orBlind(report, `Whether ${app.name} is behind its source`, () =>
    addBehind(report, deployment, current, context),
  );
}

/** Digest of the image that the container runs. */
async function imageOf(container: string, report: Report, context: ObserveContext): Promise<string | null> {
  const found = await orBlind(report, `The image of ${container}`, () => findContainer(context, container));
  return found?.imageId ?? null;
}

function addUnhealthy(
  report: Report,
  deployment: Deployment,
  current: Release,
  verdict: DeployVerdict,
  context: ObserveContext,
): void {
  const { app, previous, switchedAt } = deployment;
  const failed = verdict.checks.filter(({ result }) => result === 'fail').map(({ said }) => said.replace(/\.$/, ''));
  const age = ageOf(deployment, context);
  const settled = age > SETTLED_MS;
  const restart: Suggestion[] =
    app.unit === undefined
      ? []
      : [{ playbook: 'service.restart', parameters: { unit: app.unit }, why: 'It starts the same release anew.' }];
  const rollback = back(deployment, previous, context);
  report.add({
    kind: 'deploy.unhealthy',
    severity: 'critical',
    title: `${app.name} runs release ${sayRelease(current)}, deployed ${sayDuration(age)} ago, and is not well: ${failed.join('; ')}.`,
    since: switchedAt ?? undefined,
    evidence: [
      ['checks', sayChecks(verdict)],
      ['releases, newest first', listed(deployment, context)],
    ],
    causes: [
      settled
        ? 'It has run for days, so the release is seldom the cause.'
        : 'The release that was deployed last is broken.',
      'Something that it needs is away: a database, a file, an address.',
    ],
    suggestions: settled ? [...restart, ...rollback] : [...rollback, ...restart],
  });
}

function addRunning(
  report: Report,
  deployment: Deployment,
  current: Release,
  verdict: DeployVerdict | null,
  context: ObserveContext,
): void {
  const { app, previous, switchedAt } = deployment;
  const age = ageOf(deployment, context);
  const recent = age < RECENT_MS;
  const state = verdict === null || verdict.verdict === 'unknown' ? 'nobody can tell whether it is well' : 'it is well';
  report.add({
    kind: recent ? 'deploy.recent' : 'deploy.running',
    severity: 'info',
    title: `${app.name} runs release ${sayRelease(current)}, deployed ${sayDuration(age)} ago, and ${state}; before it was ${previous === null ? 'none' : sayRelease(previous)}.`,
    since: switchedAt ?? undefined,
    evidence: [
      ['checks', verdict === null ? '' : sayChecks(verdict)],
      ['releases, newest first', listed(deployment, context)],
    ],
    // While something else is wrong, whoever reads this may want to return to what ran before.
    suggestions: recent ? back(deployment, previous, context) : [],
  });
}

async function addDifferences(
  report: Report,
  deployment: Deployment,
  current: Release,
  context: ObserveContext,
): Promise<void> {
  const { app, switchedAt } = deployment;
  const state = app.unit === undefined ? null : await readUnitState(context, app.unit);
  const others = otherReleasesRunning(app, current);
  const startedBefore = state?.activeSince != null && switchedAt !== null && state.activeSince + 1000 < switchedAt;
  // A reload keeps the start: then only the processes themselves can tell.
  if (app.unit !== undefined && (others.length > 0 || (startedBefore && app.apply === 'restart')))
    report.add({
      kind: 'deploy.not_restarted',
      severity: 'warning',
      title:
        others.length > 0
          ? `${app.unit} still runs release ${others.join(', ')}, and ${current.name} is current.`
          : `${app.unit} was started before release ${current.name} became current, so it may run an older one.`,
      since: switchedAt ?? undefined,
      causes: [
        'The deploy switched the link and did not restart the unit.',
        'A restart failed, and the old processes stayed.',
      ],
      suggestions: [{ playbook: 'service.restart', parameters: { unit: app.unit }, why: `It starts ${current.name}.` }],
    });
  const changed = changedSinceDeploy(deployment, context.clock);
  report.figure(`${app.name}_changed_files`, changed.total);
  if (changed.total > 0)
    report.add({
      kind: 'deploy.differs',
      severity: 'warning',
      title: `${count(changed.total, 'file')} of release ${current.name} of ${app.name} changed after it was deployed, ${changed.files[0]?.path} last.`,
      since: changed.files.at(-1)?.changedAt,
      evidence: [
        [
          `changed below ${current.path}`,
          changed.files.map(({ path, changedAt }) => `${iso(changedAt)}  ${path}`).join('\n'),
        ],
      ],
      causes: [
        'Somebody mended it by hand on the server; the next deploy takes that away.',
        'Somebody who should not got in.',
      ],
    });
  if (changed.cut) report.cut();
}

/** Compares with the first branch or tag that may be deployed, by its whole name. */
async function addBehind(
  report: Report,
  { app }: Deployment,
  current: Release,
  context: ObserveContext,
): Promise<void> {
  const ref = app.refs.find((name) => !name.includes('*'));
  if (app.repository === undefined || ref === undefined || current.head === null) return;
  const tip = await resolveRef(ref, join(app.root, app.repository), (name) => name === ref, context);
  report.figure(`${app.name}_source`, tip.commit);
  if (tip.commit === current.head) return;
  report.add({
    kind: 'deploy.behind',
    severity: 'info',
    title: `${app.name} runs commit ${current.head.slice(0, 12)}, and ${ref} at its origin is ${tip.commit.slice(0, 12)}.`,
    causes: ['It was not deployed yet.', 'Somebody returned to an earlier release on purpose.'],
    suggestions: [
      { playbook: 'deploy.pull_restart', parameters: { app: app.name, ref }, why: `It deploys ${ref} as it is now.` },
    ],
  });
}

/** The way back to a release, unless it was not well itself when it was looked at last. */
function back({ app }: Deployment, to: Release | null, context: ObserveContext): Suggestion[] {
  if (to === null) return [];
  const last = rememberedVerdict(context.stateDir, app.name, to);
  if (last?.verdict === 'fail') return [];
  const known =
    last === null
      ? 'how it was is not remembered here'
      : `it was well ${sayDuration(context.clock.now() - last.at)} ago`;
  return [
    {
      playbook: 'deploy.rollback',
      parameters: { app: app.name, to: to.name },
      why: `It returns to release ${to.name}; ${known}.`,
    },
  ];
}

function listed({ app, releases, current }: Deployment, context: ObserveContext): string {
  return releases
    .slice(0, 10)
    .map((release) => {
      const last = rememberedVerdict(context.stateDir, app.name, release);
      const was = last === null ? 'never verified here' : `${last.verdict} at ${iso(last.at)}`;
      return `${release === current ? '*' : ' '} ${release.name}  made ${iso(release.madeAt)}  ${release.head?.slice(0, 12) ?? 'no commit'}  ${was}`;
    })
    .join('\n');
}

const sayChecks = ({ checks }: DeployVerdict) =>
  checks.map(({ result, said }) => `${result.padEnd(7)} ${said}`).join('\n');
const ageOf = ({ switchedAt }: Deployment, context: ObserveContext) =>
  Math.max(0, context.clock.now() - (switchedAt ?? context.clock.now()));
const iso = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`;
