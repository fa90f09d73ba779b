/**
 * A command that only reads. The table of protocol is asked here too, whatever the control plane says; then where links lead is looked
 * up, the program is found in fixed folders, and it runs with a clean environment. Threats T1, T15, T16.
 */
import { fault, type WitnessFact } from '@countersign/protocol';
import { type Looked, type Reading, readingOf } from '@countersign/protocol/reading-commands/judge';
import { secretPaths } from '@countersign/protocol/secret-files';
import { openAllowed, piecesOf, placeAllowed } from '../../host/files.ts';
import { findProgram } from '../../host/find-program.ts';
import type { Changer, LocalRules } from '../capability.ts';
import { readableRoots } from '../files/roots.ts';
import { resultOf } from './command.ts';

export const commandRead: Changer<'command.read'> = {
  predictable: true,
  async preview({ argv, timeout_s: timeout }, { localPolicy }) {
    const { reading, words, witness } = prepared(argv, localPolicy);
    const effects = [
      `It only reads: ${reading.tells}.`,
      `It is ended after ${timeout} s. It finds the file system read-only, where systemd runs it.`,
    ];
    return { preview: { argv: [words], diff: null, effects, undo: null }, witness };
  },
  async perform({ argv, timeout_s: timeout }, _, context) {
    const { reading, words } = prepared(argv, context.localPolicy);
    const done = await context.processes.start({
      argv: words,
      timeoutMs: timeout * 1000,
      signal: context.signal,
      onOutput: context.onOutput,
      maxBytes: 0,
      readsOnly: { hidden: hiddenFrom(context.localPolicy), filesOnly: reading.looked.length > 0 },
    });
    return { ...resultOf(words, done), changed: false };
  },
  async recover({ argv }, _, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return done === null ? null : { ...resultOf(argv, done), changed: false };
  },
};

/** Where people keep their keys. */
const HOMES = ['/root', '/home', '/run/user'];
/** Where services are given theirs. Source: systemd.exec(5), `LoadCredential=`; Docker secrets. */
const HANDED = ['/run/credentials', '/run/secrets'];

/** What the process does not see, so that a link that is swapped after we looked leads nowhere. */
function hiddenFrom({ deniedPaths = [], readRoots }: LocalRules): string[] {
  const isOpen = (home: string) => readRoots.some((root) => root === '/' || `${root}/`.startsWith(`${home}/`));
  return [...new Set([...deniedPaths, ...secretPaths, ...HANDED, ...HOMES.filter((home) => !isOpen(home))])];
}

/** What is started, exactly. Throws `server_policy_denies`, `path_denied`, `file_not_found`, `precondition_failed`. */
function prepared(argv: readonly string[], rules: LocalRules) {
  const reading = rules.readingCommands === true ? readingOf(argv, rules) : null;
  if (reading === null)
    throw fault('precondition_failed', { reason: 'it is not a command that this server knows to read only' });
  const witness = reading.looked.map((looked) => whereItLeads(looked, rules));
  return { reading, words: wordsOf(reading), witness };
}

const wordsOf = ({ program, words }: Reading): string[] => [findProgram(program), ...words];

function whereItLeads({ path, at }: Looked, rules: LocalRules): WitnessFact {
  const roots = readableRoots(rules);
  if (at === 'place') return { subject: `path ${path}`, property: 'real path', value: placeAllowed(path, roots) };
  using file = openAllowed(path, roots);
  refuseKey(path, piecesOf(file.fd));
  return { subject: `path ${path}`, property: 'real path', value: file.path };
}

const LOOKED_THROUGH_BYTES = 64 * 1024 * 1024;

/** A few lines of a private key show nothing to know it by, so none of a file that holds one are shown. */
function refuseKey(path: string, pieces: Iterable<Buffer>): void {
  let [tail, bytes] = ['', 0];
  for (const piece of pieces) {
    const text = tail + piece.toString('latin1');
    if (/PRIVATE KEY/.test(text)) throw fault('path_denied', { path, reason: 'it holds a private key' });
    tail = text.slice(-20);
    bytes += piece.length;
    if (bytes > LOOKED_THROUGH_BYTES) return;
  }
}
