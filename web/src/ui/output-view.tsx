/** What a server printed: data, never words of ours. The newest lines, following the end while one is at the end. */
import { stripControl } from '@countersign/protocol/text';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { CopyButton } from './copy.tsx';
import { ScrollBox } from './scroll-box.tsx';

/** Lines that are put on the page at once; more are there on demand. */
const WINDOW = 1500;

interface OutputViewProps {
  text: string;
  label: string;
  truncated?: boolean;
  live?: boolean;
}

export function OutputView({ text, label, truncated = false, live = false }: OutputViewProps) {
  const box = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  const [all, setAll] = useState(false);
  const clean = useMemo(() => stripControl(text).replace(/\n$/, ''), [text]);
  const lines = useMemo(() => clean.split('\n'), [clean]);
  const hidden = all ? 0 : Math.max(0, lines.length - WINDOW);
  const shown = hidden > 0 ? lines.slice(hidden).join('\n') : clean;
  // biome-ignore lint/correctness/useExhaustiveDependencies: new text is the reason to follow
  useLayoutEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown]);
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-sunken">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 border-b border-line py-1.5 pr-1.5 pl-3 text-xs text-dim">
        <span>
          {label} · {lines.length.toLocaleString()} {lines.length === 1 ? 'line' : 'lines'}
          {truncated && ' · only the end is kept'}
          {live && <span className="animate-pulse-soft text-info"> · live</span>}
        </span>
        <CopyButton text={clean} />
      </div>
      {hidden > 0 && (
        <button
          type="button"
          onClick={() => setAll(true)}
          className="w-full border-b border-line px-3 py-1.5 text-left text-xs text-accent hover:underline"
        >
          Show {hidden.toLocaleString()} earlier lines
        </button>
      )}
      <ScrollBox
        ref={box}
        label={label}
        onScroll={({ currentTarget: it }) => {
          atEnd.current = it.scrollHeight - it.scrollTop - it.clientHeight < 24;
        }}
        className="max-h-96"
      >
        <pre className="w-fit px-3 py-2.5 font-mono text-xs leading-5">
          {shown === '' ? <span className="text-faint">(nothing printed)</span> : shown}
        </pre>
      </ScrollBox>
    </div>
  );
}
