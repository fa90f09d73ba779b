/** Which version runs, as the app itself says, and whether it is that of a release. */
import { type DeployCheck, fault } from '@countersign/protocol';
import { parsedJson } from '../../host/parsed-json.ts';
import type { ObserveContext } from '../capability.ts';
import { probeBody } from '../network/local-probe.ts';
import { type Deployment, firstLine, type Release } from './releases.ts';

const MEMBERS = ['version', 'release', 'commit', 'sha', 'revision', 'git_sha', 'git_commit'];
/** Fewer letters of a commit could be those of another. */
const COMMIT_MIN = 7;

/** What the app says of its version: the members of a JSON object that say so, else the first line. Empty when it says none. */
export async function runningVersions(context: ObserveContext, url: string): Promise<string[]> {
  const { status, body, error } = await probeBody(context, url);
  if (status !== 200)
    throw fault('capability_failed', {
      capability: 'deploy.verify',
      reason: `${url} ${status === 0 ? `does not answer (${error})` : `answers ${status}`}`,
    });
  return versionsIn(body ?? '');
}

/** Pure part of {@link runningVersions}. */
export function versionsIn(body: string): string[] {
  const parsed = parsedJson(body);
  const told =
    parsed !== null && typeof parsed === 'object'
      ? MEMBERS.map((member) => (parsed as Record<string, unknown>)[member])
      : [typeof parsed === 'string' ? parsed : body];
  return told.flatMap((each) => {
    const line = typeof each === 'string' ? firstLine(each) : null;
    return line === null ? [] : [line];
  });
}

/** Whether what runs names a release: by its folder, its version file or its commit. */
export function namesRelease(
  versions: readonly string[],
  release: Pick<Release, 'name' | 'version' | 'head'>,
): boolean {
  return versions.some(
    (said) =>
      said === release.name || said === release.version || (release.head !== null && sameCommit(said, release.head)),
  );
}

export async function versionCheck({ app, current }: Deployment, context: ObserveContext): Promise<DeployCheck> {
  const url = app.version;
  if (url === undefined || current === null)
    return { check: 'version', result: 'unknown', said: 'There is no current release to compare with.' };
  const versions = await runningVersions(context, url);
  if (versions.length === 0) return { check: 'version', result: 'unknown', said: `${url} names no version.` };
  const same = namesRelease(versions, current);
  const said = `${app.name} says that ${versions.join(', ')} runs; release ${sayRelease(current)} is current.`;
  return { check: 'version', result: same ? 'pass' : 'fail', said };
}

/** `20261121, commit 1a2b3c4` */
export function sayRelease({ name, head }: Pick<Release, 'name' | 'head'>): string {
  return head === null || name.startsWith(head.slice(0, COMMIT_MIN)) ? name : `${name} (commit ${head.slice(0, 12)})`;
}

function sameCommit(said: string, head: string): boolean {
  return said.length >= COMMIT_MIN && /^[0-9a-f]+$/.test(said) && head.startsWith(said);
}
