/** What there is on this server, kind by kind and all at once. What could not be looked for is said, never passed over. */
import {
  type Discovered,
  type DiscoveredKind,
  discoveredKinds,
  Fault,
  fault,
  redact,
  shorten,
  stripControl,
} from '@countersign/protocol';
import { readCertificates } from '../../host/certificates.ts';
import { systemdRuns } from '../../host/unit.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { readContainers } from '../containers/read-containers.ts';
import { readTimers } from '../schedule/timers.ts';
import { findDatabases } from './find-databases.ts';
import { findDeployRoots } from './find-deploy-roots.ts';
import { findListeners } from './find-listeners.ts';
import { findRuntimes } from './find-runtimes.ts';
import { findUnits } from './find-units.ts';
import { findVirtualHosts } from './find-virtual-hosts.ts';

/** Of one kind. */
const KIND_MAX = 200;
const UNITS_MAX = 3000;

/** One thing before its words are cleaned. */
export type Found = Omit<Discovered, 'kind'>;

export const discoverServices: Observer<'discover.services'> = async (_, context) => {
  const units = findUnits(context);
  const finders: Record<DiscoveredKind, () => Promise<readonly Found[]>> = {
    unit: async () => (await units).notable,
    container: () => findContainers(context),
    listener: () => findListeners(context),
    runtime: () => findRuntimes(context),
    virtual_host: () => findVirtualHosts(context),
    database: async () => findDatabases(),
    certificate: async () => findCertificates(context),
    timer: () => findTimers(context),
    deploy_root: async () => findDeployRoots(context.localPolicy),
  };
  const looked = await Promise.all(discoveredKinds.map((kind) => look(kind, finders[kind])));
  const found = looked.flatMap(({ kind, things }) =>
    things.slice(0, KIND_MAX).map((thing) => cleaned(kind, thing, context)),
  );
  const names = await units.then(
    ({ names }) => [...names],
    () => null,
  );
  return {
    found: once(found),
    units: names?.slice(0, UNITS_MAX) ?? null,
    blind: looked.flatMap(({ kind, why }) => (why === null ? [] : [{ kind, why: shorten(why, 300) }])),
    truncated: looked.some(({ things }) => things.length > KIND_MAX) || (names?.length ?? 0) > UNITS_MAX,
  };
};

async function look(kind: DiscoveredKind, find: () => Promise<readonly Found[]>) {
  try {
    return { kind, things: await find(), why: null };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { reason } = error.slots;
    return { kind, things: [], why: typeof reason === 'string' ? reason : error.message };
  }
}

async function findContainers(context: ObserveContext): Promise<Found[]> {
  if (!(await dockerIsThere(context))) return [];
  const { containers } = await readContainers(context);
  return containers.map(({ name, status, image }) => ({ name, state: status, detail: image }));
}

/** Without Docker there are no containers, and nothing that could not be seen. */
async function dockerIsThere({ exec, signal }: ObserveContext): Promise<boolean> {
  const done = await exec({ argv: ['docker', '--version'], timeoutMs: 5000, signal });
  return done.notStarted === null;
}

function findCertificates(context: ObserveContext): Found[] {
  return readCertificates().map(({ path, endsAt }) => ({
    name: path,
    state: new Date(endsAt).toISOString().slice(0, 10),
    detail: endsAt < context.clock.now() ? 'has ended' : 'ends on that day',
  }));
}

async function findTimers(context: ObserveContext): Promise<Found[]> {
  if (!systemdRuns())
    throw fault('capability_failed', { capability: 'discover.services', reason: 'systemd does not run this server' });
  const timers = await readTimers(context);
  // When it is due next changes all the time; that it is due at all does not.
  return timers.map(({ name, job, next }) => ({
    name,
    state: next === null ? 'not due' : 'due',
    detail: `starts ${job}`,
  }));
}

/** Names come from files and programs of others. */
function cleaned(kind: DiscoveredKind, { name, state, detail }: Found, { localPolicy }: ObserveContext): Discovered {
  const line = (text: string, max: number) => {
    const plain = stripControl(text).replace(/\s+/g, ' ').trim();
    return shorten(redact(plain, localPolicy.secretValues ?? []).text, max);
  };
  return { kind, name: line(name, 300), state: state === null ? null : line(state, 100), detail: line(detail, 300) };
}

/** The first of those with the same kind and name. */
function once(found: readonly Discovered[]): Discovered[] {
  return [...new Map(found.toReversed().map((thing) => [`${thing.kind} ${thing.name}`, thing])).values()].reverse();
}
