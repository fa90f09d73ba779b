/** Whether a deploy is well. Pass, fail, or unknown with the reasons: silence is never taken for health. */
import {
  type DeployCheck,
  type DeployVerdict,
  durationMs,
  Fault,
  fault,
  type ParametersOf,
  redact,
  shorten,
  stripControl,
} from '@countersign/protocol';
import type { ObserveContext, Observer } from '../capability.ts';
import { findContainer } from '../containers/read-containers.ts';
import { probeHttp, probeTcp } from '../network/local-probe.ts';
import { readUnitState, sayExit } from '../units/unit-state.ts';
import { appOf } from './app.ts';
import { accessErrors, journalErrors, type Span } from './error-rate.ts';
import { type Deployment, readDeployment } from './releases.ts';
import { rememberVerdict } from './remembered.ts';
import { versionCheck } from './version.ts';

type Parameters = ParametersOf<'deploy.verify'>;
type Check = DeployCheck['check'];

/** What is looked at, from the declaration of the app and from what was asked. */
interface Aims {
  readonly units: readonly string[];
  readonly containers: readonly string[];
  readonly urls: readonly string[];
  readonly ports: readonly number[];
  readonly accessLog: string | null;
}

export const verifyDeploy: Observer<'deploy.verify'> = async (parameters, context) => {
  const deployment = parameters.app === undefined ? null : readDeployment(appOf(parameters.app, context.localPolicy));
  return verify(parameters, deployment, context);
};

/** Looks at a deployment that was read already, and remembers what was found of its current release. */
export async function verify(
  parameters: Omit<Parameters, 'app'>,
  deployment: Deployment | null,
  context: ObserveContext,
): Promise<DeployVerdict> {
  const aims = aimsOf(parameters, deployment);
  if ([aims.units, aims.containers, aims.urls, aims.ports].every(({ length }) => length === 0))
    throw fault('precondition_failed', {
      reason:
        'nothing says how to tell whether it is well: name a unit, container, url or port, or declare one for the app',
    });
  const { started, checks } = await direct(aims, context);
  const now = context.clock.now();
  const since = Math.max(started ?? 0, deployment?.switchedAt ?? 0) || now;
  const span = { since: Math.min(since, now), baselineMs: durationMs(parameters.baseline), now };
  const more = await comparisons(aims, deployment, span, context);
  const all = [...checks, ...more].slice(0, 10).map((check) => cleaned(check, context));
  const verdict = verdictOf(all);
  const { app, current } = deployment ?? { app: null, current: null };
  if (app !== null && current !== null) rememberVerdict(context.stateDir, app.name, current, { verdict, at: now });
  return { verdict, app: app?.name ?? null, release: current?.name ?? null, checks: all };
}

const DIRECT: readonly Check[] = ['unit', 'container', 'http', 'tcp'];

/** One failure fails it. Else it passes when everything that says so directly passed; versions and errors alone prove nothing. */
export function verdictOf(checks: readonly Pick<DeployCheck, 'check' | 'result'>[]): DeployVerdict['verdict'] {
  if (checks.some(({ result }) => result === 'fail')) return 'fail';
  const direct = checks.filter(({ check }) => DIRECT.includes(check));
  return direct.length > 0 && direct.every(({ result }) => result === 'pass') ? 'pass' : 'unknown';
}

function aimsOf(asked: Omit<Parameters, 'app'>, deployment: Deployment | null): Aims {
  const app = deployment?.app;
  const each = <T>(...given: readonly (T | undefined)[]) => [...new Set(given.filter((one) => one !== undefined))];
  return {
    units: each(app?.unit, asked.unit),
    containers: each(app?.container, asked.container),
    urls: each(app?.health, asked.url),
    ports: each(app?.port, asked.port),
    accessLog: app?.access_log ?? null,
  };
}

/** What says by itself whether it is well, and when what runs was started. */
async function direct(
  aims: Aims,
  context: ObserveContext,
): Promise<{ started: number | null; checks: readonly DeployCheck[] }> {
  const starts: number[] = [];
  const note = (at: number | null) => void (at !== null && starts.push(at));
  const checks = await Promise.all([
    ...aims.units.map((unit) => orUnknown('unit', unit, () => unitCheck(unit, context, note))),
    ...aims.containers.map((name) => orUnknown('container', name, () => containerCheck(name, context, note))),
    ...aims.urls.map((url) => orUnknown('http', url, () => httpCheck(url, context))),
    ...aims.ports.map((port) => orUnknown('tcp', `port ${port}`, () => tcpCheck(port, context))),
  ]);
  return { started: starts.length === 0 ? null : Math.max(...starts), checks };
}

async function comparisons(
  aims: Aims,
  deployment: Deployment | null,
  span: Span,
  context: ObserveContext,
): Promise<DeployCheck[]> {
  const { accessLog } = aims;
  return Promise.all([
    ...(deployment?.app.version === undefined
      ? []
      : [orUnknown('version', 'The version that runs', () => versionCheck(deployment, context))]),
    ...aims.units.map((unit) => orUnknown('errors', `Errors of ${unit}`, () => journalErrors(context, unit, span))),
    ...(accessLog === null ? [] : [orUnknown('errors', accessLog, async () => accessErrors(context, accessLog, span))]),
  ]);
}

async function unitCheck(
  unit: string,
  context: ObserveContext,
  started: (at: number | null) => void,
): Promise<DeployCheck> {
  const state = await readUnitState(context, unit);
  started(state.activeSince);
  if (!state.exists) return { check: 'unit', result: 'fail', said: `There is no unit ${unit}.` };
  const well = state.activeState === 'active';
  const how = state.activeState === 'failed' ? `has failed with ${sayExit(state)}` : `is ${state.activeState}`;
  return { check: 'unit', result: well ? 'pass' : 'fail', said: `${state.name} ${how} (${state.subState}).` };
}

async function containerCheck(
  name: string,
  context: ObserveContext,
  started: (at: number | null) => void,
): Promise<DeployCheck> {
  const found = await findContainer(context, name);
  if (found === null) return { check: 'container', result: 'fail', said: `There is no container ${name}.` };
  started(found.startedAt);
  const said = `${name} is ${found.status}${found.health === 'none' ? '' : ` and ${found.health}`}.`;
  if (found.running && found.health === 'starting') return { check: 'container', result: 'unknown', said };
  const well = found.running && found.health !== 'unhealthy';
  return { check: 'container', result: well ? 'pass' : 'fail', said };
}

async function httpCheck(url: string, context: ObserveContext): Promise<DeployCheck> {
  const { status, ms, error } = await probeHttp(context, url);
  if (status === 0) return { check: 'http', result: 'fail', said: `${url} does not answer: ${error ?? 'no reason'}.` };
  const well = status >= 200 && status < 400;
  return { check: 'http', result: well ? 'pass' : 'fail', said: `${url} answers ${status} in ${Math.round(ms)} ms.` };
}

async function tcpCheck(port: number, context: ObserveContext): Promise<DeployCheck> {
  const { open } = await probeTcp(context, port);
  const said = open ? `Port ${port} accepts connections.` : `Nobody accepts connections on port ${port}.`;
  return { check: 'tcp', result: open ? 'pass' : 'fail', said };
}

/** What could not be looked at is unknown, with the reason. Defects and aborts are thrown. */
async function orUnknown(check: Check, what: string, look: () => Promise<DeployCheck>): Promise<DeployCheck> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { check, result: 'unknown', said: `${what} could not be seen: ${error.message}` };
  }
}

/** Sentences hold names and addresses that others chose. */
function cleaned(check: DeployCheck, context: ObserveContext): DeployCheck {
  const line = stripControl(check.said).replace(/\s+/g, ' ');
  return { ...check, said: shorten(redact(line, context.localPolicy.secretValues ?? []).text, 300) };
}
