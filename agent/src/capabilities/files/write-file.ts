/** What `file.write` and `config.set_key` share: preview, backup, atomic replacement, validation, and the way back. */
import { isUtf8 } from 'node:buffer';
import type { Stats } from 'node:fs';
import { Fault, fault, type Json, type StepResult, saySecrets, type WitnessFact } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { unifiedDiff } from '@countersign/protocol/unified-diff';
import { z } from 'zod';
import { keepBackup, readBackup } from '../../host/backups.ts';
import { readAllowed, removeFile, replaceFile, targetOf } from '../../host/files.ts';
import type { ChangeContext, ChangePreview, ObserveContext } from '../capability.ts';
import { count } from '../report.ts';
import { writableRoots } from './roots.ts';
import { type Validator, validateInPlace, validateText, validatorArgv } from './validate.ts';

/** Files above this are not changed. The wire carries no more either. */
export const CHANGE_BYTES_MAX = 1024 * 1024;
const NEW_FILE = { mode: 0o644, uid: 0, gid: 0 };

/** A file as it is, and as it shall be. */
export interface FileChange {
  /** As it was asked for. */
  readonly asked: string;
  /** Where the file really is. */
  readonly path: string;
  readonly stat: Stats | null;
  readonly before: string | null;
  readonly after: string;
  /** The same with references in the place of secrets: what people are shown. */
  readonly shown: string;
  readonly validator: Validator;
}

/** What a step remembers of a file before it changes it. */
export const fileMemorySchema = z.object({
  asked: z.string(),
  path: z.string(),
  backup: z.string().nullable(),
  before_sha256: z.string().nullable(),
  after_sha256: z.string(),
  mode: z.int(),
  uid: z.int(),
  gid: z.int(),
});
export type FileMemory = z.infer<typeof fileMemorySchema>;

/** Reads what is to be changed. Throws `path_denied`, `file_not_found`, `file_too_large`. */
export function readTarget(
  asked: string,
  context: ObserveContext,
): { readonly path: string; readonly stat: Stats | null; readonly text: string | null } {
  const roots = writableRoots(context.localPolicy);
  const target = targetOf(asked, roots);
  if (target.stat === null) return { path: target.path, stat: null, text: null };
  const { bytes, path, stat } = readAllowed(target.path, roots, CHANGE_BYTES_MAX);
  if (!isUtf8(bytes)) throw fault('path_denied', { path: asked, reason: 'it is not a text file in UTF-8' });
  return { path, stat, text: bytes.toString('utf8') };
}

/** Throws `file_changed` (or `file_not_found`) when a file is not what the request was based on. */
export function requireContent(asked: string, text: string | null, expected: string | null): void {
  if (expected === null) {
    if (text !== null) throw fault('file_changed', { path: asked, found: sha256(text) });
  } else if (text === null) throw fault('file_not_found', { path: asked });
  else if (sha256(text) !== expected) throw fault('file_changed', { path: asked, found: sha256(text) });
}

export async function previewChange(change: FileChange, context: ObserveContext): Promise<ChangePreview> {
  validateText(change.validator, change.asked, change.after, change.shown);
  const argv = validatorArgv(change.validator, change.path);
  return {
    preview: {
      argv: argv === null ? [] : [argv],
      diff: unifiedDiff(change.path, change.before, change.shown, context.localPolicy.secretValues),
      effects: await effectsOf(change, context),
      undo:
        change.before === null
          ? 'The file is removed again.'
          : 'The former content is put back from a backup on the server.',
    },
    witness: fileWitness(change),
  };
}

async function effectsOf(change: FileChange, context: ObserveContext): Promise<string[]> {
  const { asked, path, stat, before, after, shown, validator } = change;
  const secrets = saySecrets(shown);
  const effects: string[] = secrets === null ? [] : [`Written with ${secrets}, which is put in on the server.`];
  if (before === after) effects.push(`${path} holds this already; nothing changes.`);
  else if (stat === null)
    effects.push(`${path} is made with ${count(Buffer.byteLength(shown), 'byte')}, readable by all.`);
  else
    effects.push(
      `${path} is replaced as a whole and keeps its mode ${(stat.mode & 0o7777).toString(8).padStart(4, '0')} and owner ${stat.uid}:${stat.gid}.`,
    );
  if (asked !== path) effects.push(`${asked} is a link that leads there; it stays.`);
  if (stat !== null && stat.nlink > 1)
    effects.push(`Another name of the same file keeps the former content (${stat.nlink} hard links).`);
  const argv = validatorArgv(validator, path);
  if (argv !== null) {
    const now = await validateInPlace(context, validator, path);
    effects.push(
      `Right after it is written, ${argv.join(' ')} judges it; when it refuses, the former content is put back at once and the step fails.`,
      now === null ? 'It accepts what is there now.' : `It refuses what is there now: ${now}`,
    );
  } else if (validator !== 'none') effects.push(`The new content is valid ${validator.toUpperCase()}.`);
  return effects.map((effect) => effect.slice(0, 500));
}

function fileWitness({ path, stat, before }: FileChange): WitnessFact[] {
  const subject = `file ${path}`;
  if (stat === null || before === null) return [{ subject, property: 'exists', value: false }];
  return [
    { subject, property: 'sha256', value: sha256(before) },
    { subject, property: 'mode', value: (stat.mode & 0o7777).toString(8) },
    { subject, property: 'owner', value: `${stat.uid}:${stat.gid}` },
  ];
}

/** Keeps a durable backup and returns what the way back needs. */
export function rememberChange(change: FileChange, context: ChangeContext): Json {
  const own = process.geteuid?.() ?? 0;
  const { mode, uid, gid } = change.stat ?? { ...NEW_FILE, uid: own, gid: process.getegid?.() ?? 0 };
  const backup = change.before === null ? null : keepBackup(context, change.before, change.path);
  return {
    asked: change.asked,
    path: change.path,
    backup,
    before_sha256: change.before === null ? null : sha256(change.before),
    after_sha256: sha256(change.after),
    mode: mode & 0o7777,
    uid,
    gid,
  } satisfies FileMemory;
}

/** Writes and judges. When it is refused the former content is back before `validator_failed` is thrown. */
export async function performChange(
  change: FileChange,
  memory: FileMemory,
  context: ChangeContext,
): Promise<StepResult> {
  validateText(change.validator, change.asked, change.after, change.shown);
  if ((change.before === null ? null : sha256(change.before)) !== memory.before_sha256 || change.path !== memory.path)
    throw fault('state_drifted', { reason: `${change.path} changed` });
  if (change.before === change.after) {
    const reason = await validateInPlace(context, change.validator, change.path);
    if (reason !== null) throw fault('validator_failed', { path: change.asked, validator: change.validator, reason });
    return { changed: false, exit_code: null, summary: `${change.path} held this already.` };
  }
  replaceFile(change.path, Buffer.from(change.after), memory);
  let reason: string | null;
  try {
    reason = await validateInPlace(context, change.validator, change.path);
  } catch (error) {
    putBack(memory, context);
    throw error;
  }
  if (reason !== null) {
    putBack(memory, context);
    throw fault('validator_failed', { path: change.asked, validator: change.validator, reason });
  }
  return {
    changed: true,
    exit_code: null,
    summary: `${change.path} was ${change.stat === null ? 'made' : 'replaced'}.`,
  };
}

/** Puts the former content back, unless somebody else has changed the file meanwhile. */
export function undoChange(memory: FileMemory, context: ChangeContext): StepResult {
  const now = presentSha256(memory, context);
  if (now === memory.before_sha256)
    return { changed: false, exit_code: null, summary: `${memory.path} is as it was before.` };
  if (now !== memory.after_sha256)
    return {
      changed: false,
      exit_code: 1,
      summary: `${memory.path} was changed by somebody else since; it was left alone.`,
    };
  putBack(memory, context);
  return {
    changed: true,
    exit_code: null,
    summary: `${memory.path} ${memory.backup === null ? 'was removed again' : 'has its former content again'}.`,
  };
}

/** Found out after a crash: whether the new content is in place and stands its validation. */
export async function recoverChange(
  memory: FileMemory,
  validator: Validator,
  context: ChangeContext,
): Promise<StepResult | null> {
  const now = presentSha256(memory, context);
  if (now === memory.after_sha256) {
    const reason = await validateInPlace(context, validator, memory.path);
    return reason === null
      ? {
          changed: true,
          exit_code: null,
          summary: `Found after a restart of the runner: ${memory.path} has its new content.`,
        }
      : {
          changed: true,
          exit_code: 1,
          summary: `Found after a restart of the runner: ${memory.path} has its new content, and ${validator} refuses it.`,
        };
  }
  if (now === memory.before_sha256)
    return {
      changed: false,
      exit_code: 1,
      summary: `Found after a restart of the runner: ${memory.path} was not changed.`,
    };
  return null;
}

function presentSha256({ path }: FileMemory, context: ObserveContext): string | null {
  try {
    return sha256(readAllowed(path, writableRoots(context.localPolicy), CHANGE_BYTES_MAX * 2).bytes);
  } catch (error) {
    if (error instanceof Fault && error.code === 'file_not_found') return null;
    throw error;
  }
}

function putBack(memory: FileMemory, context: ChangeContext): void {
  if (memory.backup === null) removeFile(memory.path);
  else replaceFile(memory.path, readBackup(context.stateDir, memory.backup), memory);
}
