/** Frames that a server should never get from its control plane: out of turn, for others, absurd, malformed, and thousands bent at random. */
import { decodeFromControlPlane } from '@countersign/protocol/agent-wire/codec';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import { digestOf } from '@countersign/protocol/digest';
import { damagedFrame } from '../../../control-plane/test/fleet/mutate-frames.ts';
import { seededRandom } from '../../../protocol/test/seeded-random.ts';
import type { HostileControlPlane } from '../../world/hostile-control-plane.ts';
import { draftOf, marking, type People, type Spoils, signedBy } from './spoils.ts';

const ACTION = 'act_00000000000z';
const thresholds = thresholdsSchema.parse({});

/** Frames that a server takes without a word, and that change nothing. */
export function quietFrames(
  plane: HostileControlPlane,
  { ada, grace }: People,
  { done, half, whole }: Spoils,
): Record<string, object> {
  const stop = (actionId: string) => ({ type: 'stop', actionId });
  const confirm = (actionId: string, signatures: object[] = []) => ({ type: 'confirm', actionId, signatures });
  const of = ({ plan }: Spoils['done']) => plan.request.action;
  const signatures = signedBy(digestOf(done.plan), ada, grace).flatMap(({ signature }) => signature ?? []);
  return {
    'a stop of what is over': stop(of(done)),
    'a stop of what waits': stop(of(half)),
    'a stop of what never was': stop(ACTION),
    'a confirmation of what is over': confirm(of(done)),
    'a confirmation of what waits, with the signatures of the plan': confirm(of(whole), signatures),
    'a confirmation of what never was': confirm(ACTION, signatures),
    'a call that nobody made, called off': { type: 'cancel', requestId: 'req_000000000000' },
    'everything acknowledged for ever': { type: 'acknowledge', seq: Number.MAX_SAFE_INTEGER },
    'alerts about everything': {
      type: 'settings',
      thresholds: {
        ...thresholds,
        diskUsedRatio: 0.1,
        memoryUsedRatio: 0.1,
        load1PerCpu: 0.1,
        certificateDays: 365,
        forSeconds: 0,
      },
    },
    'alerts about nothing': {
      type: 'settings',
      thresholds: { ...thresholds, diskUsedRatio: 1, forSeconds: 3600, offlineSeconds: 86_400 },
    },
    'a message of a level to come': { type: 'run', argv: ['touch', '/var/tmp/hostile-mark-run'] },
    'a checkpoint that is none': { type: 'checkpoint', note: 'countersign/checkpoint/v1\n9\n' },
    'ten thousand questions at once': { type: 'cancel', requestId: `req_${plane.server.id.slice(4)}` },
  };
}

/** Frames after which the connection ends, and another one comes. */
export function endingFrames(): Record<string, string | Buffer> {
  const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  return {
    'a frame twice as large as any': JSON.stringify({ type: 'checkpoint', note: 'x'.repeat(2 * 1024 * 1024) }),
    'bytes instead of text': Buffer.from('{"type":"stop","actionId":"act_000000000000"}'),
    'no JSON': '{"type":"dispatch"',
    'two hundred thousand lists in each other': `{"type":"settings","thresholds":${nested}}`,
    'a second welcome': JSON.stringify({
      ...{ type: 'welcome', serverId: 'srv_zzzzzzzzzzzz', serverName: 'other', clock: 0, heartbeatMs: 1, thresholds },
    }),
    'thresholds out of bounds': JSON.stringify({ type: 'settings', thresholds: { ...thresholds, diskUsedRatio: -1 } }),
    'turned away as revoked': JSON.stringify({ type: 'turned_away', fault: { code: 'server_revoked', slots: {} } }),
  };
}

/** A valid message of each type that may come in a session. */
function validMessages(plane: HostileControlPlane, spoils: Spoils): FromControlPlane[] {
  const requestId = 'req_000000000000';
  const { plan, approvals } = spoils.half;
  return [
    { type: 'challenge', level: 2, nonce: 'A'.repeat(43), key: plane.key.publicKey, signature: 'A'.repeat(86) },
    { type: 'welcome', serverId: plane.server.id, serverName: 'x', clock: 0, heartbeatMs: 1, thresholds },
    { type: 'turned_away', fault: { code: 'server_revoked', slots: {} } },
    { type: 'observe', requestId, capability: 'unit.state', parameters: { unit: 'nginx' }, timeoutMs: 1000 },
    { type: 'preview', requestId, draft: draftOf(plane, [marking('fuzz')]), timeoutMs: 1000 },
    { type: 'cancel', requestId },
    { type: 'dispatch', grant: plane.grant(plan, approvals) },
    { type: 'stop', actionId: plan.request.action },
    { type: 'acknowledge', seq: 0 },
    { type: 'settings', thresholds },
    {
      type: 'lock_changes',
      changes: [
        {
          change: {
            format: 'countersign-lock-change/1',
            before: 'a'.repeat(64),
            at: 0,
            change: { kind: 'disable', secret: 'x'.repeat(30) },
          },
          signatures: [],
        },
      ],
    },
    {
      type: 'confirm',
      actionId: plan.request.action,
      signatures: approvals.flatMap(({ signature }) => signature ?? []),
    },
    { type: 'checkpoint', note: 'countersign/checkpoint/v1\n9\n' },
    { type: 'ask_witness', requestId, timeoutMs: 1000 },
  ];
}

/**
 * So many bent frames of each message: those that leave the connection as it is. What ends it is told by {@link endingFrames}, and
 * tried by thousands where a link comes back faster (agent/test/link).
 */
export function bentFrames(
  plane: HostileControlPlane,
  spoils: Spoils,
  { seed, each }: { seed: number; each: number },
): string[] {
  const random = seededRandom(seed);
  return validMessages(plane, spoils).flatMap((message) => {
    const frames: string[] = [];
    for (let tries = 0; frames.length < each && tries < 100 * each; tries += 1) {
      const frame = damagedFrame(random.next, [message]);
      if (staysOpen(frame)) frames.push(frame);
    }
    return frames;
  });
}

const endsTalk = new Set(['challenge', 'welcome', 'turned_away']);

function staysOpen(frame: string): boolean {
  const decoded = decodeFromControlPlane(frame);
  if (decoded.outcome === 'ok') return !endsTalk.has(decoded.message.type);
  if (decoded.outcome === 'not_at_this_level') return true;
  return (
    /"requestId":"req_[0-9a-z]{12}"/.test(frame) || /"type":"dispatch".*?"actionId":"act_[0-9a-z]{12}"/.test(frame)
  );
}
