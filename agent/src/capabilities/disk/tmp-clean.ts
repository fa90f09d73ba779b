import { durationMs, fault, type Json, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import { statOrNull } from '../../host/look.ts';
import { readOpenFiles } from '../../host/processes.ts';
import {
  countOld,
  findQuarantine,
  type OldFiles,
  purgeQuarantines,
  QUARANTINE,
  QUARANTINE_MS,
  quarantineOld,
  restoreQuarantined,
} from '../../host/quarantine.ts';
import type { Changer, ObserveContext } from '../capability.ts';
import { count, sayBytes, sayDuration } from '../report.ts';

const ROOTS = ['/tmp', '/var/tmp'];

/** Moves old files of a temporary folder aside. Room becomes free when they are deleted, a day later at the earliest. */
export const tmpClean: Changer<'tmp.clean'> = {
  predictable: true,
  async preview(parameters, context) {
    const { root, older_than: age } = parameters;
    const folder = requireRoot(parameters, context);
    const { old, blind } = oldOf(parameters, context);
    const tally = await countOld(old, context.clock, context.signal);
    const effects = [
      tally.files === 0
        ? `No file below ${root} is older than ${age}: nothing is moved.`
        : `About ${count(tally.files, 'file')} with ${sayBytes(tally.bytes)} that nobody has read or changed for ${age} are moved to ${root}/${QUARANTINE}.`,
      `They take their room until a later run deletes them, ${sayDuration(QUARANTINE_MS)} from now at the earliest. What earlier runs moved so long ago is deleted now.`,
    ];
    if (tally.more) effects.push(`There are more; they stay for the next run.`);
    if (blind > 0)
      effects.push(
        `Open files of ${count(blind, 'process', 'processes')} cannot be seen without root and may be moved.`,
      );
    return {
      preview: { argv: [], diff: null, effects, undo: 'The files are moved back to where they were.' },
      witness: [{ subject: `folder ${root}`, property: 'identity', value: `${folder.dev}:${folder.ino}` }],
    };
  },
  async remember(_, context) {
    return { name: `${context.actionId}-${context.step}` };
  },
  async perform(parameters, memory, context) {
    requireRoot(parameters, context);
    const purged = purgeQuarantines(context.stateDir, context.clock);
    const { old } = oldOf(parameters, context);
    const tally = await quarantineOld(
      old,
      { stateDir: context.stateDir, name: nameOf(memory) },
      context.clock,
      context.signal,
    );
    const freed = purged.files === 0 ? '' : ` ${sayBytes(purged.bytes)} of earlier runs were deleted.`;
    return { changed: tally.files + purged.files > 0, exit_code: null, summary: `${sayMoved(tally)}${freed}` };
  },
  async undo(_, memory, context) {
    const { restored, left } = restoreQuarantined(context.stateDir, nameOf(memory));
    const rest = left === 0 ? '' : ` ${count(left, 'file')} stay in quarantine, because their place is taken or gone.`;
    return {
      changed: restored > 0,
      exit_code: left === 0 ? null : 1,
      summary: `${count(restored, 'file')} moved back.${rest}`,
    };
  },
  async recover(_, memory, context) {
    const found = findQuarantine(context.stateDir, nameOf(memory));
    return found && { changed: found.files > 0, exit_code: null, summary: sayMoved(found) };
  },
};

function sayMoved({ files, bytes }: { readonly files: number; readonly bytes: number }): string {
  return `${count(files, 'file')} with ${sayBytes(bytes)} moved to quarantine.`;
}

/** By which the list of what was moved is found, by the undo too. */
function nameOf(memory: Json): string {
  return z.object({ name: z.string() }).parse(memory).name;
}

function oldOf(
  { root, older_than: age, max_files: maxFiles }: ParametersOf<'tmp.clean'>,
  context: ObserveContext,
): { readonly old: OldFiles; readonly blind: number } {
  const { identities, blind } = readOpenFiles();
  return { old: { root, before: context.clock.now() - durationMs(age), maxFiles, open: identities }, blind };
}

function requireRoot({ root }: ParametersOf<'tmp.clean'>, context: ObserveContext) {
  const allowed = [...ROOTS, ...(context.localPolicy.tmpRoots ?? [])];
  if (!allowed.includes(root))
    throw fault('path_denied', { path: root, reason: `only ${allowed.join(', ')} may be cleaned on this server` });
  const folder = statOrNull(root);
  if (folder?.isDirectory() !== true) throw fault('file_not_found', { path: root });
  return folder;
}
