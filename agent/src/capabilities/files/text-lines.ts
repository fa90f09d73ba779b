import { StringDecoder } from 'node:string_decoder';
import { KeyLines } from './key-lines.ts';

const LINE_MAX = 64 * 1024;

/**
 * Takes the pieces of a file and hands on its lines, numbered from 1, without their line breaks. Lines inside a private key are
 * blacked out here, since a range that begins in the middle of one shows nothing to know it by.
 */
export class TextLines {
  readonly #onLine: (line: string, number: number) => void;
  readonly #decoder = new StringDecoder('utf8');
  readonly #keys = new KeyLines();
  #rest = '';
  #count = 0;
  #keyLines = 0;

  constructor(onLine: (line: string, number: number) => void) {
    this.#onLine = onLine;
  }

  /** How many lines so far. */
  get count(): number {
    return this.#count;
  }

  /** How many of them were blacked out. */
  get keyLines(): number {
    return this.#keyLines;
  }

  add(piece: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(piece)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  end(): void {
    this.#rest += this.#decoder.end();
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #line(line: string): void {
    this.#count += 1;
    const hidden = this.#keys.hides(line);
    if (hidden) this.#keyLines += 1;
    this.#onLine(hidden ? '[redacted]' : line.slice(0, LINE_MAX).replace(/\r$/, ''), this.#count);
  }
}
