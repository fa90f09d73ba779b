/**
 * The four messages of a connection's beginning: open, challenge, hello, welcome or turned_away. The control plane proves
 * itself with the key that was pinned at install before it is told anything, the enrolment token above all.
 * Source: design.md, section 5; threat T2.
 */
import { type Clock, type ErrorCode, errorCodes, Fault, fault, type Ids } from '@countersign/protocol';
import { encode } from '@countersign/protocol/agent-wire/frame';
import { LEVEL, OLDEST_LEVEL } from '@countersign/protocol/agent-wire/level';
import type { FromAgent, FromControlPlane, WireFault } from '@countersign/protocol/agent-wire/messages';
import { controlPlaneProof, linkProof } from '@countersign/protocol/agent-wire/proofs';
import { type SigningKey, signValue, verifyValue } from '@countersign/protocol/signing';
import { failPoint } from '../fail-points.ts';
import { decodeFrame } from './decode.ts';
import type { Wire } from './dial.ts';

export type Welcome = Extract<FromControlPlane, { type: 'welcome' }>;
type Challenge = Extract<FromControlPlane, { type: 'challenge' }>;
/** What the agent says of itself. */
export type Introduction = Omit<Extract<FromAgent, { type: 'hello' }>, 'type' | 'signature' | 'clock'>;

export interface HandshakeOptions {
  readonly wire: Wire;
  readonly key: SigningKey;
  readonly controlPlaneKey: string;
  readonly clock: Clock;
  readonly ids: Pick<Ids, 'secret'>;
  /** Asked for while the control plane proves itself, which costs no time then; what it says is sent to nobody else. */
  readonly introduce: () => Promise<Introduction>;
}

/** Who answers is not the control plane that was pinned at install, or no control plane at all. */
export class NotOurControlPlane extends Error {
  override readonly name = 'NotOurControlPlane';
}

/** The control plane turned us away; the fault says why. */
export class TurnedAway extends Error {
  override readonly name = 'TurnedAway';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

const HANDSHAKE_MS = 20_000;

/** How a handshake ended well. `skewMs`: how far this clock is ahead of the control plane's. */
export interface Welcomed {
  readonly welcome: Welcome;
  readonly skewMs: number;
}

/**
 * Shakes hands. Afterwards nobody listens to the wire: what comes is held for the session. Rejects with
 * {@link NotOurControlPlane}, {@link TurnedAway} or an error that says that the connection ended; the wire is closed then.
 */
export function handshake(options: HandshakeOptions): Promise<Welcomed> {
  const { wire, clock } = options;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      cancel();
      wire.listen(null);
      wire.close(1008, error instanceof Error ? error.message : 'the handshake failed');
      reject(error);
    };
    const cancel = clock.after(HANDSHAKE_MS, () => fail(new Error('no welcome within 20 s')));
    const talk = new Talk(options, fail);
    wire.listen({
      onLife: () => undefined,
      onFrame: (frame) => {
        try {
          const welcomed = talk.take(frame);
          if (welcomed === null) return;
          cancel();
          wire.listen(null);
          resolve(welcomed);
        } catch (error) {
          fail(error);
        }
      },
      onClose: (why) => fail(new Error(why)),
    });
    talk.open();
  });
}

/** The conversation, one frame at a time. */
class Talk {
  readonly #options: HandshakeOptions;
  readonly #opened: Extract<FromAgent, { type: 'open' }>;
  readonly #fail: (error: unknown) => void;
  #challenged = false;
  #introduced: Promise<Introduction> | undefined;
  /** On the monotonic clock; `null` before the hello. */
  #helloAt: number | null = null;

  constructor(options: HandshakeOptions, fail: (error: unknown) => void) {
    this.#options = options;
    this.#fail = fail;
    const nonce = options.ids.secret('');
    this.#opened = { type: 'open', oldest: OLDEST_LEVEL, newest: LEVEL, nonce, publicKey: options.key.publicKey };
  }

  open(): void {
    this.#options.wire.send(encode(this.#opened));
    this.#introduction().catch(() => undefined); // heard of when it is to be said
  }

  #introduction(): Promise<Introduction> {
    this.#introduced ??= this.#options.introduce();
    return this.#introduced;
  }

  /** Takes one frame. Returns the welcome when it has come. Throws what ends the conversation. */
  take(frame: string): Welcomed | null {
    const decoded = decodeFrame(frame);
    if (decoded.outcome !== 'ok') throw new NotOurControlPlane('what answers does not speak our language');
    const { message } = decoded;
    if (message.type === 'turned_away') throw new TurnedAway(faultOf(message.fault));
    if (message.type === 'challenge' && !this.#challenged) {
      this.#challenged = true;
      this.#answer(message).catch(this.#fail);
      return null;
    }
    if (message.type !== 'welcome' || this.#helloAt === null)
      throw new NotOurControlPlane(`${message.type} came out of turn`);
    const { clock } = this.#options;
    // Half the way on the clock that nobody sets: the other one may be set between the two frames (fault F14).
    failPoint('link.handshake.after_welcome');
    const sinceMs = (clock.monotonic() - this.#helloAt) / 2;
    return { welcome: message, skewMs: clock.now() - sinceMs - message.clock };
  }

  async #answer(challenge: Challenge): Promise<void> {
    const { wire, key, controlPlaneKey, clock } = this.#options;
    const proof = controlPlaneProof(this.#opened, challenge);
    if (
      challenge.key !== controlPlaneKey ||
      !verifyValue('control-plane-hello', proof, challenge.signature, controlPlaneKey)
    )
      throw new NotOurControlPlane('the control plane could not prove that it holds the key pinned at install');
    if (challenge.level < OLDEST_LEVEL || challenge.level > LEVEL)
      throw new NotOurControlPlane(`level ${challenge.level} was never offered`);
    const introduction = await this.#introduction();
    const signature = signValue('link-hello', linkProof(this.#opened, challenge), key.seed);
    this.#helloAt = clock.monotonic();
    failPoint('link.handshake.before_hello');
    wire.send(encode({ type: 'hello', ...introduction, signature, clock: clock.now() }));
  }
}

function faultOf({ code, slots }: WireFault): Fault {
  const known = (errorCodes as readonly string[]).includes(code);
  return known ? new Fault(code as ErrorCode, slots) : fault('internal', { reference: code });
}
