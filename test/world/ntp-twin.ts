/** A time server on the network of a test host. It tells the true time, so that nobody's clock is moved, and can fall silent. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { writeTime } from '@countersign/agent/host/ntp-query';
import { systemClock } from '@countersign/protocol';

export class NtpTwin implements AsyncDisposable {
  /** It takes questions and answers none. */
  silent = false;
  readonly #socket = createSocket('udp4');

  /** Port 123 of an address of this machine. Rejects when another listens there. */
  static async start(address: string): Promise<NtpTwin> {
    const twin = new NtpTwin();
    twin.#socket.on('message', (question, from) => twin.#answer(question, from));
    twin.#socket.bind(123, address);
    await once(twin.#socket, 'listening');
    return twin;
  }

  /** RFC 5905, 7.3: a server of stratum 1, synchronised, which gives back the time stamp that it was sent. */
  #answer(question: Buffer, from: RemoteInfo): void {
    if (this.silent || question.length < 48) return;
    const now = systemClock.now();
    const answer = Buffer.alloc(48);
    answer.writeUInt8(0x24, 0); // no leap second, version 4, server
    answer.writeUInt8(1, 1);
    answer.writeUInt8(6, 2);
    answer.writeInt8(-20, 3);
    answer.write('TWIN', 12, 'latin1');
    writeTime(answer, now - 1000, 16);
    question.copy(answer, 24, 40, 48);
    writeTime(answer, now, 32);
    writeTime(answer, now, 40);
    this.#socket.send(answer, from.port, from.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
