/** Changes to files: the whole content, one key of a configuration file, and the way back. */
import { fault, fillSecrets, secretNamesIn } from '@countersign/protocol';
import type { ChangeContext, Changer, Changers, ObserveContext } from '../capability.ts';
import { withSecrets } from '../secrets.ts';
import { setKey } from './config-edit/set-key.ts';
import {
  type FileChange,
  type FileMemory,
  fileMemorySchema,
  performChange,
  previewChange,
  readTarget,
  recoverChange,
  rememberChange,
  requireContent,
  undoChange,
} from './write-file.ts';

type WriteParameters = Parameters<Changer<'file.write'>['preview']>[0];
type SetKeyParameters = Parameters<Changer<'config.set_key'>['preview']>[0];

function changeOf(parameters: WriteParameters, context: ObserveContext): FileChange {
  const { path: asked, content, expected_sha256: expected, validator } = parameters;
  const { path, stat, text } = readTarget(asked, context);
  requireContent(asked, text, expected);
  return { asked, path, stat, before: text, after: withSecrets(content, context), shown: content, validator };
}

function keyChangeOf(parameters: SetKeyParameters, context: ObserveContext): FileChange {
  const { path: asked, format, section, key, value, expected_sha256: expected, validator } = parameters;
  const { path, stat, text } = readTarget(asked, context);
  if (text === null) throw fault('file_not_found', { path: asked });
  if (expected !== undefined) requireContent(asked, text, expected);
  const real = withSecrets(value, context);
  if (/[\r\n]/.test(real)) throw invalid('the secret has several lines, and a key takes one');
  const set = (to: string) => setKey(format, text, { section, key, value: to }).text;
  const after = set(real);
  return { asked, path, stat, before: text, after, shown: real === value ? after : shownOf(value, set), validator };
}

/** What people are shown: the edit is made with words that every format takes, which then become references. */
function shownOf(value: string, set: (to: string) => string): string {
  const standIn = (name: string) => `SECRET-${name}-HERE`;
  const names = secretNamesIn(value);
  const text = set(fillSecrets(value, standIn));
  return names.reduce((shown, name) => shown.replaceAll(standIn(name), `{{secret:${name}}}`), text);
}

const invalid = (problem: string) => fault('invalid_input', { problems: `value: ${problem}` });

const fileWrite: Changer<'file.write'> = {
  predictable: true,
  undoAgain: true,
  preview: async (parameters, context) => previewChange(changeOf(parameters, context), context),
  remember: async (parameters, context) => rememberChange(changeOf(parameters, context), context),
  perform: async (parameters, memory, context) =>
    performChange(changeOf(parameters, context), fileMemorySchema.parse(memory), context),
  undo: async (_, memory, context) => undoChange(fileMemorySchema.parse(memory), context),
  recover: async ({ validator }, memory, context) => recoverChange(fileMemorySchema.parse(memory), validator, context),
};

const configSetKey: Changer<'config.set_key'> = {
  predictable: true,
  undoAgain: true,
  preview: async (parameters, context) => previewChange(keyChangeOf(parameters, context), context),
  remember: async (parameters, context) => rememberChange(keyChangeOf(parameters, context), context),
  perform: async (parameters, memory, context) =>
    performChange(keyChangeOf(parameters, context), fileMemorySchema.parse(memory), context),
  undo: async (_, memory, context) => undoChange(fileMemorySchema.parse(memory), context),
  recover: async ({ validator }, memory, context) => recoverChange(fileMemorySchema.parse(memory), validator, context),
};

/** Undo steps name the file, since a unit has to read it again after it is back. */
const fileRestore: Changer<'file.restore'> = {
  predictable: true,
  async preview() {
    throw fault('precondition_failed', {
      reason: 'file.restore only takes back what an earlier step of the same action did',
    });
  },
  async perform({ path }, _, context) {
    const memory = remembered(path, context);
    if (memory === null)
      return { changed: false, exit_code: null, summary: `No step of this action had changed ${path}.` };
    return undoChange(memory, context);
  },
  async recover({ path }, _, context) {
    // Putting back the same content once more changes nothing, so it may simply be done again.
    const memory = remembered(path, context);
    return memory === null ? null : undoChange(memory, context);
  },
};

/** The first memory of a path is the state before the action. */
function remembered(path: string, context: ChangeContext): FileMemory | null {
  for (const step of context.earlier) {
    if (step.capability !== 'file.write' && step.capability !== 'config.set_key') continue;
    const memory = fileMemorySchema.safeParse(step.memory);
    if (memory.success && (memory.data.path === path || memory.data.asked === path)) return memory.data;
  }
  return null;
}

export const fileChangers = {
  'file.write': fileWrite,
  'config.set_key': configSetKey,
  'file.restore': fileRestore,
} satisfies Partial<Changers>;
