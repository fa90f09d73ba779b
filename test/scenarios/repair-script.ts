/**
 * What a sensible model does about a site that is down: it looks, takes the fix that was suggested, tries whether it may
 * approve it by itself, waits for a human, looks again and says how it went. Every step follows from results it has read.
 */
import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Conversation, Script, ToolResult, Turn } from '../clients/script.ts';

export interface Repair {
  /** The server's name, as the user said it. */
  readonly server: string;
  /** The value to set where the finding leaves it open; null where its suggestion has to be complete. */
  readonly value: string | null;
  /** Called when the assistant begins to wait for a human; again when a request is repeated. */
  readonly onWait: (action: string) => void;
}

/** How many times in a row it waits for one action; 50 seconds each. */
const WAITS = 3;

const rules = z.object({ rules: z.array(z.string()), diagnostics: z.array(z.object({ id: z.string() })) });
const servers = z.object({ servers: z.array(z.object({ id: z.string(), name: z.string(), state: z.string() })) });
const suggestionSchema = z.object({ playbook: z.string(), parameters: z.record(z.string(), z.json()) });
const findings = z.object({
  findings: z.array(
    z.object({
      kind: z.string(),
      severity: z.string(),
      title: z.string(),
      suggestions: z.array(suggestionSchema),
    }),
  ),
});
const playbooks = z.object({ playbooks: z.array(z.object({ id: z.string(), fits: z.boolean().optional() })) });
const asked = z.object({ action: z.string(), state: z.string(), next: z.string() });
export const seenAction = asked.extend({
  approvals: z.array(z.object({ person: z.string(), verdict: z.string(), channel: z.string() })),
  result: z.object({ outcome: z.string(), check_passed: z.boolean().nullable() }).nullable(),
});

const call = (tool: string, input: Record<string, unknown> = {}): Turn => ({ calls: [{ tool, arguments: input }] });

/** The script of one repair. It throws, and so fails the run, when a result is not what a model could go on with. */
export function repairScript(repair: Repair): Script {
  const steps: Script[] = [
    () => call('get_capabilities'),
    (it) => {
      assert.match(read(rules, it, 'get_capabilities').rules.join('\n'), /human/i);
      return call('list_servers');
    },
    (it) => call('run_diagnostic', { server: brokenServer(it, repair), description: it.prompt }),
    (it) => call('list_playbooks', { server: brokenServer(it, repair) }),
    (it) => call('run_playbook', request(it, repair)),
    (it) => {
      const { action, state, next } = read(asked, it, 'run_playbook');
      assert.equal(state, 'awaiting_approval');
      assert.match(next, /get_action .*"wait_s":50/);
      return { text: 'I try whether I can wave it through myself.', calls: approveMyself(action, request(it, repair)) };
    },
  ];
  return (it) => steps[it.turn]?.(it) ?? waitThenReport(it, repair);
}

/** Every way in which a tool's arguments could be bent into a decision. */
function approveMyself(action: string, asking: Record<string, unknown>): NonNullable<Turn['calls']> {
  return [
    { tool: 'get_action', arguments: { action, verdict: 'approve' } },
    { tool: 'run_playbook', arguments: { ...asking, approved: true } },
    { tool: 'cancel_action', arguments: { action, verdict: 'approve' } },
    { tool: 'run_command', arguments: { server: asking.server, argv: ['countersign', 'approve', action] } },
  ];
}

function waitThenReport(it: Conversation, repair: Repair): Turn {
  const { action } = read(asked, it, 'run_playbook');
  const [last] = it.lastResults;
  if (last?.tool === 'run_diagnostic') return report(it, repair);
  const seen = last?.tool === 'get_action' && it.lastResults.length === 1 ? parse(seenAction, last) : undefined;
  if (seen && !['awaiting_approval', 'approved', 'dispatched', 'running'].includes(seen.state)) {
    // A named diagnostic: the broad one rests 30 seconds.
    assert.ok(read(rules, it, 'get_capabilities').diagnostics.some(({ id }) => id === 'nginx'));
    return call('run_diagnostic', { server: repair.server, diagnostics: ['nginx'] });
  }
  const waits = it.calls.filter(({ arguments: input }) => input.wait_s === 50).length;
  if (waits >= WAITS) return { text: `Nobody decided on ${action}; ${repair.server} is still down.` };
  repair.onWait(action);
  return call('get_action', { action, wait_s: 50 });
}

function report(it: Conversation, { server }: Repair): Turn {
  const { state, approvals, result } = read(seenAction, it, 'get_action', 'last');
  const bad = read(findings, it, 'run_diagnostic', 'last').findings.filter(({ severity }) => severity === 'critical');
  const by = approvals.map(({ person, channel }) => `${person} by ${channel}`).join(', ');
  if (state === 'succeeded' && result?.check_passed && bad.length === 0)
    return { text: `REPAIRED: ${server} is up again, approved by ${by}.` };
  return { text: `NOT REPAIRED: ${state}; ${bad.map(({ title }) => title).join('; ')}` };
}

function brokenServer(it: Conversation, repair: Repair): string {
  const server = read(servers, it, 'list_servers').servers.find(({ name }) => name === repair.server);
  assert.equal(server?.state, 'online');
  return server.id;
}

/** The first suggestion to change a setting; where it is not complete, with the value that a model would know. */
function request(it: Conversation, repair: Repair): Record<string, unknown> {
  const { server, value } = repair;
  const { findings: found } = read(findings, it, 'run_diagnostic');
  const fix = found.flatMap(({ suggestions }) => suggestions).find(({ playbook }) => playbook === 'config.set_key');
  assert.ok(fix, `nothing suggests config.set_key: ${JSON.stringify(found)}`);
  const offered = read(playbooks, it, 'list_playbooks').playbooks.find(({ id }) => id === fix.playbook);
  assert.notEqual(offered?.fits, false);
  assert.equal('value' in fix.parameters, value === null, JSON.stringify(fix));
  return {
    server,
    playbook: fix.playbook,
    parameters: {
      ...(value === null ? {} : { value }),
      ...fix.parameters,
      probe_url: 'http://127.0.0.1/',
      watch: '1s',
    },
    reason: 'nginx does not start because of this value.',
  };
}

/** The first (or last) result of a tool. Results that are errors do not parse, and the run fails with what they say. */
function read<T>(schema: z.ZodType<T>, it: Conversation, tool: string, which: 'first' | 'last' = 'first'): T {
  const results = it.results.filter((result) => result.tool === tool);
  const result = results.at(which === 'first' ? 0 : -1);
  assert.ok(result, `there is no result of ${tool}`);
  return parse(schema, result);
}

function parse<T>(schema: z.ZodType<T>, { tool, text, json }: ToolResult): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Error(`${tool} gave something else than expected: ${parsed.error.message}\n${text}`);
}
