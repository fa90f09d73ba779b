/** Pointing the link of an app at a release, and having its unit or container take that up. Used by every change of a deploy. */
import { dirname, isAbsolute, relative } from 'node:path';
import { fault, type StepResult, type WitnessFact } from '@countersign/protocol';
import { z } from 'zod';
import { asOwnerOf } from '../../host/as-owner.ts';
import { readLink } from '../../host/links.ts';
import type { ChangeContext, ObserveContext } from '../capability.ts';
import { DOCKER_ENVIRONMENT } from '../containers/ask-docker.ts';
import { containerWitness, requireNotOwn } from '../containers/container-restart.ts';
import { type Container, requireContainer } from '../containers/read-containers.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import { argvOf, plainState, unitWitness } from '../units/unit.ts';
import { readUnitState, type UnitState } from '../units/unit-state.ts';
import type { DeclaredApp } from './app.ts';
import type { Deployment } from './releases.ts';

/** A container has this long to end before Docker kills it, seconds. */
const CONTAINER_STOP_S = 20;

/** The state of an app's unit, or `null` when it has none. Throws `precondition_failed` when there is no such unit. */
export async function appUnit(app: DeclaredApp, context: ObserveContext): Promise<UnitState | null> {
  if (app.unit === undefined) return null;
  const state = await readUnitState(context, app.unit);
  if (!state.exists)
    throw fault('precondition_failed', { reason: `there is no unit ${app.unit}, which app ${app.name} names` });
  return state;
}

/** The container of an app as the server has it, or `null` where it names none. Throws `precondition_failed` when there is none, or it is our own. */
export async function appContainer(app: DeclaredApp, context: ObserveContext): Promise<Container | null> {
  if (app.container === undefined) return null;
  const container = await requireContainer(context, app.container);
  requireNotOwn(container);
  return container;
}

/**
 * The two calls that switch the link, so that there is no moment without one: a new link beside it, and a rename. A link that was
 * relative stays so. Source: ln(1), mv(1), rename(2).
 */
export function linkArgv(app: DeclaredApp, link: string | null, releasePath: string): string[][] {
  const folder = dirname(app.currentPath);
  const target = link === null || isAbsolute(link) ? releasePath : relative(folder, releasePath);
  const beside = `${app.currentPath}.countersign-new`;
  return [
    asOwnerOf(folder, ['ln', '-sfnT', '--', target, beside]),
    asOwnerOf(folder, ['mv', '-T', '--', beside, app.currentPath]),
  ];
}

/** The calls that put a link back word for word. */
export function relinkArgv(app: DeclaredApp, link: string): string[][] {
  const folder = dirname(app.currentPath);
  const beside = `${app.currentPath}.countersign-new`;
  return [
    asOwnerOf(folder, ['ln', '-sfnT', '--', link, beside]),
    asOwnerOf(folder, ['mv', '-T', '--', beside, app.currentPath]),
  ];
}

/** The calls by which what runs takes up the current release; none for an app that is only files. */
export function takeUpArgv(app: DeclaredApp, unit: UnitState | null): string[][] {
  if (unit !== null) return argvOf(app.apply === 'reload' ? 'reload-or-restart' : 'restart', unit);
  if (app.container === undefined) return [];
  return [['docker', 'restart', '-t', String(CONTAINER_STOP_S), '--', app.container]];
}

/** Facts that have to be so still when it begins. */
export async function deployWitness(
  { app, current, link }: Deployment,
  unit: UnitState | null,
  context: ObserveContext,
): Promise<WitnessFact[]> {
  const container = await appContainer(app, context);
  const subject = `app ${app.name}`;
  return [
    { subject, property: 'link', value: link ?? 'none' },
    { subject, property: 'release', value: current?.identity ?? 'none' },
    ...(unit === null ? [] : unitWitness(unit)),
    ...(container === null ? [] : containerWitness(container)),
  ];
}

/** Starts the calls of a deploy; `said` is what is so when all went well. */
export async function runDeploy(
  context: ChangeContext,
  calls: readonly (readonly string[])[],
  timeoutMs: number,
  said: string,
  env: Readonly<Record<string, string>> = {},
): Promise<StepResult> {
  const failed = await startAll(context, calls, { timeoutMs, env: { ...env, ...DOCKER_ENVIRONMENT } });
  return failed ?? { changed: calls.length > 0, exit_code: 0, summary: said };
}

/** How a deploy of `total` calls ended that a runner before this one started. `null` when it is not known. */
export async function recoverDeploy(context: ChangeContext, app: string, total: number): Promise<StepResult | null> {
  const ended = await recoverCalls(context, total);
  return ended && recoveredResult(ended, `another release of ${app} was to be current.`);
}

/** How a step remembers the unit of an app. */
export const unitBeforeShape = {
  unit: z.enum(['active', 'failed', 'not running']).nullable(),
  main_pid: z.int().nullable().default(null),
};

/** What is needed to set back what was. */
export interface Before {
  readonly link: string;
  readonly unit: 'active' | 'failed' | 'not running' | null;
  readonly main_pid: number | null;
}

/** The link as it was, and the unit as it was: a unit that did not run is stopped again. */
export async function setBack(
  app: DeclaredApp,
  before: Before,
  context: ChangeContext,
  timeoutMs: number,
): Promise<StepResult> {
  const unit = await appUnit(app, context);
  if (isUntouched(app, before, unit))
    return { changed: false, exit_code: 0, summary: `${app.name} was not touched: nothing has to be set back.` };
  const takeUp =
    unit !== null && before.unit !== 'active' ? [['systemctl', 'stop', '--', unit.name]] : takeUpArgv(app, unit);
  const calls = [...relinkArgv(app, before.link), ...takeUp];
  return runDeploy(context, calls, timeoutMs, `${app.currentPath} leads to ${before.link} again.`);
}

/**
 * Whether neither link nor unit is another than before, as where nothing could be fetched: then what runs is left alone. By a
 * reload the main process stays, so then it cannot be known.
 */
function isUntouched(app: DeclaredApp, before: Before, unit: UnitState | null): boolean {
  if (unit === null || app.apply === 'reload' || before.main_pid === null) return false;
  return readLink(app.currentPath) === before.link && unit.mainPid === before.main_pid;
}

/** What {@link setBack} needs. Throws `precondition_failed` when there is no link to return to. */
export function beforeOf({ app, link }: Deployment, unit: UnitState | null): Before {
  if (link === null) throw fault('precondition_failed', { reason: `${app.currentPath} is no link` });
  const isUp = unit !== null && plainState(unit) === 'active' && unit.mainPid > 0;
  return { link, unit: unit === null ? null : plainState(unit), main_pid: isUp ? unit.mainPid : null };
}
