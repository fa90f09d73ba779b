import {
  capability,
  fault,
  type Json,
  type ParametersOf,
  type StepResult,
  type WitnessFact,
} from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import { backupPath, keepBackup } from '../../host/backups.ts';
import type { ChangeContext, ChangePreview, Changer, ObserveContext } from '../capability.ts';
import {
  type FileChange,
  fileMemorySchema,
  performChange,
  previewChange,
  readTarget,
  rememberChange,
  requireContent,
  undoChange,
} from '../files/write-file.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import {
  CHECK_ARGV,
  loadArgv,
  presentRules,
  presentRulesParsed,
  RULES_FILE,
  rulesOf,
  whyNotWhole,
  whyRefused,
} from './nft.ts';
import { portsOf, readOutsideListeners } from './outside-listeners.ts';
import { reachOf } from './reachable-ports.ts';

type Parameters = ParametersOf<'firewall.apply'>;

const memorySchema = z.object({
  file: fileMemorySchema,
  /** Name of the backup that holds the rules that were in force. */
  rules: z.string(),
});

const FLUSH = 'flush ruleset\n';

/** Loads a whole ruleset and keeps it in its file. The rules that were in force come back as they were, whatever the file said. */
export const firewallApply: Changer<'firewall.apply'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const change = changeOf(parameters, context);
    requireWhole(parameters.ruleset);
    await requireAccepted(context, parameters.ruleset);
    await requireReturn(context);
    const file = await previewChange(change, context);
    return {
      preview: {
        argv: [[...CHECK_ARGV], loadArgv(RULES_FILE)],
        diff: file.preview.diff,
        effects: [...(await effectsOf(parameters.ruleset, context)), ...file.preview.effects].slice(0, 20),
        undo: `The rules that are in force now are loaded again, and ${RULES_FILE} gets its former content back.`,
      },
      witness: [...file.witness, await rulesWitness(context)],
    };
  },
  async remember(parameters, context) {
    const rules = keepBackup({ ...context, step: `${context.step}.rules` }, FLUSH + (await presentRules(context)));
    return { file: rememberChange(changeOf(parameters, context), context), rules } as unknown as Json;
  },
  async perform(parameters, memory, context) {
    requireWhole(parameters.ruleset);
    await requireAccepted(context, parameters.ruleset);
    await performChange(changeOf(parameters, context), memorySchema.parse(memory).file, context);
    return load(context, RULES_FILE, 'The new rules are in force.');
  },
  async undo(_, memory, context) {
    const { file, rules } = memorySchema.parse(memory);
    const loaded = await load(context, backupPath(context.stateDir, rules), 'The former rules are in force again.');
    // The file only counts at the next boot, so it comes second.
    const put = undoChange(file, context);
    return loaded.exit_code === 0 ? { ...put, summary: `${loaded.summary} ${put.summary}` } : loaded;
  },
  async recover(_, __, context) {
    const ended = await recoverCalls(context, 1);
    return ended && recoveredResult(ended, 'nft was to load the new rules.');
  },
};

function changeOf({ ruleset, expected_sha256: expected }: Parameters, context: ObserveContext): FileChange {
  const { path, stat, text } = readTarget(RULES_FILE, context);
  if (expected !== undefined) requireContent(RULES_FILE, text, expected);
  return { asked: RULES_FILE, path, stat, before: text, after: ruleset, shown: ruleset, validator: 'none' };
}

function requireWhole(ruleset: string): void {
  const reason = whyNotWhole(ruleset);
  if (reason !== null) throw refused(reason);
}

async function requireAccepted(context: ObserveContext, ruleset: string): Promise<void> {
  const reason = await whyRefused(context, ruleset);
  if (reason !== null) throw refused(reason);
}

/** Rules that other programs made may be beyond what nft can load again (iptables-nft with extensions): then nothing is begun. */
async function requireReturn(context: ObserveContext): Promise<void> {
  const reason = await whyRefused(context, FLUSH + (await presentRules(context)));
  if (reason !== null)
    throw fault('precondition_failed', { reason: `the rules in force could not be put back by nft (${reason})` });
}

const refused = (reason: string) => fault('validator_failed', { path: RULES_FILE, validator: 'nft', reason });

async function rulesWitness(context: ObserveContext): Promise<WitnessFact> {
  const rules = await presentRules(context, { stable: true });
  return { subject: 'firewall nftables', property: 'sha256', value: sha256(rules) };
}

async function load(context: ChangeContext, path: string, said: string): Promise<StepResult> {
  const { timeoutMs } = capability('firewall.apply');
  const failed = await startAll(context, [loadArgv(path)], { timeoutMs });
  return failed ?? { changed: true, exit_code: 0, summary: said };
}

/** Which listening ports the new rules close or open, and which tables of other programs go away. */
async function effectsOf(ruleset: string, context: ObserveContext): Promise<ChangePreview['preview']['effects']> {
  const [now, then] = [await presentRulesParsed(context), await rulesOf(context, ruleset)];
  const listeners = await readOutsideListeners(context);
  if (now === null || then === null || listeners === null)
    return ['Which listening ports it closes or opens cannot be told here: read the rules.'];
  const changed = portsOf(listeners, 'tcp')
    .map((port) => ({ port, was: reachOf(now, port), is: reachOf(then, port) }))
    .filter(({ was, is }) => was !== is);
  const named = (is: string) => changed.filter((one) => one.is === is).map(({ port }) => port);
  const sentences = [
    [named('closed'), 'New connections from outside are refused on'],
    [named('some'), 'Only some senders reach'],
    [named('open'), 'Everybody outside can reach'],
  ] as const;
  const gone = tablesOf(now).filter((table) => !tablesOf(then).includes(table));
  return [
    ...sentences.flatMap(([list, words]) =>
      list.length === 0
        ? []
        : [`${words} listening port${list.length === 1 ? '' : 's'} ${list.join(', ')}.`.slice(0, 500)],
    ),
    ...(changed.length === 0 ? ['No listening TCP port is closed or opened, as far as the rules tell.'] : []),
    ...(gone.length === 0 ? [] : [`Tables that are there now and go away: ${gone.join(', ')}.`.slice(0, 500)]),
    'Connections that exist go on or end as the new rules say.',
  ];
}

function tablesOf({ chains }: { readonly chains: readonly { family: string; table: string }[] }): string[] {
  return [...new Set(chains.map(({ family, table }) => `${family} ${table}`))];
}
