/** From what was asked for to a plan: a playbook, a command or a file. */

import { isRequired, type Playbook, renderPlan } from '@countersign/playbooks';
import {
  capability,
  confirmFor,
  escapeDeceptive,
  fault,
  misplacedSecret,
  type ParametersOf,
  type PlanDraft,
  planDraftSchema,
  problemsOf,
  redact,
  sayArgv,
  secretNamesIn,
  shorten,
} from '@countersign/protocol';
import { FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import { sha256 } from '@countersign/protocol/digest';
import { refusePlainSecret } from './refuse-plain-secret.ts';
import type { Wanted } from './wanted.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Room that a frame needs besides the plan: grant, approvals, signature, preview. */
const FRAME_ROOM = 64 * 1024;

/**
 * The plan for one server, not yet previewed. Throws `playbook_not_found`, `invalid_input` naming the field, `secret_parameter`,
 * `too_large` for a plan that no frame can carry.
 */
export function draftPlan(playbooks: ReadonlyMap<string, Playbook>, server: Named, wanted: Wanted): PlanDraft {
  const draft = draftOf(playbooks, server, wanted);
  refuseSecretElsewhere(draft);
  refuseLarge(draft, FRAME_BYTES_MAX - 4 * FRAME_ROOM);
  return draft;
}

/** Throws `secret_parameter` when a plan refers to a secret of the server where its value could be seen. */
function refuseSecretElsewhere({ steps, undo }: PlanDraft): void {
  for (const step of [...steps, ...undo]) {
    const parameter = misplacedSecret(step);
    if (parameter !== null) throw fault('secret_parameter', { parameter });
  }
}

/** Throws `too_large` when a plan has more bytes than `limit`; without one, than a dispatch can carry. */
export function refuseLarge(plan: object, limit: number = FRAME_BYTES_MAX - FRAME_ROOM): void {
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > limit) throw fault('too_large', { bytes, limit });
}

/** Names of the parameters that a person should look at: those that have a default and whose value is another. */
export function changedParameters(playbooks: ReadonlyMap<string, Playbook>, draft: PlanDraft): string[] {
  const defaults = defaultsOf(playbooks, draft);
  return Object.entries(draft.parameters)
    .filter(([name, value]) => defaults[name] !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[name]))
    .map(([name]) => name);
}

function defaultsOf(playbooks: ReadonlyMap<string, Playbook>, { source }: PlanDraft): Record<string, unknown> {
  if (source.kind === 'command') return { timeout_s: 60 };
  if (source.kind === 'file') return { validator: 'none' };
  const { parameters = {} } = playbooks.get(source.id) ?? {};
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([, parameter]) => !isRequired(parameter))
      .map(([name, parameter]) => [name, parameter.default]),
  );
}

function draftOf(playbooks: ReadonlyMap<string, Playbook>, server: Named, wanted: Wanted): PlanDraft {
  if (wanted.kind === 'command') return commandPlan(server, 'command.run', wanted);
  if (wanted.kind === 'reading') return commandPlan(server, 'command.read', wanted);
  if (wanted.kind === 'file') return filePlan(server, wanted);
  return renderPlan(playbookNamed(playbooks, wanted.playbook), { server, parameters: wanted.parameters });
}

/** Throws `playbook_not_found`. */
export function playbookNamed(playbooks: ReadonlyMap<string, Playbook>, id: string): Playbook {
  const playbook = playbooks.get(id);
  if (!playbook) throw fault('playbook_not_found', { playbook: id });
  return playbook;
}

const TITLE_WORDS = 160;

function commandPlan(
  server: Named,
  run: 'command.run' | 'command.read',
  wanted: ParametersOf<'command.run'>,
): PlanDraft {
  const { argv, cwd, timeout_s, stdin, environment } = wanted;
  if (redact(argv.join(' ')).count > 0) throw fault('secret_parameter', { parameter: 'argv' });
  if (stdin !== undefined && redact(stdin).count > 0) throw fault('secret_parameter', { parameter: 'stdin' });
  const variables = Object.entries(environment ?? {}).map(([name, value]) => `${name}=${value}`);
  if (variables.some((line) => redact(line).count > 0)) throw fault('secret_parameter', { parameter: 'environment' });
  const parameters = {
    argv,
    ...(cwd === undefined ? {} : { cwd }),
    timeout_s,
    ...(stdin === undefined ? {} : { stdin }),
    ...(environment === undefined ? {} : { environment }),
  };
  return parsed({
    server,
    source: { kind: 'command' },
    title: `Run ${escapeDeceptive(shorten(sayArgv(argv), TITLE_WORDS))} on ${server.name}`,
    risk: capability(run).risk,
    reversible: false,
    parameters,
    steps: [{ id: 'run', capability: run, parameters, timeout_ms: timeout_s * 1000 }],
    check: { probes: [], settle_ms: 0, stable_ms: 0 },
  });
}

function filePlan(server: Named, wanted: ParametersOf<'file.write'>): PlanDraft {
  const { path, content, expected_sha256, validator } = wanted;
  if (content.includes('[redacted]'))
    throw fault('invalid_input', {
      problems:
        'content: holds the mark [redacted], so writing it would destroy the secret in its place; change single keys with the playbook config.set_key',
    });
  if (!content.isWellFormed()) throw fault('invalid_input', { problems: 'content: is not well-formed text' });
  refusePlainSecret(content);
  const digest = sha256(content);
  const title = `${expected_sha256 === null ? 'Create' : 'Replace'} ${escapeDeceptive(shorten(path, TITLE_WORDS))} on ${server.name}`;
  return parsed({
    server,
    source: { kind: 'file' },
    title,
    risk: capability('file.write').risk,
    reversible: true,
    parameters: { path, expected_sha256, content_sha256: digest, bytes: Buffer.byteLength(content), validator },
    steps: [
      {
        id: 'write',
        capability: 'file.write',
        parameters: { path, content, expected_sha256, validator },
        timeout_ms: capability('file.write').timeoutMs,
      },
    ],
    check: {
      // With secrets in it, only the server can tell what the file will hold.
      probes: [
        {
          capability: 'file.state',
          parameters: { path },
          expect: secretNamesIn(content).length > 0 ? { kind: { is: 'file' } } : { sha256: { is: digest } },
        },
      ],
      settle_ms: 0,
      stable_ms: 0,
    },
  });
}

function parsed(draft: Omit<PlanDraft, 'format' | 'preconditions' | 'undo' | 'confirm'>): PlanDraft {
  const result = planDraftSchema.safeParse({
    format: 'countersign-plan/2',
    preconditions: [],
    undo: [],
    confirm: confirmFor({ steps: draft.steps, undo: [] }),
    ...draft,
  });
  if (!result.success) throw fault('invalid_input', { problems: problemsOf(result.error) });
  return result.data;
}
