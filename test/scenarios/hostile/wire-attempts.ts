/** Frames that a server should never get from its control plane: out of turn, for others, absurd, malformed, and thousands bent at random. */
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { digestOf } from '@countersign/protocol/digest';
import { goesOnAfter, messagesWith } from '../../../agent/test/link/control-plane-frames.ts';
import { damagedFrame } from '../../../control-plane/test/fleet/mutate-frames.ts';
import { seededRandom } from '../../../protocol/test/seeded-random.ts';
import type { HostileControlPlane } from '../../world/hostile-control-plane.ts';
import { draftOf, marking, type People, type Spoils, signedBy } from './spoils.ts';

const ACTION = 'act_00000000000z';
const thresholds = thresholdsSchema.parse({});

/** Frames that a server takes without a word, and that change nothing. */
export function quietFrames({ ada, grace }: People, { done, half, whole }: Spoils): Record<string, object> {
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

/**
 * So many bent frames of each message: those that leave the connection as it is. What ends it is told by {@link endingFrames}, and
 * tried by thousands where a link comes back at once (agent/test/link/frames.test.ts).
 */
export function bentFrames(
  plane: HostileControlPlane,
  { half: { plan, approvals } }: Spoils,
  { seed, each }: { seed: number; each: number },
): string[] {
  const random = seededRandom(seed);
  return messagesWith(plane.grant(plan, approvals), draftOf(plane, [marking('fuzz')])).flatMap((message) => {
    const frames: string[] = [];
    for (let tries = 0; frames.length < each && tries < 100 * each; tries += 1) {
      const frame = damagedFrame(random.next, [message]);
      if (goesOnAfter(frame)) frames.push(frame);
    }
    return frames;
  });
}
