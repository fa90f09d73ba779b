/** Frames that are nearly right: valid messages, damaged in structure or in bytes. The same seed makes the same frames. */

import type { Witness } from '@countersign/protocol';
import { LEVEL } from '@countersign/protocol/agent-wire/level';
import { type FromAgent, fromAgentSchema } from '@countersign/protocol/agent-wire/messages';
import { seededRandom } from '../../../protocol/test/seeded-random.ts';
import { ordinaryAgent, ordinaryReport, ordinarySample } from '../../../test/load/ordinary-agent.ts';
import { lockOf } from '../lock/locks.ts';

/** A source of numbers in [0, 1), the same for the same seed. */
export const seeded = (seed: number) => seededRandom(seed).next;

const at = Date.UTC(2026, 10, 20);
const actionId = 'act_000000000000';
const requestId = 'req_000000000000';
const step = { step: 'restart', state: 'done', exitCode: 0, startedAt: at, finishedAt: at, summary: 'done' } as const;

const kept = { size: 3, head: 'a'.repeat(64), at };
const witness: Witness = {
  ...{ format: 'countersign-witness/1', server: 'srv_000000000000', key: `ed25519:${'A'.repeat(43)}`, at },
  checkpoints: [kept],
  journal: {
    ...{ head: 'b'.repeat(64), lines: 7, broken: null },
    actions: [{ action: actionId, digest: 'c'.repeat(64), state: 'succeeded', at }],
  },
};

/** A valid message of each type. */
export const validMessages: readonly FromAgent[] = [
  { type: 'open', oldest: LEVEL, newest: LEVEL, nonce: 'A'.repeat(43), publicKey: `ed25519:${'A'.repeat(43)}` },
  {
    type: 'hello',
    serverId: 'srv_000000000000',
    enrolmentToken: `cse_${'A'.repeat(43)}`,
    signature: 'A'.repeat(86),
    clock: at,
    journalHead: null,
    witnessKey: witness.key,
    witnessed: kept,
    ...ordinaryAgent(),
    policy: { ...ordinaryAgent().policy, lock: lockOf() },
    capabilities: [...ordinaryAgent().capabilities],
  },
  { type: 'heartbeat', clock: at, sample: ordinarySample(at) },
  { type: 'observed', requestId, result: ordinaryReport('disk') as never },
  { type: 'previewed', requestId, preview: { steps: [], witness: [], predictable: true } },
  { type: 'request_failed', requestId, fault: { code: 'capability_failed', slots: { reason: 'no such unit' } } },
  { type: 'started', seq: 0, actionId, at },
  { type: 'refused', seq: 1, actionId, fault: { code: 'grant_expired', slots: {} }, at },
  { type: 'step', actionId, step: 'restart', phase: 'running', at },
  { type: 'output', actionId, step: 'restart', chunk: 0, text: 'hello\n', dropped: 0 },
  {
    type: 'finished',
    seq: 2,
    actionId,
    result: {
      outcome: 'succeeded',
      summary: 'done',
      steps: [step],
      check: { passed: true, readings: [{ capability: 'unit.state', passed: true, said: 'active', at }] },
      undo: { state: 'not_needed', steps: [] },
      startedAt: at,
      finishedAt: at,
      journalHead: 'a'.repeat(64),
    },
  },
  {
    type: 'alert',
    seq: 3,
    alert: { kind: 'disk', key: '/', state: 'firing', severity: 'warning', title: 'full', at },
  },
  { type: 'step', actionId, step: 'restart', phase: 'confirming', until: at, at },
  { type: 'policy', policy: { ...ordinaryAgent().policy, lock: lockOf() } },
  { type: 'countersigned', serverId: witness.server, ...kept, signature: 'A'.repeat(86) },
  { type: 'checkpoint_refused', fault: { code: 'checkpoint_contradicts', slots: { size: 2, kept: 3 } }, kept },
  { type: 'witness', requestId, witness: { witness, signature: 'A'.repeat(86) } },
];

const oddValues: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  '\u0000',
  '\ud800',
  '\u202egnp.exe',
  'x'.repeat(5000),
  [],
  [[[[[[]]]]]],
  {},
  { __proto__: { polluted: true } },
  { toString: 'no function' },
  ['__proto__', 'constructor'],
];

/** A damaged frame of one of these messages. */
export function damagedFrame(random: () => number, messages: readonly object[] = validMessages): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const message = structuredClone(pick(messages)) as unknown as Record<string, unknown>;
  const kind = random();
  if (kind < 0.6) {
    damage(message, pick, random);
    return JSON.stringify(message);
  }
  const text = JSON.stringify(message);
  const place = Math.floor(random() * text.length);
  if (kind < 0.7) return text.slice(0, place);
  if (kind < 0.8)
    return text.slice(0, place) + String.fromCharCode(Math.floor(random() * 0x10000)) + text.slice(place + 1);
  if (kind < 0.85) return `${'['.repeat(2000)}${text}`;
  if (kind < 0.9)
    return pick(['', ' ', 'null', '0', '"hello"', '[]', '{}', '{"type":1}', '{"type":"constructor"}', 'NaN']);
  return text + text;
}

function damage(value: Record<string, unknown>, pick: <T>(list: readonly T[]) => T, random: () => number): void {
  const names = Object.keys(value);
  const name = pick(names);
  const member = value[name];
  if (random() < 0.5 && member !== null && typeof member === 'object' && Object.keys(member).length > 0)
    damage(member as Record<string, unknown>, pick, random);
  else damageMember(value, name, pick, random());
}

function damageMember(
  value: Record<string, unknown>,
  name: string,
  pick: <T>(list: readonly T[]) => T,
  how: number,
): void {
  if (how < 0.3) delete value[name];
  else if (how < 0.8) value[name] = pick(oddValues);
  else value[pick(['extra', 'constructor', 'type', 'seq', 'actionId'])] = pick(oddValues);
}

/** Whether a frame is one that an agent may send: damage does not always break it. */
export function isValidFrame(frame: string): boolean {
  try {
    return fromAgentSchema.safeParse(JSON.parse(frame)).success;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
