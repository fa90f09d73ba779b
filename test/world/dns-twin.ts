/** A name server on the network of a test host: knows what it is told, and can fall silent. Over UDP, IPv4 addresses only. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

/** RFC 1035, 4.1.1. */
const NO_SUCH_NAME = 3;
/** The SOA record of the root that lets a resolver keep, for a minute, that there is no such name. RFC 2308, 3. */
const NOT_FOR_A_MINUTE = Buffer.from([
  ...[0, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0],
  ...[0, 0, 0, 1, 0, 0, 14, 16, 0, 0, 14, 16, 0, 0, 14, 16, 0, 0, 0, 60],
]);

export class DnsTwin implements AsyncDisposable {
  /** Names and their addresses. Others do not exist. */
  readonly names = new Map<string, string>();
  /** It takes questions and answers none. */
  silent = false;
  /** Every name that was asked for, in order. */
  readonly asked: string[] = [];
  readonly #socket = createSocket('udp4');

  /** Port 53 of an address of this machine. Rejects when another listens there. */
  static async start(address: string): Promise<DnsTwin> {
    const twin = new DnsTwin();
    twin.#socket.on('message', (question, from) => twin.#answer(question, from));
    twin.#socket.bind(53, address);
    await once(twin.#socket, 'listening');
    return twin;
  }

  #answer(question: Buffer, from: RemoteInfo): void {
    const labels: string[] = [];
    let at = 12;
    for (let length = question.readUInt8(at); length > 0; length = question.readUInt8(at)) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const name = labels.join('.').toLowerCase();
    this.asked.push(name);
    if (this.silent) return;
    const asks4 = question.readUInt16BE(at + 1) === 1;
    const address = this.names.get(name);
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8180 | (address === undefined ? NO_SUCH_NAME : 0), 2);
    head.writeUInt16BE(address !== undefined && asks4 ? 1 : 0, 6);
    head.writeUInt16BE(address === undefined ? 1 : 0, 8);
    head.writeUInt16BE(0, 10);
    const parts = [head, question.subarray(12, at + 5)];
    // A pointer to the question's name, type A, class IN, a minute to live.
    if (address !== undefined && asks4)
      parts.push(Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]));
    if (address === undefined) parts.push(NOT_FOR_A_MINUTE);
    this.#socket.send(Buffer.concat(parts), from.port, from.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
