import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRisk } from '@countersign/protocol';
import { makeSigningKey } from '@countersign/protocol/signing';
import { commandAbuses } from '../../../control-plane/test/actions/command-abuses.ts';
import { approver, lockOf } from '../../../protocol/test/approvers.ts';
import { readingAbuses } from '../../../protocol/test/reading-commands/abuses.ts';
import { legitimate } from '../../../protocol/test/reading-commands/legitimate.ts';
import { judgePlan } from '../../src/run/judge-plan.ts';
import { parsePolicy, summaryOf } from '../../src/run/local-policy.ts';
import { riskHere } from '../../src/run/own-risk.ts';
import { verifyGrant } from '../../src/run/verify-grant.ts';
import { command, draftOf, grantOf, SERVER } from './bed.ts';
import { signedApproval } from './locked.ts';

const policyOf = (text: string) => parsePolicy(`mode: act\n${text}\n`, '/etc/countersign/policy.yaml');
const step = (capability: string, parameters: object, id = 'run') => ({
  id,
  capability: capability as never,
  parameters: parameters as never,
});
const reads = (argv: readonly string[]) => draftOf([step('command.read', { argv })], { risk: 'low' });

test('T1: when a hostile control plane calls any of 13,000 abuses a command that only reads, the server refuses it', () => {
  const policy = policyOf('max_risk: critical\ncommands: true\nreading_commands: true\nread_roots: [/]');
  const abuses = [...readingAbuses(), ...commandAbuses()];
  assert.ok(abuses.length >= 13_000, `${abuses.length} abuses`);
  const carriedOut = abuses.filter((argv) => judgePlan(policy, reads(argv)) === null);
  assert.deepEqual(carriedOut, []);
});

test('when the owner switched reading commands on, the server takes what people type to look after it, and nothing while they are off', () => {
  const on = policyOf('reading_commands: true');
  const off = policyOf('commands: true');
  for (const line of legitimate) {
    assert.equal(judgePlan(on, reads(line.split(' '))), null, line);
    assert.match(judgePlan(off, reads(line.split(' ')))?.message ?? '', /reading_commands are off/);
  }
  assert.equal(judgePlan(on, draftOf([command('run', 'uptime')], { risk: 'high' }))?.code, 'commands_disabled');
  assert.equal(summaryOf(on).readingCommands, true);
});

const OWN = `max_risk: critical
commands:
  - { name: old_form, argv: [/usr/local/bin/old, --all] }
  - { name: wipe, argv: [/usr/local/bin/wipe], risk: critical }
  - name: clear_cache
    summary: Empties the cache of one site.
    argv: [/usr/local/bin/clear-cache, --depth, "{{depth}}", --, "{{site}}"]
    parameters:
      site: { type: choice, choices: [shop, blog], summary: Which. }
      depth: { type: integer, minimum: 1, maximum: 9, default: 2, summary: How deep. }
    risk: medium
    check: { argv: [/usr/local/bin/cache-is-empty, "{{site}}"] }
    undo: { argv: [/usr/local/bin/warm-cache, "{{site}}"] }
    timeout: 90s`;
const owns = policyOf(OWN);
const local = (name: string, parameters: object = {}, part = 'run') =>
  draftOf([step(`local.${part}`, { name, parameters })], { risk: 'low' });

test('when the owner declared a command, it may be asked for by its name with values that fit, and by no other', () => {
  assert.equal(judgePlan(owns, local('clear_cache', { site: 'shop' })), null);
  assert.equal(judgePlan(owns, local('clear_cache', { site: 'shop' }, 'check')), null);
  assert.equal(judgePlan(owns, local('old_form')), null);
  assert.equal(judgePlan(owns, draftOf([command('run', '/usr/local/bin/old', '--all')], { risk: 'high' })), null);
  assert.match(judgePlan(owns, local('clear_cache', { site: 'other' }))?.message ?? '', /parameters\.site/);
  assert.match(judgePlan(owns, local('clear_cache', { site: 'shop', depth: 99 }))?.message ?? '', /at most 9/);
  assert.match(judgePlan(owns, local('clear_cache', { site: 'shop', extra: 1 }))?.message ?? '', /no such parameter/);
  assert.match(judgePlan(owns, local('another'))?.message ?? '', /declares no command another/);
  assert.match(judgePlan(owns, local('old_form', {}, 'undo'))?.message ?? '', /declares no undo/);
  assert.match(
    judgePlan(policyOf('commands: true'), local('clear_cache', { site: 'shop' }))?.message ?? '',
    /declares no command/,
  );
});

test('when a declaration has parameters, its words with braces cannot be run word for word', () => {
  const words = ['/usr/local/bin/clear-cache', '--depth', '{{depth}}', '--', '{{site}}'];
  assert.match(
    judgePlan(owns, draftOf([command('run', ...words)], { risk: 'high' }))?.message ?? '',
    /only the commands that it names/,
  );
});

test('when a declaration bends its parameters, the policy is refused and says why', () => {
  const bad =
    (argv: string, more = '') =>
    () =>
      policyOf(`commands: [{ name: x, argv: ${argv}${more} }]`);
  assert.throws(
    bad('["{{a}}"]', ', parameters: {a: {type: path, summary: A.}}'),
    /program itself cannot be a parameter/,
  );
  assert.throws(bad('[/bin/x, "--site={{a}}"]', ', parameters: {a: {type: path, summary: A.}}'), /whole word/);
  assert.throws(bad('[/bin/x, "{{a}}"]'), /no parameter a is declared/);
  assert.throws(bad('[/bin/x]', ', check: {argv: [/bin/y, "{{b}}"]}'), /no parameter b is declared/);
  assert.throws(() => policyOf('commands: [{ name: run, argv: [/bin/x] }]'), /another name/);
  assert.throws(() => policyOf('commands: [{ name: x, argv: [/bin/x] }, { name: x, argv: [/bin/y] }]'), /same name/);
});

test('T16: when a value begins with a dash, it becomes no option of the command', () => {
  const open = policyOf('commands: [{ name: x, argv: [/bin/x, "{{a}}"], parameters: {a: {type: text, summary: A.}} }]');
  assert.match(judgePlan(open, local('x', { a: '--delete' }))?.message ?? '', /begins with a dash/);
  const counted = policyOf(
    'commands: [{ name: x, argv: [/bin/kill, "{{a}}"], parameters: {a: {type: integer, summary: A.}} }]',
  );
  assert.match(judgePlan(counted, local('x', { a: -1 }))?.message ?? '', /begins with a dash/);
  assert.equal(judgePlan(counted, local('x', { a: 7 })), null);
  const ended = policyOf(
    'commands: [{ name: x, argv: [/bin/x, --, "{{a}}"], parameters: {a: {type: text, summary: A.}} }]',
  );
  assert.equal(judgePlan(ended, local('x', { a: '--delete' })), null);
});

test('when hello tells of the commands of the owner, it tells how to ask for them and not what they start', () => {
  const told = summaryOf(owns).ownCommands ?? [];
  assert.deepEqual(
    told.map(({ name, risk, checks, undoes, timeoutMs }) => [name, risk, checks, undoes, timeoutMs]),
    [
      ['old_form', 'high', false, false, 60_000],
      ['wipe', 'critical', false, false, 60_000],
      ['clear_cache', 'medium', true, true, 90_000],
    ],
  );
  assert.equal(JSON.stringify(told).includes('/usr/local/bin'), false);
});

test('T1: when a command of the owner is declared critical, the server counts it so, by name and word for word, whatever the plan says', () => {
  const byName = local('wipe');
  const byWords = draftOf([command('run', '/usr/local/bin/wipe')], { risk: 'low' });
  assert.equal(planRisk(byName), 'low');
  assert.equal(riskHere(owns, byName), 'critical');
  assert.equal(riskHere(owns, byWords), 'critical');
  const capped = policyOf(OWN.replace('max_risk: critical', 'max_risk: high'));
  for (const plan of [byName, byWords])
    assert.match(judgePlan(capped, plan)?.message ?? '', /the risk is critical, and it allows high at most/);
});

test('T1: when a locked server asks for two signatures at critical risk, an own command that is declared critical needs both', () => {
  const [ada, bob] = [approver('Ada'), approver('Bob')];
  const key = makeSigningKey();
  const preview = { steps: [], witness: [], predictable: false };
  for (const plan of [local('wipe'), draftOf([command('run', '/usr/local/bin/wipe')], { risk: 'low' })]) {
    const verdict = (by: (typeof ada)[]) =>
      verifyGrant(
        grantOf({ clock: { now: () => Date.now() } as never, key }, { ...plan, preview }, (digest) => ({
          approvals: by.map((it) => signedApproval(it, digest)),
        })),
        {
          serverId: SERVER.id,
          serverName: SERVER.name,
          controlPlaneKey: key.publicKey,
          now: Date.now(),
          skewMs: 0,
          approvals: { atLeast: 0, channels: ['web'], strength: 'form' },
          lock: lockOf([ada, bob], { low: 1, critical: 2 }),
          commands: owns.commands,
        },
      ).fault;
    assert.match(verdict([ada])?.message ?? '', /2 of the holders .* risk critical, and Ada did/);
    assert.equal(verdict([ada, bob]), null);
  }
});
