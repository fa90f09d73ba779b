import { capability, fault, type Json, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import type { Changer, ObserveContext } from '../capability.ts';
import { folderArgv, opening, settledChange } from '../files/settled-file.ts';
import {
  fileMemorySchema,
  performChange,
  previewChange,
  recoverChange,
  rememberChange,
  undoChange,
} from '../files/write-file.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import { CONNTRACK_MAX_KEY, type Conntrack, conntrackMost, readConntrack } from './conntrack.ts';

type Parameters = ParametersOf<'conntrack.raise'>;

const OPTIONS = { timeoutMs: capability('conntrack.raise').timeoutMs };
const DROP_IN = '/etc/sysctl.d/90-countersign-conntrack.conf';
/** `calls`: how many programs the step starts. */
const memorySchema = z.object({ file: fileMemorySchema, max: z.int(), calls: z.int().min(1) });

/** Makes room for more connections. Those that are tracked go on. */
export const conntrackRaise: Changer<'conntrack.raise'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const table = await requireRaise(parameters, context);
    const file = await previewChange(changeOf(parameters, context), opening(context, DROP_IN));
    return {
      preview: {
        argv: callsOf(parameters.max),
        diff: file.preview.diff,
        effects: [
          `The kernel tracks ${parameters.max} connections at most instead of ${table.max}; ${table.count} are tracked now.`,
          `${DROP_IN} makes it so after a boot as well.`,
        ],
        undo: `It is ${table.max} again, and ${DROP_IN} is what it was before.`,
      },
      witness: [...file.witness, { subject: 'conntrack', property: 'max', value: table.max }],
    };
  },
  async remember(parameters, context): Promise<Json> {
    const { max } = await requireRaise(parameters, context);
    const calls = callsOf(parameters.max).length;
    return { file: rememberChange(changeOf(parameters, context), context), max, calls } as unknown as Json;
  },
  async perform(parameters, memory, context) {
    const { file } = memorySchema.parse(memory);
    const failed = await startAll(context, callsOf(parameters.max), OPTIONS);
    if (failed !== null) return failed;
    await performChange(changeOf(parameters, context), file, opening(context, DROP_IN));
    return { changed: true, exit_code: 0, summary: `The kernel tracks ${parameters.max} connections at most.` };
  },
  async undo(_, memory, context) {
    const { file, max } = memorySchema.parse(memory);
    const put = undoChange(file, opening(context, DROP_IN));
    return (await startAll(context, [setArgv(max)], OPTIONS)) ?? put;
  },
  async recover(_, memory, context) {
    const { file, calls } = memorySchema.parse(memory);
    const ended = await recoverCalls(context, calls);
    if (ended === null) return null;
    if (ended.exitCode !== 0) return recoveredResult(ended, 'the table of connections is as large as before.');
    // The file comes last: without it the step is half done, and is taken back.
    const put = await recoverChange(file, 'none', opening(context, DROP_IN));
    return put && { ...put, changed: true };
  },
};

async function requireRaise({ max }: Parameters, context: ObserveContext): Promise<Conntrack> {
  const table = await readConntrack(context);
  if (table === null) throw fault('precondition_failed', { reason: 'the kernel of this server tracks no connections' });
  if (max <= table.max)
    throw fault('precondition_failed', { reason: `the kernel tracks ${table.max} connections already` });
  if (max > conntrackMost())
    throw fault('precondition_failed', {
      reason: `the memory of this server bears a table of ${conntrackMost()} connections at most`,
    });
  return table;
}

function changeOf({ max }: Parameters, context: ObserveContext) {
  return settledChange(DROP_IN, () => `# Written by Countersign.\n${CONNTRACK_MAX_KEY} = ${max}\n`, context);
}

const setArgv = (max: number) => ['sysctl', '-w', '--', `${CONNTRACK_MAX_KEY}=${max}`];
const callsOf = (max: number) => [...folderArgv(DROP_IN), setArgv(max)];
