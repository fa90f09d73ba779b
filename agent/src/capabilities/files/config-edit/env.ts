/** Sets a variable in a file of `NAME=value` lines, as systemd (EnvironmentFile=), Docker and shells read them. */
import { cannotSet, type Edited, type Setting } from './edit.ts';

/** Keeps the quotes that the value has now where they can hold the new one; quotes a new value only when it needs it. */
export function setEnv(text: string, { section, key, value }: Setting): Edited {
  if (section !== undefined) throw cannotSet('section: a file of environment variables has none');
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) throw cannotSet('key: not the name of an environment variable');
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(/\r?\n/);
  const pattern = new RegExp(`^(\\s*(?:export\\s+)?${key}\\s*=)(.*)$`);
  const found = lines.flatMap((line, index) => (pattern.test(line) ? [index] : []));
  if (found.length > 1)
    throw cannotSet(`key: it stands on lines ${found.map((index) => index + 1).join(', ')}; use write_file`);
  const [index] = found;
  if (index === undefined) {
    const end = text === '' || text.endsWith('\n') ? '' : newline;
    const prefix = lines.some((line) => /^\s*export\s/.test(line)) ? 'export ' : '';
    return { text: `${text}${end}${prefix}${key}=${quote(value, '')}${newline}`, before: null };
  }
  const [, start = '', old = ''] = pattern.exec(lines[index] ?? '') ?? [];
  const { quotes, raw, tail } = splitValue(old, index + 1);
  lines[index] = `${start}${quote(value, quotes)}${tail}`;
  return { text: lines.join(newline), before: raw };
}

function splitValue(
  old: string,
  line: number,
): { readonly quotes: string; readonly raw: string; readonly tail: string } {
  const quoted = /^(\s*)("(?:[^"\\]|\\.)*"|'[^']*')(\s*(?:#.*)?)$/.exec(old);
  if (quoted) return { quotes: quoted[2]?.[0] ?? '', raw: quoted[2] ?? '', tail: quoted[3] ?? '' };
  if (/^\s*["']/.test(old) || /\\$/.test(old))
    throw cannotSet(`key: its value goes on behind line ${line}; use write_file`);
  if (/\s#/.test(old))
    throw cannotSet(`key: what stands behind it on line ${line} may be a comment or not; use write_file`);
  return { quotes: '', raw: old.trim(), tail: '' };
}

/** Bare where nobody reads anything into it, else single quotes, which all readers take literally, else double quotes. */
function quote(value: string, quotes: string): string {
  if (quotes === '' && /^[A-Za-z0-9_./:@%+,=-]*$/.test(value)) return value;
  if (quotes !== '"' && !value.includes("'")) return `'${value}'`;
  if (quotes === '"' && !/["\\$`]/.test(value)) return `"${value}"`;
  if (!value.includes("'")) return `'${value}'`;
  return `"${value.replace(/["\\$`]/g, '\\$&')}"`;
}
