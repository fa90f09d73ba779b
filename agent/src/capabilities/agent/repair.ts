/**
 * Puts the agent back as its install script leaves it: units from the package's own copy, owners, modes, what is enabled and runs.
 * Programs come with a package only, and policy.yaml is the owner's.
 */
import { capability } from '@countersign/protocol';
import { z } from 'zod';
import { removeFile } from '../../host/files.ts';
import { readTextOrNull } from '../../host/look.ts';
import { replaceOwnFile } from '../../host/own-files.ts';
import type { Changer } from '../capability.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { PLACES, readDamage, STANDING_UNITS, standingOf, stateOf, UNITS, unitPath } from './damage.ts';
import { refuse, requireInstalled, scriptOf } from './installed.ts';

const memorySchema = z.object({
  units: z.array(z.object({ unit: z.string(), text: z.string().nullable() })),
  places: z.array(z.object({ path: z.string(), owner: z.string(), mode: z.int() })),
  enabled: z.array(z.object({ unit: z.string(), state: z.string() })),
});

const UNIT_MODE = 0o644;
const OPTIONS = { timeoutMs: capability('agent.repair').timeoutMs };

export const agentRepair: Changer<'agent.repair'> = {
  predictable: true,
  undoAgain: true,
  async preview(_, context) {
    const installed = requireInstalled(context);
    const damage = await readDamage(installed, context);
    const lost = damage.filter(({ mended }) => !mended);
    if (lost.length > 0) throw refuse(`${lost[0]?.said}: that comes with a package, so update or install the agent`);
    if (damage.length === 0) throw refuse(`the agent ${installed} is as it was installed`);
    return {
      preview: {
        argv: [scriptOf(installed, '--repair')],
        diff: null,
        effects: [
          ...damage.slice(0, 15).map(({ said }) => `${said}: that is put right.`),
          ...(damage.length > 15 ? [`And ${damage.length - 15} more.`] : []),
          'What runs goes on; a changed unit counts from its next start.',
        ],
        undo: 'Units, owners and modes become as they are now. What was started goes on.',
      },
      witness: [
        { subject: 'agent', property: 'version', value: installed },
        {
          subject: 'agent',
          property: 'differs',
          value: damage
            .map(({ said }) => said)
            .join('; ')
            .slice(0, 2000),
        },
      ],
    };
  },
  async remember(_, context) {
    const units = UNITS.map((unit) => ({ unit, text: readTextOrNull(unitPath(unit)) }));
    const places = PLACES.flatMap(({ path }) => {
      const now = standingOf(path);
      return now === null ? [] : [{ path, ...now }];
    });
    const enabled = [];
    for (const unit of STANDING_UNITS)
      enabled.push({ unit, state: (await stateOf(unit, context)).UnitFileState ?? '' });
    return { units, places, enabled };
  },
  async perform(_, __, context) {
    const installed = requireInstalled(context);
    const calls = await runCalls(context, [scriptOf(installed, '--repair')], OPTIONS);
    return resultOfCalls(calls, true, `the agent is as ${installed} was installed.`);
  },
  async undo(_, memory, context) {
    const calls = await runCalls(context, undoCalls(memorySchema.parse(memory)), OPTIONS);
    return resultOfCalls(calls, true, 'units, owners and modes are as they were.');
  },
  async recover(_, __, context) {
    const ended = await recoverCalls(context, 1);
    return ended === null ? null : recoveredResult(ended, 'the agent was to be as it was installed.');
  },
};

/** Sets the units back at once, and gives the calls for the rest, as far as it differs from what was. */
function undoCalls({ units, places, enabled }: z.output<typeof memorySchema>): string[][] {
  for (const { unit, text } of units) {
    if (text === null) removeFile(unitPath(unit));
    else if (text !== readTextOrNull(unitPath(unit))) replaceOwnFile(unitPath(unit), text, UNIT_MODE);
  }
  const standing = places.flatMap(({ path, owner, mode }) => {
    const now = standingOf(path);
    return [
      ...(now === null || now.owner === owner ? [] : [['chown', '--', owner, path]]),
      // Another owner takes special bits away, so the mode comes last.
      ...(now === null || (now.mode === mode && now.owner === owner) ? [] : [['chmod', '--', mode.toString(8), path]]),
    ];
  });
  const off = enabled.filter(({ state }) => state === 'disabled').map(({ unit }) => unit);
  return [
    ...standing,
    ['systemctl', 'daemon-reload'],
    ...(off.length > 0 ? [['systemctl', 'disable', '--quiet', '--', ...off]] : []),
  ];
}
