import { durationMs, fault, type Json, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import { statOrNull } from '../../host/look.ts';
import { countSmall, findPack, forgetPacks, packFiles, type SmallFiles, unpackFiles } from '../../host/pack-files.ts';
import { readOpenFiles } from '../../host/processes.ts';
import { QUARANTINE_MS } from '../../host/quarantine.ts';
import type { Changer, ObserveContext } from '../capability.ts';
import { fitsPattern } from '../name-pattern.ts';
import { count, sayBytes, sayDuration } from '../report.ts';
import { sessionRoots } from './session-roots.ts';

type Parameters = ParametersOf<'sessions.pack'>;

/** Packs old sessions away. People whose session was not used for so long have to sign in again. */
export const sessionsPack: Changer<'sessions.pack'> = {
  predictable: true,
  async preview(parameters, context) {
    const { root, pattern, older_than: age } = parameters;
    const folder = requireRoot(parameters, context);
    const tally = await countSmall(smallOf(parameters, context), context.clock, context.signal);
    const effects = [
      tally.files === 0
        ? `No file ${pattern} below ${root} is older than ${age}: nothing is packed.`
        : `About ${count(tally.files, 'file')} ${pattern} with ${sayBytes(tally.bytes)} that nobody has read or changed for ${age} are packed into one file and removed. Their inodes are free at once.`,
      `The pack is kept for ${sayDuration(QUARANTINE_MS)}; a later run forgets it.`,
    ];
    if (tally.more) effects.push('There are more; they stay for the next run.');
    return {
      preview: { argv: [], diff: null, effects, undo: 'The files are unpacked to where they were.' },
      witness: [{ subject: `folder ${root}`, property: 'identity', value: `${folder.dev}:${folder.ino}` }],
    };
  },
  async remember(_, context) {
    return { name: `${context.actionId}-${context.step}` };
  },
  async perform(parameters, memory, context) {
    requireRoot(parameters, context);
    forgetPacks(context.stateDir, context.clock);
    const pack = { stateDir: context.stateDir, name: nameOf(memory) };
    const tally = await packFiles(smallOf(parameters, context), pack, context.clock, context.signal);
    return { changed: tally.files > 0, exit_code: null, summary: sayPacked(tally) };
  },
  async undo(_, memory, context) {
    const { restored, left } = unpackFiles(context.stateDir, nameOf(memory));
    const rest = left === 0 ? '' : ` ${count(left, 'file')} could not be put back; they stay in the pack.`;
    return {
      changed: restored > 0,
      exit_code: left === 0 ? null : 1,
      summary: `${count(restored, 'file')} unpacked.${rest}`,
    };
  },
  async recover(_, memory, context) {
    const found = findPack(context.stateDir, nameOf(memory));
    return found && { changed: found.files > 0, exit_code: null, summary: sayPacked(found) };
  },
};

function sayPacked({ files, bytes }: { readonly files: number; readonly bytes: number }): string {
  return `${count(files, 'file')} with ${sayBytes(bytes)} packed away.`;
}

function nameOf(memory: Json): string {
  return z.object({ name: z.string() }).parse(memory).name;
}

function smallOf(
  { root, pattern, older_than: age, max_files: maxFiles }: Parameters,
  context: ObserveContext,
): SmallFiles {
  const isMeant = (name: string) => fitsPattern(pattern, name);
  return { root, before: context.clock.now() - durationMs(age), maxFiles, open: readOpenFiles().identities, isMeant };
}

function requireRoot({ root }: Parameters, context: ObserveContext) {
  const allowed = sessionRoots(context.localPolicy);
  if (!allowed.includes(root))
    throw fault('path_denied', {
      path: root,
      reason: `only sessions in ${allowed.join(', ')} may be packed on this server`,
    });
  const folder = statOrNull(root);
  if (folder?.isDirectory() !== true) throw fault('file_not_found', { path: root });
  return folder;
}
