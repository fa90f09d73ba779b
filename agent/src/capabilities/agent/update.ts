/**
 * Runs another version of the agent. What was approved is a package by its checksum: it is fetched and hashed before anything is
 * touched, unpacked beside the present version and tried. Then the server is told to go back by itself, and only then programs and
 * units are switched. That ends this runner; the next one, of whichever version, finds out how it went. Sources: install.sh,
 * docs/decisions/0017-agent-changes.md.
 */
import { delay, durationMs, type ParametersOf, type StepResult } from '@countersign/protocol';
import { z } from 'zod';
import type { ChangeContext, ChangePreview, Changer, ObserveContext } from '../capability.ts';
import { sayBytes } from '../report.ts';
import { resultOfCalls, runCalls } from '../run-calls.ts';
import {
  examine,
  installedVersion,
  linkConnected,
  linkVersion,
  ownVersion,
  refuse,
  requireInstalled,
  scriptOf,
} from './installed.ts';
import { isOlder, readOffer } from './offer.ts';

type Parameters = ParametersOf<'agent.update'>;

const memorySchema = z.object({ from: z.string() });

const STAGE_MS = 12 * 60_000;
const BACK_MIN_MS = 30_000;
const BACK_MAX_MS = 15 * 60_000;
/** A runner that lives takes it back itself, this much before the server's own timer. */
const EARLIER_MS = 20_000;
/** To be ended by the switch: systemd gives the runner five seconds. */
const REPLACED_MS = 60_000;
/** While the undo goes back, the timer stands behind it once more. */
const UNDO_BACK_S = '60';
const BACK_MS = 60_000;
const POLL_MS = 500;
/** The process that switches is the third one of the step. */
const SWITCH = 3;

export const agentUpdate: Changer<'agent.update'> = {
  predictable: true,
  undoAgain: true,
  preview: previewUpdate,
  async remember(_, context) {
    return { from: requireInstalled(context) };
  },
  async perform(parameters, memory, context) {
    const { from } = memorySchema.parse(memory);
    const calls = await runCalls(context, callsOf(parameters, from), { timeoutMs: STAGE_MS });
    // Once the switch has begun, only a runner that comes after it can tell; a server that goes down may have cut it off.
    if (calls.last?.exitCode !== 0 && installedVersion() === from)
      return resultOfCalls(calls, true, `${from} goes on.`);
    return awaitReplaced(context);
  },
  async undo({ version }, memory, context) {
    const { from } = memorySchema.parse(memory);
    const present = installedVersion();
    if (present !== from && present !== version)
      return { changed: false, exit_code: 0, summary: `Somebody installed ${present} meanwhile; it stays.` };
    if (present === version || ownVersion(context) !== from) return goBack(from, context);
    return isBack(from, context);
  },
  async recover(parameters, memory, context) {
    const { from } = memorySchema.parse(memory);
    if (ownVersion(context) === parameters.version) return proveItself(parameters, context);
    await context.processes.ended(SWITCH, context.onOutput);
    if (installedVersion() === parameters.version) return awaitReplaced(context);
    const summary =
      (await context.processes.ended(SWITCH)) === null
        ? `The runner was cut off, and ${from} goes on: either nothing was switched yet, or the server went back by itself after a reboot.`
        : `${parameters.version} did not prove itself in time, and the server went back to ${from} by itself.`;
    return { changed: true, exit_code: 1, summary };
  },
};

async function previewUpdate(parameters: Parameters, context: ObserveContext): Promise<ChangePreview> {
  const { version, sha256, allow_downgrade: downgrade, back_after: after } = parameters;
  const back = durationMs(after);
  if (back < BACK_MIN_MS || back > BACK_MAX_MS) throw refuse('back_after must be from 30s to 15m');
  const from = requireInstalled(context);
  const offer = await readOffer(from, context);
  if (offer === null) throw refuse('the control plane has no package for this machine');
  if (offer.version !== version || offer.sha256 !== sha256)
    throw refuse(`the control plane offers ${offer.version} with SHA-256 ${offer.sha256}, which is another package`);
  if (version === from) throw refuse(`${version} is installed already`);
  const older = isOlder(version, from);
  if (older && !downgrade) throw refuse(`${version} is older than ${from}, and allow_downgrade is not set`);
  return {
    preview: {
      argv: callsOf(parameters, from),
      diff: null,
      effects: [
        `The agent goes from ${from} to ${version}${older ? ', which is OLDER' : ''}.`,
        `The package has ${sayBytes(offer.bytes)} and SHA-256 ${sha256}. It comes from the control plane and runs as root; nothing else with this name is taken.`,
        'The new version is tried before anything is switched. Then link and runner are started anew, and the server is away for some seconds.',
      ],
      undo: `${from} is put back. The server does that by itself after ${after}, even when nothing of ${version} works, unless ${version} has connected and passed its examination.`,
    },
    witness: [
      { subject: 'agent', property: 'version', value: from },
      { subject: 'agent', property: 'package that is offered', value: `${offer.version} sha256:${offer.sha256}` },
    ],
  };
}

function callsOf(
  { version, sha256, allow_downgrade: downgrade, back_after: after }: Parameters,
  from: string,
): string[][] {
  const back = String(Math.round(durationMs(after) / 1000));
  return [
    scriptOf(from, '--stage', '--version', version, '--sha256', sha256, ...(downgrade ? ['--allow-downgrade'] : [])),
    armBack(from, back),
    scriptOf(from, '--switch', '--version', version),
  ];
}

const armBack = (version: string, seconds: string) =>
  scriptOf(version, '--arm-back', '--version', version, '--after', seconds);

/** Waits to be ended by the switch. To come back from here means that this runner was left as it is. */
async function awaitReplaced(context: ChangeContext): Promise<StepResult> {
  await delay(context.clock, REPLACED_MS, context.signal);
  return { changed: true, exit_code: 1, summary: 'The units were switched, but the runner was not started anew.' };
}

/** By the new runner: it stays when its link connects and it passes its examination, well before the server goes back by itself. */
async function proveItself({ version, back_after: after }: Parameters, context: ChangeContext): Promise<StepResult> {
  if (!(await connects(version, durationMs(after) - EARLIER_MS, context)))
    return { changed: true, exit_code: 1, summary: `The link of ${version} did not connect in time.` };
  const examined = await examine(context);
  context.onOutput(examined.stdout);
  if (examined.exitCode !== 0)
    return { changed: true, exit_code: 1, summary: `${version} connected, but did not pass its own examination.` };
  // The one thing here that is more than reading: from now on the server does not go back by itself.
  const kept = await context.exec({ argv: scriptOf(version, '--keep', '--version', version), timeoutMs: BACK_MS });
  if (kept.exitCode !== 0)
    return {
      changed: true,
      exit_code: 1,
      summary: `${version} works, but the timer that goes back could not be ended.`,
    };
  return { changed: true, exit_code: 0, summary: `${version} runs, is connected and passed its own examination.` };
}

async function connects(version: string, ms: number, context: ObserveContext): Promise<boolean> {
  const until = context.clock.monotonic() + ms;
  while (!((await linkVersion(context)) === version && (await linkConnected(context)))) {
    if (context.clock.monotonic() >= until) return false;
    await delay(context.clock, POLL_MS, context.signal);
  }
  return true;
}

/** Has systemd start what the timer would start, so that both never work at once. It ends this runner; the next one goes on. */
async function goBack(from: string, context: ChangeContext): Promise<StepResult> {
  const start = ['systemctl', 'start', '--no-block', '--', 'countersign-back.service'];
  const calls = await runCalls(context, [armBack(from, UNDO_BACK_S), start], { timeoutMs: BACK_MS });
  // A server that goes down starts nothing any more: the runner after the reboot begins this again, if the timer has not.
  const replaced = await awaitReplaced(context);
  return calls.last?.exitCode === 0 ? replaced : resultOfCalls(calls, true, `${from} is not back.`);
}

/** By a runner of the version before: whether that is whole again. What was never switched is. */
async function isBack(from: string, context: ChangeContext): Promise<StepResult> {
  if (!(await connects(from, BACK_MS, context)))
    return { changed: true, exit_code: 1, summary: `${from} is installed again, but its link does not connect.` };
  const calls = await runCalls(context, [scriptOf(from, '--keep', '--version', from)], { timeoutMs: BACK_MS });
  return resultOfCalls(calls, true, `${from} runs and is connected.`);
}
