/** Threads that look at the audit log side by side, each with a connection of its own. What they do not call whole is looked at again. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { WholeSpan } from './whole-span.ts';

/** The entries after number `after` up to `upTo`, cut after those of the numbers in `cuts`. */
export interface SpanQuestion {
  readonly after: number;
  readonly upTo: number;
  readonly cuts: readonly number[];
}

const THREADS_MAX = 4;

type Answer = WholeSpan[] | null;

/** Asks each question of the thread whose turn it is; a thread answers in order. One that fails calls nothing whole any more. */
export class SpanThreads implements AsyncDisposable {
  static #taken = false;
  readonly #threads: Thread[];
  #turn = 0;

  private constructor(path: string) {
    this.#threads = Array.from({ length: Math.min(availableParallelism(), THREADS_MAX) }, () => new Thread(path));
  }

  /**
   * `path`: the store, a file. A process has them once: null while others look, so that whoever asks many times at once takes no
   * more cores and memory than who asks once.
   */
  static take(path: string): SpanThreads | null {
    if (SpanThreads.#taken) return null;
    const threads = new SpanThreads(path);
    SpanThreads.#taken = true;
    return threads;
  }

  get size(): number {
    return this.#threads.length;
  }

  ask(question: SpanQuestion): Promise<Answer> {
    this.#turn = (this.#turn + 1) % this.#threads.length;
    return this.#threads[this.#turn]?.ask(question) ?? Promise.resolve(null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Promise.all(this.#threads.map((thread) => thread.end()));
    } finally {
      SpanThreads.#taken = false;
    }
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #asked: ((answer: Answer) => void)[] = [];
  #ended = false;

  constructor(path: string) {
    this.#worker = new Worker(new URL('./span-thread.ts', import.meta.url), { workerData: { path } });
    this.#worker.on('message', (answer: Answer) => this.#asked.shift()?.(answer));
    this.#worker.on('error', () => this.#fail());
    this.#worker.on('exit', () => this.#fail());
  }

  ask(question: SpanQuestion): Promise<Answer> {
    if (this.#ended) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#asked.push(resolve);
    this.#worker.postMessage(question);
    return promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Nothing is lost: the entries are read again where they are asked for. */
  #fail(): void {
    this.#ended = true;
    for (const answer of this.#asked.splice(0)) answer(null);
  }
}
