/**
 * An app as the server's owner declared it in `apps:` of the local policy. A plan names an app and a release, never a path: so a
 * control plane can neither invent a folder nor a program.
 */
import { join } from 'node:path';
import {
  appNameSchema,
  fault,
  localPortSchema,
  localUrlSchema,
  pathSchema,
  sha256Schema,
  unitSchema,
} from '@countersign/protocol';
import { z } from 'zod';
import type { LocalRules } from '../capability.ts';

/** A folder or file below the root: no `..`, not absolute. */
const belowSchema = z
  .string()
  .max(500)
  .regex(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, 'a path below the root')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'a path without . and ..');

const appSchema = z
  .strictObject({
    root: pathSchema,
    releases: belowSchema.default('releases'),
    current: belowSchema.default('current'),
    unit: unitSchema.optional(),
    container: z
      .string()
      .max(128)
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)
      .optional(),
    /** How the unit takes up another release. */
    apply: z.enum(['restart', 'reload']).default('restart'),
    health: localUrlSchema.optional(),
    port: localPortSchema.optional(),
    /** Says which release runs: an address of the server itself. */
    version: localUrlSchema.optional(),
    /** Says which version a release is: a file in it. */
    version_file: belowSchema.optional(),
    /** Access log in the format `combined`, whose share of 5xx is compared. */
    access_log: pathSchema.optional(),
    /** Folder of database migrations in a release: those that a rollback would leave behind are shown. */
    migrations: belowSchema.optional(),
    /** A clone below the root, its `origin` set by the owner: releases are made from it. */
    repository: belowSchema.optional(),
    /** Branches and tags that `deploy.pull_restart` may deploy; `*` stands for any characters. */
    refs: z.array(z.string().min(1).max(200)).max(50).default([]),
    /** A program of the owner that deploys, with the SHA-256 of its content. Run as `PROGRAM REF`. */
    script: z.strictObject({ path: pathSchema, sha256: sha256Schema }).optional(),
  })
  .refine((app) => app.unit === undefined || app.container === undefined, 'a unit or a container, not both');
export type App = z.output<typeof appSchema>;

export const appsSchema = z.record(appNameSchema, appSchema).default({});

/** An app with its name and its places. */
export interface DeclaredApp extends App {
  readonly name: string;
  readonly releasesPath: string;
  readonly currentPath: string;
}

/** The app of a name. Throws `precondition_failed` when the owner declared none. */
export function appOf(name: string, rules: LocalRules): DeclaredApp {
  const apps = rules.apps ?? {};
  const app = Object.hasOwn(apps, name) ? apps[name] : undefined;
  if (app === undefined)
    throw fault('precondition_failed', { reason: `the policy of the server declares no app ${name} under apps` });
  return { ...app, name, releasesPath: join(app.root, app.releases), currentPath: join(app.root, app.current) };
}

export const appNames = (rules: LocalRules): string[] => Object.keys(rules.apps ?? {});
