import { readSync } from 'node:fs';
import { openAllowed, type Roots } from './files.ts';

/**
 * The last bytes of a text file, beginning with a whole line. Throws as `openAllowed` does.
 * `cut`: whether there was more before.
 */
export function readTail(
  path: string,
  roots: Roots,
  maxBytes: number,
): { readonly text: string; readonly bytes: number; readonly cut: boolean } {
  using file = openAllowed(path, roots);
  const { size } = file.stat;
  const from = Math.max(0, size - maxBytes);
  const bytes = Buffer.alloc(size - from);
  let done = 0;
  while (done < bytes.length) {
    const read = readSync(file.fd, bytes, done, bytes.length - done, from + done);
    if (read === 0) break;
    done += read;
  }
  const text = bytes.subarray(0, done).toString('utf8');
  return { text: from === 0 ? text : text.slice(text.indexOf('\n') + 1), bytes: size, cut: from > 0 };
}
