/** Sets a key of an ini file: `[section]`, `key = value`, whole-line comments with `#` or `;`. */
import { cannotSet, type Edited, type Setting } from './edit.ts';

interface Line {
  readonly indent: string;
  readonly key: string;
  /** `=` with the blanks around it; empty for a bare key. */
  readonly between: string;
  readonly value: string;
  /** Blanks and a comment behind the value. */
  readonly tail: string;
}

/** Without `section`: the keys before the first section. A key or section that is not there is added at the end of its own. */
export function setIni(text: string, { section, key, value }: Setting): Edited {
  if (value !== value.trim()) throw cannotSet('value: an ini file cannot hold blanks at its ends');
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(/\r?\n/);
  const range = sectionRange(lines, section);
  if (range === null) {
    const blank = text.slice(text.trimEnd().length);
    const gap = text === '' || (blank.endsWith('\n') && blank.indexOf('\n') < blank.length - 1) ? '' : newline;
    const added = `[${section}]${newline}${key} = ${value}${newline}`;
    return { text: `${text}${text === '' || text.endsWith('\n') ? '' : newline}${gap}${added}`, before: null };
  }
  const found = indexesOf(lines, range, key);
  if (found.length > 1)
    throw cannotSet(`key: it stands on lines ${found.map((index) => index + 1).join(', ')}; use write_file`);
  const [index] = found;
  if (index === undefined) {
    lines.splice(insertionPoint(lines, range), 0, `${styleOf(lines, range, key)}${value}`);
    return { text: lines.join(newline), before: null };
  }
  const line = parseLine(lines[index] ?? '') as Line;
  if (/\\$/.test(lines[index] ?? ''))
    throw cannotSet(`key: its value goes on behind line ${index + 1}; use write_file`);
  if (line.tail === '' && /\s[#;]/.test(line.value) && !/^["']/.test(line.value))
    throw cannotSet(`key: what stands behind it on line ${index + 1} may be a comment or not; use write_file`);
  lines[index] = `${line.indent}${line.key}${line.between || ' = '}${value}${line.tail}`;
  return { text: lines.join(newline), before: line.value };
}

/** First line of a section's content and the line behind its last. */
function sectionRange(lines: readonly string[], section: string | undefined): { from: number; to: number } | null {
  const isHeader = (line: string) => /^\s*\[[^\]]+\]\s*([#;].*)?$/.test(line);
  const after = (from: number) => {
    const end = lines.findIndex((line, index) => index >= from && isHeader(line));
    return end < 0 ? lines.length : end;
  };
  if (section === undefined) return { from: 0, to: after(0) };
  const headers = lines.flatMap((line, index) =>
    isHeader(line) && /^\s*\[([^\]]+)\]/.exec(line)?.[1]?.trim() === section ? [index] : [],
  );
  if (headers.length > 1)
    throw cannotSet(`section: it begins on lines ${headers.map((index) => index + 1).join(', ')}; use write_file`);
  const [header] = headers;
  return header === undefined ? null : { from: header + 1, to: after(header + 1) };
}

/** By places and not by one pattern: on a line of very many blanks a pattern would try each of them with each. */
function parseLine(text: string): Line | null {
  const at = text.indexOf('=');
  const head = at < 0 ? text : text.slice(0, at);
  if (!/^\s*[^#;[\s]/.test(head)) return null;
  const key = head.trim();
  const indent = head.slice(0, head.length - head.trimStart().length);
  if (at < 0) return { indent, key, between: '', value: '', tail: '' };
  const behind = /^=[ \t]*/.exec(text.slice(at))?.[0] ?? '=';
  const between = head.slice(head.trimEnd().length) + behind;
  const rest = text.slice(at + behind.length);
  // A comment behind a value is one for sure only when the value is a single plain word.
  const commented = /^([^\s"'#;]+)(\s+[#;].*)$/.exec(rest);
  return commented
    ? { indent, key, between, value: commented[1] ?? '', tail: commented[2] ?? '' }
    : { indent, key, between, value: rest.trimEnd(), tail: '' };
}

function indexesOf(lines: readonly string[], { from, to }: { from: number; to: number }, key: string): number[] {
  return lines.flatMap((line, index) => (index >= from && index < to && parseLine(line)?.key === key ? [index] : []));
}

/** Behind the last line of the section that is not blank. */
function insertionPoint(lines: readonly string[], { from, to }: { from: number; to: number }): number {
  let at = to;
  while (at > from && (lines[at - 1] ?? '').trim() === '') at -= 1;
  return at;
}

function styleOf(lines: readonly string[], { from, to }: { from: number; to: number }, key: string): string {
  const sample = lines
    .slice(from, to)
    .map(parseLine)
    .find((line) => line !== null && line.between !== '');
  return `${sample?.indent ?? ''}${key}${sample?.between ?? ' = '}`;
}
