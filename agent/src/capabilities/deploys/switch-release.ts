import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { capability, fault, type Json, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import { namesIn, orNull } from '../../host/look.ts';
import type { Changer, ObserveContext } from '../capability.ts';
import { count, sayDuration } from '../report.ts';
import { appOf } from './app.ts';
import { changedSinceDeploy } from './differs.ts';
import {
  appUnit,
  beforeOf,
  deployWitness,
  linkArgv,
  recoverDeploy,
  runDeploy,
  setBack,
  takeUpArgv,
  unitBeforeShape,
} from './point.ts';
import { type Deployment, type Release, readDeployment, releaseOf } from './releases.ts';
import { rememberedVerdict } from './remembered.ts';
import { sayRelease } from './version.ts';

type Parameters = ParametersOf<'deploy.switch'>;

const TIMEOUT_MS = capability('deploy.switch').timeoutMs;

const memorySchema = z.object({
  link: z.string(),
  ...unitBeforeShape,
  identity: z.string(),
  calls: z.int(),
});

/** Makes another release the current one. The folder of a release is never touched. */
export const switchRelease: Changer<'deploy.switch'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const { deployment, to } = requireSwitch(parameters, context);
    const unit = await appUnit(deployment.app, context);
    const { app, link } = deployment;
    return {
      preview: {
        argv: [...linkArgv(app, link, to.path), ...takeUpArgv(app, unit)],
        diff: null,
        effects: effectsOf(deployment, to, context),
        undo: `${app.currentPath} leads to ${link} again, and ${app.unit ?? app.container ?? 'nothing'} is ${unit?.activeState === 'active' ? 'restarted' : 'set back to what it was'}.`,
      },
      witness: [
        ...(await deployWitness(deployment, unit, context)),
        { subject: `release ${to.name}`, property: 'identity', value: to.identity },
      ],
    };
  },
  async remember(parameters, context) {
    const { deployment, to } = requireSwitch(parameters, context);
    const unit = await appUnit(deployment.app, context);
    const calls = 2 + takeUpArgv(deployment.app, unit).length;
    return { ...beforeOf(deployment, unit), identity: to.identity, calls } as unknown as Json;
  },
  async perform(parameters, memory, context) {
    const { deployment, to } = requireSwitch(parameters, context);
    if (to.identity !== memorySchema.parse(memory).identity)
      throw fault('precondition_failed', { reason: `release ${to.name} is another folder than it was` });
    const { app, link } = deployment;
    const calls = [...linkArgv(app, link, to.path), ...takeUpArgv(app, await appUnit(app, context))];
    return runDeploy(context, calls, TIMEOUT_MS, `Release ${to.name} of ${app.name} is current.`);
  },
  async undo({ app }, memory, context) {
    return setBack(appOf(app, context.localPolicy), memorySchema.parse(memory), context, TIMEOUT_MS);
  },
  recover: ({ app }, memory, context) => recoverDeploy(context, app, memorySchema.parse(memory).calls),
};

function requireSwitch({ app, to: name }: Parameters, context: ObserveContext) {
  const deployment = readDeployment(appOf(app, context.localPolicy));
  const to = releaseOf(deployment, name);
  if (to === deployment.current) throw fault('precondition_failed', { reason: `release ${name} is current already` });
  beforeOf(deployment, null);
  return { deployment, to };
}

function effectsOf(deployment: Deployment, to: Release, context: ObserveContext): string[] {
  const { app, current } = deployment;
  const last = rememberedVerdict(context.stateDir, app.name, to);
  const now = context.clock.now();
  const effects = [
    `${app.name} goes from ${current === null ? 'no release' : `release ${sayRelease(current)}`} to ${sayRelease(to)}, made ${sayDuration(now - to.madeAt)} ago.`,
    last === null
      ? `How release ${to.name} was is not remembered on this server: it was never verified while it was current.`
      : `Release ${to.name} ${last.verdict === 'pass' ? 'was well' : 'was NOT well'} when it was last verified, ${sayDuration(now - last.at)} ago.`,
    `${app.unit ?? app.container ?? 'What uses the files'} ${app.unit === undefined && app.container === undefined ? 'finds the other release at once' : 'takes it up; what it has open may be cut off'}.`,
  ];
  const left = current === null ? [] : migrationsLeft(app.migrations, current, to);
  if (left.length > 0)
    effects.push(
      `The database is not taken back: release ${to.name} does not know ${count(left.length, 'migration')} of the present one (${left.slice(0, 5).join(', ')}).`,
    );
  const changed = changedSinceDeploy(deployment, context.clock);
  if (changed.total > 0)
    effects.push(
      `${count(changed.total, 'file')} of the present release changed after it was deployed (${changed.files[0]?.path}); release ${to.name} does not have that.`,
    );
  return effects.map((effect) => effect.slice(0, 500));
}

/** Names of migrations that only the present release has. */
function migrationsLeft(folder: string | undefined, from: Release, to: Release): string[] {
  if (folder === undefined) return [];
  const known = new Set(migrationsOf(to, folder));
  return migrationsOf(from, folder).filter((name) => !known.has(name));
}

/** Of the release itself: a link in it may lead to a folder that is none of its user's to see. */
function migrationsOf(release: Release, below: string): string[] {
  const [folder, root] = [join(release.path, below), release.path].map((path) => orNull(() => realpathSync(path)));
  return folder?.startsWith(`${root}/`) ? (namesIn(folder) ?? []).sort() : [];
}
