import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { capability, fault, type Json, type ParametersOf, type WitnessFact } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import { isOurs, isPlaceOurs } from '../../host/only-root.ts';
import { readOwnFile } from '../../host/own-files.ts';
import type { Changer, ObserveContext } from '../capability.ts';
import { fitsPattern } from '../name-pattern.ts';
import { count } from '../report.ts';
import type { UnitState } from '../units/unit-state.ts';
import { appOf, type DeclaredApp } from './app.ts';
import { changedSinceDeploy } from './differs.ts';
import { GIT_ENVIRONMENT, gitArgv, resolveRef, type Tip } from './git-source.ts';
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
import { type Deployment, readDeployment } from './releases.ts';

const TIMEOUT_MS = capability('deploy.pull').timeoutMs;
const SCRIPT_BYTES_MAX = 1024 * 1024;
/** So many letters of a commit name its release. */
const NAME_LENGTH = 12;

const memorySchema = z.object({
  link: z.string(),
  ...unitBeforeShape,
  calls: z.int(),
  commit: z.string().nullable(),
});

/** What will be done, found by reading. */
interface Pull {
  readonly deployment: Deployment;
  readonly unit: UnitState | null;
  readonly argv: readonly (readonly string[])[];
  readonly effects: readonly string[];
  readonly witness: readonly WitnessFact[];
  /** Of a release that git makes; `null` where a program of the owner deploys. */
  readonly commit: string | null;
}

/** Makes a new release from source, by git or by a program of the owner's, and switches to it. */
export const pullRelease: Changer<'deploy.pull'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const { deployment, unit, argv, effects, witness } = await pullOf(parameters, context);
    const { app, link } = deployment;
    return {
      preview: {
        argv: argv.map((words) => [...words]),
        diff: null,
        effects: effects.map((effect) => effect.slice(0, 500)),
        undo: `${app.currentPath} leads to ${link} again, what runs takes that up, and a release that git made is removed.`,
      },
      witness: [...(await deployWitness(deployment, unit, context)), ...witness],
    };
  },
  async remember(parameters, context) {
    const { deployment, unit, argv, commit } = await pullOf(parameters, context);
    return { ...beforeOf(deployment, unit), calls: argv.length, commit } as unknown as Json;
  },
  async perform(parameters, memory, context) {
    const { deployment, argv, commit } = await pullOf(parameters, context);
    if (commit !== memorySchema.parse(memory).commit)
      throw fault('precondition_failed', { reason: `${parameters.ref} stands elsewhere than a moment ago` });
    const done = `${deployment.app.name} runs ${parameters.ref}${commit === null ? '' : ` at ${commit.slice(0, NAME_LENGTH)}`}.`;
    return runDeploy(context, argv, TIMEOUT_MS, done, GIT_ENVIRONMENT);
  },
  async undo({ app: name }, memory, context) {
    const app = appOf(name, context.localPolicy);
    const before = memorySchema.parse(memory);
    const back = await setBack(app, before, context, TIMEOUT_MS);
    if (before.commit === null || app.repository === undefined || back.exit_code !== 0) return back;
    const path = releasePath(app, before.commit);
    if (!existsSync(path)) return back;
    const argv = gitArgv(join(app.root, app.repository), ['worktree', 'remove', '--force', '--', path]);
    const removed = await runDeploy(context, [argv], TIMEOUT_MS, `The new release is removed.`, GIT_ENVIRONMENT);
    return { ...removed, changed: true, summary: `${back.summary} ${removed.summary}` };
  },
  recover: ({ app }, memory, context) => recoverDeploy(context, app, memorySchema.parse(memory).calls),
};

async function pullOf({ app: name, ref }: ParametersOf<'deploy.pull'>, context: ObserveContext): Promise<Pull> {
  const app = appOf(name, context.localPolicy);
  const deployment = readDeployment(app);
  const unit = await appUnit(app, context);
  beforeOf(deployment, unit);
  const allowed = (each: string) => app.refs.some((pattern) => fitsPattern(pattern, each));
  if (app.script !== undefined) {
    if (!allowed(ref)) throw refused(`the policy of the server does not allow ${ref}: see refs of the app`);
    return byScript(app, app.script, ref, { deployment, unit });
  }
  if (app.repository === undefined)
    throw refused(`the policy of the server names neither a repository nor a script for ${name}`);
  const clone = join(app.root, app.repository);
  return byGit(clone, ref, await resolveRef(ref, clone, allowed, context), { deployment, unit }, context);
}

function byGit(
  clone: string,
  ref: string,
  tip: Tip,
  { deployment, unit }: Pick<Pull, 'deployment' | 'unit'>,
  context: ObserveContext,
): Pull {
  const { app, current } = deployment;
  const path = releasePath(app, tip.commit);
  if (existsSync(path))
    throw refused(`release ${tip.commit.slice(0, NAME_LENGTH)} is there already; deploy.rollback can switch to it`);
  const kept = `refs/countersign/${tip.ref.replace(/^refs\//, '')}`;
  const changed = changedSinceDeploy(deployment, context.clock);
  return {
    deployment,
    unit,
    commit: tip.commit,
    argv: [
      gitArgv(clone, ['fetch', '--no-tags', '--', 'origin', `+${tip.ref}:${kept}`]),
      gitArgv(clone, ['worktree', 'add', '--detach', '--', path, tip.commit]),
      ...linkArgv(app, deployment.link, path),
      ...takeUpArgv(app, unit),
    ],
    effects: [
      `${app.name} goes from ${current === null ? 'no release' : `release ${current.name}`} to ${ref}, commit ${tip.commit}, in the new folder ${path}.`,
      'Nothing is built or installed in it: the release is what git has.',
      ...(changed.total === 0
        ? []
        : [
            `${count(changed.total, 'file')} of the present release changed after it was deployed (${changed.files[0]?.path}); the new one does not have that.`,
          ]),
    ],
    witness: [{ subject: `ref ${ref}`, property: 'commit', value: tip.commit }],
  };
}

function byScript(
  app: DeclaredApp,
  { path, sha256: pinned }: NonNullable<DeclaredApp['script']>,
  ref: string,
  { deployment, unit }: Pick<Pull, 'deployment' | 'unit'>,
): Pull {
  const file = ownScript(path);
  // Only root can change it, or put another in its place, between here and its start, and root is whom the policy trusts.
  if (file === null || !isOurs(file)) throw refused(`${path} is not there as a file that only root can write`);
  if (!isPlaceOurs(path))
    throw refused(
      `${path} lies in a folder that others than root can write, so they could put another file in its place`,
    );
  if (sha256(file.bytes) !== pinned)
    throw refused(`${path} is not what the policy of the server pinned by its SHA-256`);
  return {
    deployment,
    unit,
    commit: null,
    argv: [[path, ref]],
    effects: [
      `${path} deploys ${ref} of ${app.name}, as its owner wrote it (SHA-256 ${pinned.slice(0, 12)}…); what it does besides cannot be foretold.`,
    ],
    witness: [{ subject: `script ${path}`, property: 'sha256', value: pinned }],
  };
}

function ownScript(path: string) {
  try {
    return readOwnFile(path, SCRIPT_BYTES_MAX);
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && 'code' in error)) return null;
    throw error;
  }
}

const releasePath = (app: DeclaredApp, commit: string) => join(app.releasesPath, commit.slice(0, NAME_LENGTH));
const refused = (reason: string) => fault('precondition_failed', { reason });
