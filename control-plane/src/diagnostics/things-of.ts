/** What a finding or an action is about, so that those about the same thing can be found. Pure. */
import type { Diagnosis } from '@countersign/protocol/operator-api/index';

export type Found = Diagnosis['findings'][number];

/** `unit shop.service`, `container shop_web_1`, `port 3000`, `path /var`, `app shop`, `compose shop/web`, `database shop`. */
export type Thing = string;

const UNIT = /(?<![\w/.@-])([A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,200}\.(?:service|socket|timer|mount))\b/g;
const CONTAINER = /\bContainer ([A-Za-z0-9][A-Za-z0-9_.-]+)/g;
const PORT = /\bport (\d{1,5})\b|(?:localhost|127\.0\.0\.1|\[::1\]):(\d{1,5})\b/g;
/** Our titles begin with the mount. */
const MOUNT = /^(\/[^\s,;]*) /;
const RELEASED =
  /^([a-z][a-z0-9_-]{0,39}) (?:runs release|has no current release)|\bof ([a-z][a-z0-9_-]{0,39}) changed after it was deployed/;

/** Kinds whose title names no unit, though they are always about this one. */
const UNIT_OF_FAMILY: Readonly<Record<string, string>> = {
  nginx: 'nginx.service',
  postgres: 'postgresql.service',
  redis: 'redis-server.service',
};

/** A title and five suggestions of ours name fewer. Every thing of one finding is held against every thing of all others. */
const THINGS_MOST = 16;

/** Taken from our own sentences and from the parameters of suggestions, not from output of the server. */
export function thingsOf({ title, suggestions, kind }: Pick<Found, 'title' | 'suggestions' | 'kind'>): Set<Thing> {
  const things = new Set<Thing>();
  for (const [, unit] of title.matchAll(UNIT)) things.add(`unit ${unit}`);
  for (const [, container] of title.matchAll(CONTAINER)) addContainer(things, container);
  for (const [, word, address] of title.matchAll(PORT)) things.add(`port ${word ?? address}`);
  const mount = MOUNT.exec(title)?.[1];
  if (mount !== undefined) things.add(`path ${mount}`);
  if (kind.startsWith('deploy.')) {
    const app = RELEASED.exec(title);
    if (app !== null) things.add(`app ${app[1] ?? app[2]}`);
  }
  const unit = UNIT_OF_FAMILY[kind.split('.')[0] ?? ''];
  if (unit !== undefined) things.add(`unit ${unit}`);
  for (const { parameters } of suggestions) addParameters(things, parameters);
  return new Set([...things].slice(0, THINGS_MOST));
}

function addParameters(things: Set<Thing>, parameters: Readonly<Record<string, unknown>>): void {
  const { unit, container, app, project, service } = parameters;
  if (typeof unit === 'string') things.add(`unit ${/\.[a-z]+$/.test(unit) ? unit : `${unit}.service`}`);
  if (typeof app === 'string') things.add(`app ${app}`);
  if (typeof container === 'string') addContainer(things, container);
  if (typeof project === 'string' && typeof service === 'string') things.add(`compose ${project}/${service}`);
}

/** Compose names containers `project-service-1`, before version 2 `project_service_1`. */
function addContainer(things: Set<Thing>, name: string | undefined): void {
  if (name === undefined) return;
  things.add(`container ${name}`);
  const parts = /^(.+)[-_]([^-_]+)[-_]\d+$/.exec(name);
  if (parts) things.add(`compose ${parts[1]}/${parts[2]}`);
}

/** The first thing of one that the other is about too, `undefined` when there is none. */
export function sharedThing(one: ReadonlySet<Thing>, other: ReadonlySet<Thing>): Thing | undefined {
  for (const thing of one) {
    if (other.has(thing)) return thing;
    if (!ALIKE.test(thing)) continue;
    for (const against of other) if (ALIKE.test(against) && isSame(thing, against)) return thing;
  }
  return undefined;
}

/** Only of these can two that are written differently be one. */
const ALIKE = /^(?:unit|app|path) /;

/** An app and the units that carry its name are one thing; so are a unit and a file whose path carries the unit's name. */
function isSame(one: Thing, other: Thing): boolean {
  const [kind, name] = split(one);
  const [against, others] = split(other);
  // `postgresql.service` stands for all its clusters, such as `postgresql@15-main.service`.
  if (kind === 'unit' && against === 'unit')
    return stem(name) === stem(others) && (!name.includes('@') || !others.includes('@'));
  if (kind === 'unit' && against === 'app') return carries(stem(name), others);
  if (kind === 'app' && against === 'unit') return carries(stem(others), name);
  if (kind === 'unit' && against === 'path') return isFileOf(stem(name), others);
  if (kind === 'path' && against === 'unit') return isFileOf(stem(others), name);
  return false;
}

function split(thing: Thing): [kind: string, name: string] {
  const at = thing.indexOf(' ');
  return [thing.slice(0, at), thing.slice(at + 1)];
}

/** `shop@1.service` and `shop.service` → `shop` */
const stem = (unit: string) => unit.replace(/\.[a-z]+$/, '').replace(/@.*$/, '');
const carries = (unit: string, app: string) => unit === app || unit.startsWith(`${app}-`);
const isFileOf = (unit: string, path: string) =>
  unit.length > 2 && path.split('/').some((part) => part === unit || part.startsWith(`${unit}.`));

/** `unit shop.service` → `shop.service`, as people say it. */
export const sayThing = (thing: Thing) => (/^(?:unit|path) /.test(thing) ? split(thing)[1] : thing);
