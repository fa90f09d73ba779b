/**
 * Signing with the person's ssh-agent, so that the private key never leaves it. Ed25519 only.
 * Source: draft-miller-ssh-agent, sections 3 to 5 (messages 11 to 14 and 5).
 */
import { connect } from 'node:net';
import type { Clock } from '@countersign/protocol';
import { UsageError } from '../exit-codes.ts';
import { ED25519_TYPE, keyOfBlob, SshFormatError, SshReader, sshBlob, sshString, sshUint32 } from './ssh-wire.ts';

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const ANSWER_MAX = 256 * 1024;
/** An agent may ask its owner first (`ssh-add -c`), or wait for a touch. */
const ANSWER_WITHIN_MS = 120_000;

export interface AgentKey {
  readonly key: string;
  /** What its owner calls it: data, not proof. */
  readonly comment: string;
}

export interface SshAgent {
  /** The Ed25519 keys that it holds; keys of other kinds are passed over. */
  keys(): Promise<readonly AgentKey[]>;
  /** Signs bytes; returns 64 bytes in base64url. */
  sign(key: string, bytes: Buffer): Promise<string>;
}

/** The agent behind a Unix socket. Its methods reject with {@link UsageError} when it does not answer or refuses. */
export function sshAgent(socketPath: string, clock: Clock): SshAgent {
  const ask = (message: Buffer) => exchange(socketPath, message, clock).catch(inWords(socketPath));
  return {
    async keys() {
      const reader = await ask(Buffer.from([REQUEST_IDENTITIES]));
      if (reader.byte() !== IDENTITIES_ANSWER) throw refused('does not list its keys');
      return readKeys(reader);
    },
    async sign(key, bytes) {
      const message = [Buffer.from([SIGN_REQUEST]), sshString(sshBlob(key)), sshString(bytes), sshUint32(0)];
      const reader = await ask(Buffer.concat(message));
      if (reader.byte() !== SIGN_RESPONSE) throw refused('did not sign; it may be locked, or its owner said no');
      return readSignature(reader);
    },
  };
}

function readKeys(reader: SshReader): AgentKey[] {
  const found: AgentKey[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    const [blob, comment] = [reader.string(), reader.text()];
    const key = keyOfBlob(blob);
    if (key !== null) found.push({ key, comment });
  }
  return found;
}

function readSignature(reader: SshReader): string {
  const signature = new SshReader(reader.string());
  if (signature.text() !== ED25519_TYPE) throw refused('signed with a key of another kind');
  return signature.string().toString('base64url');
}

/** One message there, one back: a length of four bytes, then the message. */
function exchange(socketPath: string, message: Buffer, clock: Clock): Promise<SshReader> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let got: Buffer = Buffer.alloc(0);
    const cancel = clock.after(ANSWER_WITHIN_MS, () => socket.destroy(new SshFormatError('it takes too long')));
    const end = (outcome: SshReader | Error) => {
      cancel();
      socket.destroy();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    socket.on('data', (piece: Buffer) => {
      got = Buffer.concat([got, piece]);
      if (got.length < 4) return;
      const length = got.readUInt32BE();
      if (length > ANSWER_MAX) end(new SshFormatError('its answer is too long'));
      else if (got.length >= 4 + length) end(new SshReader(got.subarray(4, 4 + length)));
    });
    socket.on('error', end);
    socket.on('close', () => end(new SshFormatError('it hung up')));
    socket.write(sshString(message));
  });
}

function inWords(socketPath: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof SshFormatError) throw refused(`cannot be understood: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`No ssh-agent answers at ${socketPath} (${code}).`, 'Start one: eval "$(ssh-agent)"');
  };
}

const refused = (why: string) =>
  new UsageError(`The ssh-agent ${why}.`, 'Look at its keys with ssh-add -l, or use --key FILE.');
