/** The process behind `caller.ts`. It ends with its parent. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Assistant, connectAssistant } from '../world/assistants.ts';
import type { CallerOptions, ToCaller } from './caller.ts';
import { timings } from './statistics.ts';

/** Bounded by the tokens' own allowance, so that a long storm does not turn into a test of that. */
const CALLS_MAX = 5000;
const WARM = 20;

let assistants: readonly Assistant[] = [];
let server = '';
let isOver = false;
let calling: Promise<number[]> = Promise.resolve([]);

const read = async (n: number) =>
  assistants[n % assistants.length]?.call('read_file', { server, path: '/etc/hostname' });

async function connect(options: CallerOptions): Promise<number[]> {
  server = options.server;
  assistants = await Promise.all(options.tokens.map((token) => connectAssistant('v2', { url: options.url, token })));
  return [];
}

async function callUntilEnd(): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; !isOver && n < CALLS_MAX; n += 1) {
    taken.push(...(await timings(1, () => read(n))));
    await pause(10);
  }
  return taken;
}

async function answerTo(message: ToCaller): Promise<number[] | null> {
  switch (message.do) {
    case 'connect':
      return connect(message.options);
    case 'call':
      return timings(message.times, read, WARM);
    case 'begin':
      isOver = false;
      calling = callUntilEnd();
      return null;
    case 'end':
      isOver = true;
      return calling;
  }
}

process.on('message', async (message) => {
  const answer = await answerTo(message as ToCaller);
  if (answer !== null) process.send?.(answer);
});
process.on('disconnect', () => process.exit(0));
