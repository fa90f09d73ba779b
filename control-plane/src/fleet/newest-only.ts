/** Work on news of which only the newest counts: one piece per key is under way, and the newest of what came meanwhile waits. */
import type { Log } from '../ports.ts';

export class NewestOnly<T> {
  readonly #work: (key: string, news: T) => Promise<void>;
  readonly #log: Log;
  readonly #waiting = new Map<string, T>();
  readonly #underWay = new Map<string, Promise<void>>();

  /** `work` may reject: that is logged, and the next news is tried. */
  constructor(log: Log, work: (key: string, news: T) => Promise<void>) {
    this.#log = log;
    this.#work = work;
  }

  /** Never throws. However fast news of one key comes, it takes one place. */
  take(key: string, news: T): void {
    this.#waiting.set(key, news);
    if (this.#underWay.has(key)) return;
    this.#underWay.set(
      key,
      this.#run(key).finally(() => this.#underWay.delete(key)),
    );
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  async #run(key: string): Promise<void> {
    for (let news = this.#waiting.get(key); news !== undefined; news = this.#waiting.get(key)) {
      this.#waiting.delete(key);
      try {
        await this.#work(key, news);
      } catch (error) {
        this.#log.error('news.not_stored', { key, error: String(error) });
      }
    }
  }
}
