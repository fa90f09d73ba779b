/** The data types of SSH, as keys and the agent speak them. Source: RFC 4251, section 5; RFC 8709 (ssh-ed25519). */

export const ED25519_TYPE = 'ssh-ed25519';

/** The bytes are not what they should be. Thrown by {@link SshReader}; whoever reads says it in words. */
export class SshFormatError extends Error {
  override readonly name = 'SshFormatError';
}

/** Reads numbers and strings one after the other. Throws {@link SshFormatError} where the bytes end too early. */
export class SshReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** A string: its length, then that many bytes. */
  string(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.string().toString('utf8');
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new SshFormatError('it ends too early');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

export function sshUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([sshUint32(bytes.length), bytes]);
}

/** The public key blob of an Ed25519 key, from our text form. */
export function sshBlob(key: string): Buffer {
  const raw = Buffer.from(key.slice('ed25519:'.length), 'base64url');
  return Buffer.concat([sshString(ED25519_TYPE), sshString(raw)]);
}

/** Our text form of a public key blob; null when it is a key of another kind. */
export function keyOfBlob(blob: Buffer): string | null {
  const reader = new SshReader(blob);
  if (reader.text() !== ED25519_TYPE) return null;
  const raw = reader.string();
  return raw.length === 32 ? `ed25519:${raw.toString('base64url')}` : null;
}
