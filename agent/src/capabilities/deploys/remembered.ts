/** What this server remembers of its releases: how each was when it was last verified while it was current. */
import { join } from 'node:path';
import { type DeployVerdict, releaseNameSchema } from '@countersign/protocol';
import { z } from 'zod';
import { makeOwnFolder, replaceOwnFile } from '../../host/own-files.ts';
import { readOwnJson } from '../../host/own-json.ts';
import type { Release } from './releases.ts';

const KEPT = 20;

const rememberedSchema = z.array(
  z.strictObject({
    release: releaseNameSchema,
    identity: z.string(),
    verdict: z.enum(['pass', 'fail', 'unknown']),
    at: z.int(),
  }),
);

/** How a release was when it was last verified. */
export interface RememberedVerdict {
  readonly verdict: DeployVerdict['verdict'];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** `null` when this very folder was never verified, or nothing is kept here. */
export function rememberedVerdict(
  stateDir: string | undefined,
  app: string,
  release: Pick<Release, 'name' | 'identity'>,
): RememberedVerdict | null {
  if (stateDir === undefined) return null;
  const found = read(fileOf(stateDir, app)).find(
    (each) => each.release === release.name && each.identity === release.identity,
  );
  return found === undefined ? null : { verdict: found.verdict, at: found.at };
}

/** Keeps a verdict, instead of the one before. What cannot be known is no reason to forget what was. */
export function rememberVerdict(
  stateDir: string | undefined,
  app: string,
  release: Pick<Release, 'name' | 'identity'>,
  { verdict, at }: RememberedVerdict,
): void {
  if (stateDir === undefined || verdict === 'unknown') return;
  const file = fileOf(stateDir, app);
  const others = read(file).filter((each) => each.release !== release.name);
  const kept = [{ release: release.name, identity: release.identity, verdict, at }, ...others].slice(0, KEPT);
  try {
    makeOwnFolder(join(stateDir, 'deploys'));
    replaceOwnFile(file, `${JSON.stringify(kept)}\n`, 0o600);
  } catch (error) {
    // A full disk is no reason to say nothing of the deploy; it is then not remembered.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

const fileOf = (stateDir: string, app: string) => join(stateDir, 'deploys', `${app}.json`);

/** A damaged file is as none: what was remembered is said to be unknown, and the next verdict writes it anew. */
function read(file: string): z.output<typeof rememberedSchema> {
  try {
    return readOwnJson(file, rememberedSchema) ?? [];
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}
