/**
 * The server's own policy: what its owner lets Countersign do here, whatever the control plane says. Written by hand in
 * `/etc/countersign/policy.yaml`, owned by root, never written remotely. Without it only reading is allowed.
 * Source: design.md, section 6.
 */
import {
  type Channel,
  channelSchema,
  type LockoutArea,
  type LockState,
  lockoutAreas,
  lockStateSchema,
  pathSchema,
  pathsOfArea,
  type Risk,
  riskSchema,
  type Strength,
  secretNamePattern,
  strengthSchema,
} from '@countersign/protocol';
import type { LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import { digestOf } from '@countersign/protocol/digest';
import { whyUnusable } from '@countersign/protocol/follow-lock';
import { type OwnCommand, ownCommandSchema, ownCommandView } from '@countersign/protocol/own-command';
import { z } from 'zod';
import type { LocalRules } from '../capabilities/capability.ts';
import { type App, appsSchema } from '../capabilities/deploys/app.ts';
import { fitsPattern } from '../capabilities/name-pattern.ts';
import { readSecret, SECRET_LENGTH_MIN, type SecretSource } from '../capabilities/secrets.ts';
import { parseEnvFile } from '../host/env-file.ts';
import { readOwnFile } from '../host/own-files.ts';
import { parseSettings, readSettingsText, SettingsProblem } from '../host/yaml.ts';
import { pathsOfReads, privilegedReadNames } from './privileged-reads.ts';
import { PROTECTED_PATHS } from './protected.ts';

const patternSchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\u0000-\u0020]+$/, 'a name; * stands for any characters');

const lists = (allow: string[]) =>
  z.strictObject({ allow: z.array(patternSchema).default(allow), deny: z.array(patternSchema).default([]) });

/** A whole lock, as a file of `countersign lock init` holds it. One that nobody could open does not fit. */
export const pinnedLockSchema = lockStateSchema.superRefine((lock, context) => {
  const reason = whyUnusable(lock);
  if (reason !== null) context.addIssue({ code: 'custom', message: reason });
});

export const policyFileSchema = z.strictObject({
  mode: z.enum(['observe', 'act']).default('observe'),
  max_risk: riskSchema.default('high'),
  units: lists(['*']).prefault({}),
  /** Containers by name, and Compose projects by theirs. */
  containers: lists(['*']).prefault({}),
  /** Of Kubernetes. */
  namespaces: lists(['*']).prefault({}),
  playbooks: lists(['*']).prefault({}),
  read_roots: z.array(pathSchema).max(100).default(['/etc', '/var/log', '/var/www', '/srv', '/opt', '/usr/local/etc']),
  write_roots: z.array(pathSchema).max(100).default(['/etc/nginx', '/var/www', '/srv', '/opt', '/usr/local/etc']),
  /** What only root can read, opened for reading by name. */
  privileged_reads: z.array(z.enum(privilegedReadNames)).max(privilegedReadNames.length).default([]),
  denied_paths: z.array(pathSchema).max(200).default([]),
  tmp_roots: z.array(pathSchema).max(20).default([]),
  /** Applications that are deployed here, by name. Only what stands here can be looked at or switched. */
  apps: appsSchema,
  /** false, true, or the only commands that may run. */
  commands: z
    .union([
      z.boolean(),
      z
        .array(ownCommandSchema)
        .max(100)
        .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two of them have the same name'),
    ])
    .default(false),
  /** Whether commands that are known to read only may run, below `read_roots`. */
  reading_commands: z.boolean().default(false),
  approvals: z
    .strictObject({
      at_least: z.int().min(0).max(10).default(0),
      channels: z.array(channelSchema).min(1).default(['telegram', 'web', 'ide', 'cli']),
      strength: strengthSchema.default('form'),
    })
    .prefault({}),
  lock: pinnedLockSchema.nullable().default(null),
  /** What may be changed although it can lock everybody out: only by plans that a human has to confirm afterwards. */
  lockout: z.array(z.enum(lockoutAreas)).max(lockoutAreas.length).default([]),
  /** Whether `agent.update` and its kin may change the agent itself. Nothing else ever may. */
  agent_changes: z.boolean().default(false),
  /** Values that plans may refer to by name: a whole file, or one name of a file of NAME=value lines. */
  secrets: z
    .record(
      z.string().regex(secretNamePattern, 'a name such as db_password'),
      z.strictObject({
        file: pathSchema,
        key: z
          .string()
          .regex(/^[A-Za-z_]\w*$/)
          .optional(),
      }),
    )
    .default({}),
  /** Files of NAME=value lines whose values are blacked out wherever they turn up. */
  secrets_from: z.array(pathSchema).max(20).default([]),
});

type PolicyFile = z.output<typeof policyFileSchema>;

/** The server's own policy, ready to be asked. */
export interface LocalPolicy extends LocalRules {
  readonly mode: 'observe' | 'act';
  readonly maxRisk: Risk;
  readonly units: NameRule;
  readonly containers: NameRule;
  readonly namespaces: NameRule;
  readonly playbooks: NameRule;
  readonly commands: boolean | readonly OwnCommand[];
  readonly readingCommands: boolean;
  readonly approvals: { readonly atLeast: number; readonly channels: readonly Channel[]; readonly strength: Strength };
  /** Set when the owner pinned a lock: as pinned where it comes from the file, as followed where it comes from the lock book. */
  readonly lock: LockState | null;
  readonly lockout: readonly LockoutArea[];
  readonly agentChanges: boolean;
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly deniedPaths: readonly string[];
  readonly tmpRoots: readonly string[];
  readonly secretValues: readonly string[];
  readonly apps: Readonly<Record<string, App>>;
}

/** Names that are allowed unless denied. `*` stands for any characters. */
export interface NameRule {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Where the policy lies on a server that was installed. */
export const POLICY_FILE = '/etc/countersign/policy.yaml';

/** The policy in force without a file: reading only. */
export const defaultPolicy: LocalPolicy = policyFrom(policyFileSchema.parse({}));

/**
 * Reads the policy; the default when there is no file. Throws `SettingsProblem` when the file cannot be trusted or does not
 * fit: then nothing may be changed, and nobody guesses what its owner meant.
 */
export function readLocalPolicy(path: string): LocalPolicy {
  const text = readSettingsText(path);
  return text === null ? defaultPolicy : parsePolicy(text, path);
}

/** While the policy cannot be read: no change, and no file either, since nobody knows which ones its owner had closed. */
const closedPolicy: LocalPolicy = { ...defaultPolicy, readRoots: [], privilegedRoots: [], writeRoots: [] };

/** The policy that `read` gives, or one that closes what it might close, with why there is no other. */
export function policyOrDefault(read: () => LocalPolicy): {
  readonly policy: LocalPolicy;
  readonly problem: string | null;
  readonly unread: SettingsProblem | null;
} {
  try {
    return { policy: read(), problem: null, unread: null };
  } catch (error) {
    if (!(error instanceof SettingsProblem)) throw error;
    return { policy: closedPolicy, problem: error.message, unread: error };
  }
}

/** The policy in the text of a file. Throws as {@link readLocalPolicy} does. */
export function parsePolicy(text: string, path: string): LocalPolicy {
  const file = parsedFile(text, path);
  const named = Object.values(file.secrets).flatMap((source) => readable(source.file, () => secretOf(source)));
  const listed = file.secrets_from.flatMap((from) => readable(from, () => secretsIn(from)));
  return { ...policyFrom(file), secretValues: [...new Set([...listed, ...named])] };
}

let parsedLast: { readonly text: string; readonly path: string; readonly file: PolicyFile } | null = null;

/** The file is read each time it is asked, and parsed each time it has another text. What it names is read each time by the callers. */
function parsedFile(text: string, path: string): PolicyFile {
  if (parsedLast?.text !== text || parsedLast.path !== path)
    parsedLast = { text, path, file: parseSettings(text, policyFileSchema, path) };
  return parsedLast.file;
}

/** What the control plane is told of it. */
export function summaryOf(policy: LocalPolicy): LocalPolicySummary {
  return {
    mode: policy.mode,
    maxRisk: policy.maxRisk,
    commands: policy.commands !== false,
    readingCommands: policy.readingCommands,
    ownCommands: ownCommandsOf(policy).map((command) => ownCommandView(command, digestOf(command))),
    readRoots: [...policy.readRoots, ...(policy.privilegedRoots ?? [])],
    writeRoots: [...policy.writeRoots],
    lock: policy.lock,
  };
}

/** The commands that the owner declared. */
export function ownCommandsOf({ commands }: Pick<LocalPolicy, 'commands'>): readonly OwnCommand[] {
  return typeof commands === 'boolean' ? [] : commands;
}

/** Whether a rule lets a name through. What is denied stays denied, however it is allowed. */
export function nameAllowed(rule: NameRule, name: string): boolean {
  return (
    rule.allow.some((pattern) => fitsPattern(pattern, name)) && !rule.deny.some((pattern) => fitsPattern(pattern, name))
  );
}

/** The policy for taking back what was done: every area is open, since what was changed there must not stay. */
export function openForUndo(policy: LocalPolicy): LocalPolicy {
  return { ...policy, writeRoots: [...policy.writeRoots, ...lockoutAreas.flatMap(pathsOfArea)] };
}

/** Whether a path is a root or below it. Both absolute and normalised. */
export function isBelow(path: string, root: string): boolean {
  return path === root || root === '/' || path.startsWith(`${root}/`);
}

function policyFrom(file: PolicyFile): LocalPolicy {
  return {
    mode: file.mode,
    maxRisk: file.max_risk,
    units: file.units,
    containers: file.containers,
    namespaces: file.namespaces,
    playbooks: file.playbooks,
    readRoots: file.read_roots,
    writeRoots: [...file.write_roots, ...file.lockout.flatMap(pathsOfArea)],
    deniedPaths: [...PROTECTED_PATHS, ...file.denied_paths],
    ...privileged(file),
    tmpRoots: file.tmp_roots,
    commands: file.commands,
    readingCommands: file.reading_commands,
    approvals: {
      atLeast: file.approvals.at_least,
      channels: file.approvals.channels,
      strength: file.approvals.strength,
    },
    lock: file.lock,
    lockout: file.lockout,
    agentChanges: file.agent_changes,
    secrets: file.secrets,
    secretValues: [],
    apps: file.apps,
  };
}

/** Opened for reading only: `deniedPaths` keeps them closed to every change, and what the owner himself denies stays denied. */
function privileged(file: PolicyFile): Pick<LocalRules, 'privilegedRoots' | 'readDenied'> {
  const opened = pathsOfReads(file.privileged_reads);
  return {
    privilegedRoots: opened,
    readDenied: [...PROTECTED_PATHS.filter((path) => !opened.includes(path)), ...file.denied_paths],
  };
}

const SECRET_FILE_BYTES_MAX = 256 * 1024;

function secretsIn(path: string): string[] {
  const file = readOwnFile(path, SECRET_FILE_BYTES_MAX);
  if (file === null) return [];
  const values = parseEnvFile(file.bytes.toString('utf8')).map(({ value }) => value);
  return values.filter((value) => value.length >= SECRET_LENGTH_MIN);
}

/** What cannot be read cannot be blacked out, so it is a problem of the policy that names it. */
function readable(file: string, read: () => string[]): string[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason = `the secrets in ${file} cannot be read, so they could not be blacked out: ${error.message}`;
    throw new SettingsProblem(`${reason}; name the file itself, no link to it, or take it out of the policy`, {
      cause: error,
    });
  }
}

function secretOf(source: SecretSource): string[] {
  const value = readSecret(source);
  return value !== null && value.length >= SECRET_LENGTH_MIN ? [value] : [];
}
