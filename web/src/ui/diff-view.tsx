/** A unified diff with line numbers; words that changed stand out in lines that were changed in place. */
import { escapeDeceptive } from '@countersign/protocol/text';
import { diffWordsWithSpace } from 'diff';
import { Fragment, type ReactNode, useMemo, useState } from 'react';
import { cx } from './cx.ts';
import { ScrollBox } from './scroll-box.tsx';

type Kind = 'added' | 'removed' | 'same' | 'hunk' | 'file';
interface Line {
  readonly kind: Kind;
  readonly old: number | null;
  readonly new: number | null;
  readonly text: string;
  /** The line that this one replaces or is replaced by. */
  readonly twin?: string | undefined;
}

const LINES_MAX = 600;

/** Takes a unified diff apart. Lines that fit no rule are shown as they are. */
export function parseDiff(diff: string): Line[] {
  const lines: Line[] = [];
  let [before, after] = [0, 0];
  for (const raw of diff.replace(/\n$/, '').split('\n')) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(raw);
    if (hunk) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      lines.push({ kind: 'hunk', old: null, new: null, text: raw });
    } else if (before === 0 && after === 0) lines.push({ kind: 'file', old: null, new: null, text: raw });
    else if (raw.startsWith('+')) lines.push({ kind: 'added', old: null, new: after++, text: raw.slice(1) });
    else if (raw.startsWith('-')) lines.push({ kind: 'removed', old: before++, new: null, text: raw.slice(1) });
    else if (raw.startsWith('\\')) lines.push({ kind: 'hunk', old: null, new: null, text: raw });
    else if (/^(---|\+\+\+|diff|Index)/.test(raw)) lines.push({ kind: 'file', old: null, new: null, text: raw });
    else lines.push({ kind: 'same', old: before++, new: after++, text: raw.slice(1) });
  }
  return pairTwins(lines);
}

/** Where as many lines were added as removed in one place, each is compared with its counterpart. */
function pairTwins(lines: Line[]): Line[] {
  const paired = [...lines];
  for (let at = 0; at < lines.length; at++) {
    let removed = 0;
    while (lines[at + removed]?.kind === 'removed') removed++;
    let added = 0;
    while (lines[at + removed + added]?.kind === 'added') added++;
    if (removed > 0 && removed === added)
      for (let line = 0; line < removed; line++) {
        const [a, b] = [lines[at + line], lines[at + removed + line]];
        if (!a || !b) continue;
        paired[at + line] = { ...a, twin: b.text };
        paired[at + removed + line] = { ...b, twin: a.text };
      }
    at += Math.max(0, removed + added - 1);
  }
  return paired;
}

const rows = {
  added: 'bg-ok-soft',
  removed: 'bg-crit-soft',
  same: '',
  hunk: 'bg-sunken text-dim',
  file: 'bg-sunken text-dim',
} as const satisfies Record<Kind, string>;
const signs = { added: '+', removed: '−', same: ' ', hunk: '', file: '' } as const satisfies Record<Kind, string>;
const spoken = { added: 'added: ', removed: 'removed: ', same: '', hunk: '', file: '' } as const satisfies Record<
  Kind,
  string
>;

export function DiffView({ diff, label }: { diff: string; label: string }) {
  const [all, setAll] = useState(false);
  const lines = useMemo(() => parseDiff(diff), [diff]);
  const count = (kind: Kind) => lines.filter((line) => line.kind === kind).length;
  const shown = all ? lines : lines.slice(0, LINES_MAX);
  return (
    <div className="overflow-hidden rounded-lg border border-line">
      <div className="flex items-center justify-between gap-3 border-b border-line bg-sunken px-3 py-1.5 text-xs text-dim">
        <span className="truncate">{label}</span>
        <span className="shrink-0 font-mono">
          <span className="text-ok">+{count('added')}</span> <span className="text-crit">−{count('removed')}</span>
        </span>
      </div>
      <ScrollBox label={label} className="max-h-[32rem] bg-surface font-mono text-xs leading-5">
        <div className="w-max min-w-full">
          {shown.map((line, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one diff
            <div key={at} className={cx('flex', rows[line.kind])}>
              <span aria-hidden className="flex shrink-0 select-none text-faint max-sm:hidden">
                <span className="w-10 pr-2 text-right">{line.old}</span>
                <span className="w-10 pr-2 text-right">{line.new}</span>
              </span>
              <span aria-hidden className="w-5 shrink-0 select-none text-center">
                {signs[line.kind]}
              </span>
              <span className="whitespace-pre pr-4">
                <span className="sr-only">{spoken[line.kind]}</span>
                {words(line)}
              </span>
            </div>
          ))}
        </div>
      </ScrollBox>
      {shown.length < lines.length && (
        <button
          type="button"
          onClick={() => setAll(true)}
          className="w-full border-t border-line px-3 py-2 text-left text-xs text-accent hover:underline"
        >
          Show {(lines.length - shown.length).toLocaleString()} more lines
        </button>
      )}
    </div>
  );
}

function words({ kind, text, twin }: Line): ReactNode {
  if (twin === undefined || text.length + twin.length > 2000) return visible(text);
  const parts = kind === 'added' ? diffWordsWithSpace(twin, text) : diffWordsWithSpace(text, twin);
  return parts
    .filter((part) => (kind === 'added' ? !part.removed : !part.added))
    .map((part, at) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the words of one line
      <Fragment key={at}>
        {part.added || part.removed ? (
          <span className={cx('rounded-sm', kind === 'added' ? 'bg-added' : 'bg-removed')}>{visible(part.value)}</span>
        ) : (
          visible(part.value)
        )}
      </Fragment>
    ));
}

/** Tabs stay; anything else that hides is spelled out. */
const visible = (text: string) => text.split('\t').map(escapeDeceptive).join('\t');
