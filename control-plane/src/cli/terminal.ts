/** The terminal: words out, answers in. Without a terminal nothing is coloured and nothing is asked. */
import { createInterface } from 'node:readline/promises';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { styleText } from 'node:util';
import { escapeDeceptive, stripControl } from '@countersign/protocol';
import { UsageError } from './exit-codes.ts';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export interface Terminal {
  /** A line for who runs the command; nothing of it can move the cursor. */
  say(line?: string): void;
  /** Exactly this, to standard output: JSON, NDJSON. */
  write(text: string): Promise<void>;
  /** A line beside the result, to standard error. */
  note(line: string): void;
  paint(style: Style, text: string): string;
  /** Asks for a line. Throws {@link UsageError} where nobody can answer. */
  ask(question: string, instead: string): Promise<string>;
  /** Asks for a secret: what is typed is not shown. */
  askHidden(question: string, instead: string): Promise<string>;
  /** All of standard input, without the last line break. */
  readAll(): Promise<string>;
}

export interface Streams {
  readonly input: Readable & { isTTY?: boolean };
  readonly output: Writable & { isTTY?: boolean };
  readonly errors: Writable;
}

export function terminal({ input, output, errors }: Streams, { colour }: { colour: boolean }): Terminal {
  const interactive = input.isTTY === true && output.isTTY === true;
  const needSomebody = (instead: string) => {
    if (!interactive) throw new UsageError('Nobody can be asked: this is no terminal.', instead);
  };
  const question = async (text: string, shown: Writable) => {
    const lines = createInterface({ input, output: shown, terminal: true });
    try {
      return await lines.question(text);
    } finally {
      lines.close();
    }
  };
  return {
    say: (line = '') => void output.write(`${colour ? line : stripControl(line)}\n`),
    write: (text) =>
      new Promise((resolve, reject) => output.write(text, (error) => (error ? reject(error) : resolve()))),
    note: (line) => void errors.write(`${colour ? line : stripControl(line)}\n`),
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    async ask(text, instead) {
      needSomebody(instead);
      return (await question(text, output)).trim();
    },
    async askHidden(text, instead) {
      needSomebody(instead);
      output.write(text);
      const answer = await question('', new PassThrough());
      output.write('\n');
      return answer;
    },
    async readAll() {
      let text = '';
      for await (const piece of input) text += String(piece);
      return text.replace(/\r?\n$/, '');
    },
  };
}

/** Columns as wide as what is in them; the last one takes what it needs. What could deceive the eye is shown escaped. */
export function columns(table: readonly (readonly string[])[]): string[] {
  const rows = table.map((row) => row.map(escapeDeceptive));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
  );
}
