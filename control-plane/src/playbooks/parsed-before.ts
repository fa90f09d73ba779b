/**
 * Remembers between starts what parsing gave: parsing and checking the library was a fifth of the work before the control plane
 * answered. What is remembered counts only for the same text, read by the same program; it lies beside the compiled code of this
 * installation, and whoever may write there decides what runs here anyway.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { libraryFolder, type ParsedPlaybook, type Playbook, parsePlaybook } from '@countersign/playbooks';
import { sha256 } from '@countersign/protocol/digest';

export interface ParsedBefore {
  /** As {@link parsePlaybook}; what was found wrong is never remembered. */
  readonly parse: typeof parsePlaybook;
  /** Keeps what was parsed since the last time, and nothing else, where there is anything new. Rejects when the folder cannot be written. */
  save(): Promise<void>;
}

type Remembered = Omit<Playbook, 'yaml'>;

/** Without a folder nothing is remembered. */
export function openParsedBefore(folder: string | null): ParsedBefore {
  if (folder === null) return { parse: parsePlaybook, save: () => Promise.resolve() };
  const file = join(folder, 'playbooks.json');
  const program = programDigest();
  let before = read(file, program);
  let used = new Map<string, Remembered>();
  let news = false;
  return {
    parse(yaml, place): ParsedPlaybook {
      const text = sha256(yaml);
      const known = before.get(text);
      if (known !== undefined) {
        used.set(text, known);
        return { playbook: { ...known, yaml } };
      }
      const parsed = parsePlaybook(yaml, place);
      if (parsed.playbook === undefined) return parsed;
      const { yaml: _, ...rest } = parsed.playbook;
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(rest)), rest)) return parsed;
      used.set(text, rest);
      news = true;
      return parsed;
    },
    async save() {
      // All files were read since the last time: what none of them says any more is forgotten.
      [before, used] = [used, new Map()];
      if (!news) return;
      news = false;
      await mkdir(folder, { recursive: true });
      const playbooks = JSON.stringify([...before]);
      // A name of its own: several processes may start at once.
      await writeFile(`${file}.${process.pid}`, `${program}\n${sha256(playbooks)}\n${playbooks}\n`, { mode: 0o600 });
      await rename(`${file}.${process.pid}`, file);
    },
  };
}

/** What was remembered by the same program, by the SHA-256 of its text; nothing where the file is missing, of another program or damaged. */
function read(file: string, program: string): Map<string, Remembered> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return new Map(); // the first start, or a folder that cannot be read: all is parsed
  }
  const [of, digest, playbooks = ''] = text.split('\n');
  return of === program && digest === sha256(playbooks) ? new Map(JSON.parse(playbooks)) : new Map();
}

/** SHA-256 of all that says how a playbook is read: the sources of playbooks and protocol, the versions of libraries, and Node. */
function programDigest(): string {
  const packages = resolve(dirname(libraryFolder), '..');
  const files = ['playbooks/src', 'protocol/src'].flatMap((folder) =>
    readdirSync(join(packages, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => join(folder, name)),
  );
  const texts = [...files, 'pnpm-lock.yaml'].map((name) => [name, sha256(readFileSync(join(packages, name), 'utf8'))]);
  return sha256(JSON.stringify([process.version, texts]));
}
