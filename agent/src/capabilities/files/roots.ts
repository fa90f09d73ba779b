/** The server's own policy in the form that `host/files` takes. */
import type { Roots } from '../../host/files.ts';
import type { LocalRules } from '../capability.ts';

export function readableRoots(rules: LocalRules): Roots {
  const roots = [...rules.readRoots, ...(rules.privilegedRoots ?? [])];
  return { roots, denied: rules.readDenied ?? rules.deniedPaths ?? [] };
}

export function writableRoots(rules: LocalRules): Roots {
  return { roots: rules.writeRoots, denied: rules.deniedPaths ?? [] };
}
