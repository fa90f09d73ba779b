/** Output of actions that the control plane may not have in full yet: kept in memory, so that it can be sent again after a break. */
import type { OutputChunk } from '../run/runner-wire.ts';

/** Beyond this the oldest chunks are let go; their numbers are then missing, which shows. */
const TEXT_MAX = 4 * 1024 * 1024;

export class Chunks {
  readonly #chunks = new Map<string, OutputChunk[]>();
  #size = 0;

  /** Takes a chunk in. `false` when it was here before. */
  add(chunk: OutputChunk): boolean {
    const of = this.#chunks.get(chunk.actionId) ?? [];
    if ((of.at(-1)?.chunk ?? -1) >= chunk.chunk) return false;
    of.push(chunk);
    this.#chunks.set(chunk.actionId, of);
    this.#size += chunk.text.length;
    while (this.#size > TEXT_MAX) this.#dropOldest();
    return true;
  }

  /** What is kept of one action, in order. */
  of(actionId: string): readonly OutputChunk[] {
    return this.#chunks.get(actionId) ?? [];
  }

  get actions(): string[] {
    return [...this.#chunks.keys()];
  }

  /** The control plane has the result of this action, and with it everything before. */
  forget(actionId: string): void {
    for (const { text } of this.of(actionId)) this.#size -= text.length;
    this.#chunks.delete(actionId);
  }

  #dropOldest(): void {
    const [actionId, chunks] = this.#chunks.entries().next().value ?? [];
    const dropped = chunks?.shift();
    if (actionId === undefined || dropped === undefined) {
      if (actionId !== undefined) this.#chunks.delete(actionId);
      return;
    }
    this.#size -= dropped.text.length;
  }
}
