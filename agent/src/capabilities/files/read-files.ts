/** `file.read` and `file.search`: text files below the roots that the server allows, redacted. */

import { createHash } from 'node:crypto';
import { delay, Fault, fault, redact, stripControl } from '@countersign/protocol';
import { openAllowed, piecesOf } from '../../host/files.ts';
import { filesBelow } from '../../host/files-below.ts';
import type { ObserveContext, Observers } from '../capability.ts';
import { fitsWildcard } from '../name-pattern.ts';
import { readableRoots } from './roots.ts';
import { TextLines } from './text-lines.ts';

const READ_BYTES = 64 * 1024 * 1024;
/** Of redacted text in one answer. */
const ANSWER_CHARACTERS = 256 * 1024;
/** Looked through for secrets. Lines may be very long, and blacking out takes its time. */
const CHOSEN_CHARACTERS = 2 * ANSWER_CHARACTERS;
const SEARCH_FILE_BYTES = 8 * 1024 * 1024;
const SEARCH_FILES = 20_000;
const LINE_CHARACTERS = 2000;

export const fileObservers = {
  'file.read': async ({ path, from_line: from, lines: wanted }, context) => {
    using file = openAllowed(path, readableRoots(context.localPolicy));
    if (file.stat.size > READ_BYTES) throw fault('file_too_large', { path, bytes: file.stat.size, limit: READ_BYTES });
    const hash = createHash('sha256');
    const chosen: string[] = [];
    let room = CHOSEN_CHARACTERS;
    const lines = new TextLines((line, number) => {
      if (number < from || number >= from + wanted || room < 0) return;
      room -= line.length + 1;
      chosen.push(line);
    });
    let bytes = 0;
    for (const piece of piecesOf(file.fd)) {
      context.signal.throwIfAborted();
      if (bytes === 0 && piece.subarray(0, 8192).includes(0))
        throw fault('path_denied', { path, reason: 'it is not a text file' });
      bytes += piece.length;
      if (bytes > READ_BYTES) throw fault('file_too_large', { path, bytes, limit: READ_BYTES });
      hash.update(piece);
      lines.add(piece);
    }
    lines.end();
    const redacted = redact(stripControl(chosen.join('\n')), context.localPolicy.secretValues);
    return {
      path: file.path,
      sha256: hash.digest('hex'),
      bytes,
      total_lines: lines.count,
      from_line: from,
      untrusted_output: redacted.text.slice(0, ANSWER_CHARACTERS).toWellFormed(),
      redactions: redacted.count + lines.keyLines,
      truncated: room < 0 || redacted.text.length > ANSWER_CHARACTERS || from + wanted - 1 < lines.count,
    };
  },
  'file.search': async ({ path, text, name, max_matches: most }, context) => {
    const search = new Search(context, text, most);
    let [truncated, met] = [false, 0];
    for (const found of filesBelow(path, readableRoots(context.localPolicy))) {
      // A search may take long, also where no name fits; the agent has other things to do as well.
      met += 1;
      if (met % 50 === 0) await delay(context.clock, 0, context.signal);
      context.signal.throwIfAborted();
      if (name !== undefined && !fitsWildcard(name, found.slice(found.lastIndexOf('/') + 1))) continue;
      if (search.full || search.files >= SEARCH_FILES) {
        truncated = true;
        break;
      }
      search.look(found);
    }
    return {
      matches: search.matches,
      files_searched: search.files,
      redactions: search.redactions,
      truncated: truncated || search.skipped,
    };
  },
} satisfies Partial<Observers>;

class Search {
  readonly matches: { path: string; line: number; untrusted_output: string }[] = [];
  files = 0;
  redactions = 0;
  /** Whether a file was too big to look through. */
  skipped = false;
  readonly #context: ObserveContext;
  readonly #text: string;
  readonly #most: number;

  constructor(context: ObserveContext, text: string, most: number) {
    this.#context = context;
    this.#text = text;
    this.#most = most;
  }

  get full(): boolean {
    return this.matches.length >= this.#most;
  }

  look(path: string): void {
    try {
      using file = openAllowed(path, readableRoots(this.#context.localPolicy));
      if (file.stat.size > SEARCH_FILE_BYTES) {
        this.skipped = true;
        return;
      }
      this.files += 1;
      const lines = new TextLines((line, number) => this.#match(file.path, line, number));
      let first = true;
      for (const piece of piecesOf(file.fd)) {
        if (first && piece.subarray(0, 8192).includes(0)) return;
        first = false;
        lines.add(piece);
        if (this.full) return;
      }
      lines.end();
    } catch (error) {
      // A file that is secret, gone or not ours to read is no match; the search goes on.
      if (!(error instanceof Fault)) throw error;
    }
  }

  /** The redacted line is searched: a search must not find out what a redacted word holds. */
  #match(path: string, line: string, number: number): void {
    if (this.full) return;
    const text = stripControl(line.slice(0, LINE_CHARACTERS));
    // Redacting costs far more than looking, and takes letters away only.
    if (!text.includes(this.#text)) return;
    const redacted = redact(text, this.#context.localPolicy.secretValues);
    if (!redacted.text.replaceAll('[redacted]', '\0').includes(this.#text)) return;
    this.redactions += redacted.count;
    this.matches.push({ path, line: number, untrusted_output: redacted.text });
  }
}
