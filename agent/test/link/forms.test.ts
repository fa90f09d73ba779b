/** The forms that a link goes by, against the schemas that they are made of: bent messages by the thousand. COUNTERSIGN_TEST_SEED gives a run again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { fromControlPlaneSchema } from '@countersign/protocol/agent-wire/messages';
import { type Form, fits } from '@countersign/protocol/form';
import { makeSigningKey } from '@countersign/protocol/signing';
import type { z } from 'zod';
import { damagedFrame, validMessages } from '../../../control-plane/test/fleet/mutate-frames.ts';
import { approver, lockOf } from '../../../protocol/test/approvers.ts';
import { seededRandom } from '../../../protocol/test/seeded-random.ts';
import * as ahead from '../../src/ahead.ts';
import { plainSettings } from '../../src/config.ts';
import { SettingsProblem } from '../../src/host/settings-text.ts';
import { defaultPolicy, summaryOf } from '../../src/run/local-policy.ts';
import * as schemas from '../../src/schemas.ts';
import { parseSettingsFile } from '../../src/settings.ts';
import { command, draftOf, grantOf, SERVER } from '../run/bed.ts';
import { messagesWith } from './control-plane-frames.ts';

const TIMES = 20_000;
const seed = Number(process.env.COUNTERSIGN_TEST_SEED ?? Math.floor(performance.timeOrigin % 2 ** 31));
const key = makeSigningKey();
const at = 1;
const requestId = 'req_000000000000';
const actionId = 'act_000000000000';

const about = {
  root: true,
  policy: summaryOf(defaultPolicy),
  policyProblem: null,
  journalHead: 'a'.repeat(64),
  witnessKey: key.publicKey,
  witnessed: { size: 3, head: 'b'.repeat(64), at },
  running: [actionId],
};
const draft = draftOf([command('one', 'true')]);
const plan = { ...draft, preview: { steps: [], witness: [], predictable: true } };
const grant = grantOf({ clock: systemClock as never, key }, plan);
const alert = { kind: 'disk', key: '/', severity: 'warning', title: 'full' };

const fromRunner: readonly object[] = [
  { type: 'about', requestId, about },
  { type: 'observed', requestId, result: { findings: [{ severity: 'info' }] } },
  { type: 'certificates', requestId, certificates: [{ path: '/etc/a.pem', endsAt: at }] },
  ...validMessages.flatMap((message): object[] => {
    if ('seq' in message && message.type !== 'alert') {
      const { type, seq: _, ...rest } = message;
      return [{ type: 'report', report: { kind: type, ...rest } }];
    }
    if (message.type === 'countersigned') return [{ ...message, requestId }];
    return /^(previewed|step|output|request_failed)$/.test(message.type) ? [message] : [];
  }),
];
const kept = validMessages.flatMap((message) => ('seq' in message ? [{ key: 'k', message }] : []));

/** What a link meets, by the form that it goes by. All of it has to fit: else an idle link loads the schemas. */
const met: Readonly<Record<string, { form: Form; schema: z.ZodType; messages: readonly object[] }>> = {
  'frames of the control plane': {
    form: ahead.frameForm,
    schema: fromControlPlaneSchema,
    messages: messagesWith(grant, draft).filter(({ type }) => type !== 'lock_changes'),
  },
  'lines of the runner': { form: ahead.runnerLineForm, schema: schemas.fromRunnerSchema, messages: fromRunner },
  'what the runner said last': {
    form: ahead.keptAboutForm,
    schema: schemas.keptAboutSchema,
    messages: [{ stamp: '1 2', about }],
  },
  'lines of the outbox': {
    form: ahead.outboxLineForm,
    schema: schemas.outboxLineSchema,
    messages: [...kept, { acknowledged: 3 }, { next: 4 }, { dropped: 2 }],
  },
  'alerts that fire': {
    form: ahead.watchStateForm,
    schema: schemas.watchStateSchema,
    messages: [{ firing: [] }, { firing: [alert] }],
  },
  'who the server is': {
    form: ahead.identityForm,
    schema: schemas.identitySchema,
    messages: [{ serverId: SERVER.id, serverName: SERVER.name, publicKey: key.publicKey }],
  },
  'its key': { form: ahead.keyForm, schema: schemas.keySchema, messages: [key] },
};

for (const [what, { form, schema, messages }] of Object.entries(met)) {
  test(`when ${what} are as ever, they fit their form`, () => {
    for (const message of messages) assert.ok(fits(form, JSON.parse(JSON.stringify(message))), JSON.stringify(message));
  });

  test(`T1 F16: when ${what} are bent, those that fit their form are what the schema makes of them (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const bounds = boundsOf(form);
    for (let n = 0; n < TIMES; n += 1) {
      // Of small messages hardly one survives the bending: each is compared as it is too.
      const value = structuredClone(messages[n]) ?? bent(damagedFrame(random.next, messages), random, bounds);
      if (!fits(form, value)) continue;
      const parsed = schema.safeParse(structuredClone(value));
      assert.ok(parsed.success, `fits, and the schema refuses it: ${JSON.stringify(value).slice(0, 2000)}`);
      assert.deepEqual(parsed.data, value);
    }
  });
}

test('when a server is locked or its owner declared commands, what the runner says is left to the schema', () => {
  const locked = { ...about, policy: { ...about.policy, lock: lockOf([approver('Ada')]) } };
  const line = { type: 'about', requestId, about: locked };
  assert.equal(fits(ahead.runnerLineForm, line), schemas.fromRunnerSchema.safeParse(line).success);
});

const names = ['url', 'tls_pin', 'ca_file', 'proxy', 'state_dir', 'runner_socket', 'policy_file', 'control_plane_key'];
const words = [
  ...[
    'https://cs.example.org',
    'https://cs.example.org:7070',
    'http://127.0.0.1:7070',
    'http://localhost:1',
    'https://a/',
  ],
  ...[
    'https://1.2.3.4.5',
    'http://127.999.0.1',
    'https://a:99999',
    'http://example.org',
    'https://a..b',
    'https://256.1.1.1',
  ],
  ...[
    '/etc/a',
    '/etc/../a',
    'etc',
    `sha256//${'A'.repeat(43)}=`,
    key.publicKey,
    'ed25519:x',
    'http://proxy:3128',
    '',
    'a b',
  ],
];
const odd = [
  '# said',
  '',
  ' ',
  '---',
  'a: b',
  '# \u0007',
  'url: https://x',
  '{}',
  '%YAML 1.2',
  'url: "a\\n"',
  '#',
  '\t',
];

test(`when settings can be read without a parser of YAML, they are what the parser makes of them (seed ${seed})`, () => {
  const random = seededRandom(seed);
  let read = 0;
  for (let n = 0; n < 5000; n += 1) {
    const lines = [`control_plane_key: "${key.publicKey}"`, `url: "${random.pick(words)}"`];
    for (let more = random.int(4); more > 0; more -= 1)
      lines.push(random.next() < 0.2 ? random.pick(odd) : `${random.pick(names)}: "${random.pick(words)}"`);
    const text = `${lines.join('\n')}\n`;
    const plain = plainSettings(text);
    if (plain === null) continue;
    read += 1;
    assert.deepEqual(parsedOrProblem(text), plain, text);
  }
  assert.ok(read > 300, `only ${read} were read`);
});

function parsedOrProblem(text: string): unknown {
  try {
    return parseSettingsFile(text, 'agent.yaml');
  } catch (error) {
    if (error instanceof SettingsProblem) return error.message;
    throw error;
  }
}

/** Every bound in a form, and both its neighbours. */
function boundsOf(form: Form): readonly number[] {
  const found = new Set([-1, 0, 1, 2 ** 53]);
  JSON.stringify(form, (_, value: unknown) => {
    if (typeof value === 'number') for (const near of [value - 1, value, value + 1]) found.add(near);
    return value;
  });
  return [...found];
}

/** A value out of a frame; now and then one of its leaves is at a bound. */
function bent(frame: string, random: ReturnType<typeof seededRandom>, bounds: readonly number[]): unknown {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return null; // nothing to judge
  }
  const places: { of: Record<string, unknown>; name: string }[] = [];
  JSON.stringify(value, function (this: Record<string, unknown>, name, member: unknown) {
    if (member === null || typeof member !== 'object') places.push({ of: this, name });
    return member;
  });
  const { of, name } = random.next() < 0.5 && places.length > 0 ? random.pick(places) : { of: null, name: '' };
  if (of === null || name === '') return value;
  const bound = random.pick(bounds);
  of[name] = typeof of[name] === 'string' && bound <= 2 ** 20 ? 'x'.repeat(Math.max(0, bound)) : bound;
  return value;
}
