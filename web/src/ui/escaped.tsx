/** A value that somebody reads before deciding: what could deceive the eye is spelled out and marked. */
import { escapeDeceptive, looksDeceptive, shorten } from '@countersign/protocol/text';
import { Fragment, type ReactNode, useState } from 'react';
import { cx } from './cx.ts';

interface EscapedProps {
  text: string;
  /** Longer text is cut, with a button for the rest. */
  max?: number;
  mono?: boolean;
}

const ESCAPES = /(\\u\{[0-9a-f]+\})/;
const FOREIGN = /([\p{Script=Cyrillic}\p{Script=Greek}])/u;

export function Escaped({ text, max = 600, mono = true }: EscapedProps) {
  const [whole, setWhole] = useState(false);
  const lines = (whole ? text : shorten(text, max)).split('\n');
  return (
    <span className={cx('[overflow-wrap:anywhere]', mono && 'whitespace-pre-wrap font-mono')}>
      {lines.map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one text
        <Fragment key={at}>
          {at > 0 && (
            <>
              <span className="text-faint select-none">⏎</span>
              {'\n'}
            </>
          )}
          {line.split('\t').map((part, inner) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one line
            <Fragment key={inner}>
              {inner > 0 && <span className="text-faint">⇥ </span>}
              <Marked text={part} />
            </Fragment>
          ))}
        </Fragment>
      ))}
      {!whole && text.length > max && (
        <button type="button" className="ml-2 font-sans text-accent underline" onClick={() => setWhole(true)}>
          Show all
        </button>
      )}
    </span>
  );
}

/** Escapes, and letters of other scripts between Latin ones, stand out; the latter with their code point. */
function Marked({ text }: { text: string }): ReactNode {
  if (!looksDeceptive(text)) return text;
  const parts = escapeDeceptive(text)
    .split(ESCAPES)
    .flatMap((part) => (ESCAPES.test(part) ? [part] : part.split(FOREIGN)));
  return (
    <>
      {parts.map((part, at) => {
        const odd = ESCAPES.test(part)
          ? part
          : FOREIGN.test(part)
            ? `${part}\\u{${part.codePointAt(0)?.toString(16)}}`
            : null;
        return odd === null ? (
          part
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text
          <mark key={at} className="rounded bg-warn-soft px-0.5 font-mono text-warn">
            {odd}
          </mark>
        );
      })}
      <span className="sr-only"> (holds characters that could deceive)</span>
    </>
  );
}
