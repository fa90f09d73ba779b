/** A value that somebody reads before deciding: what could deceive the eye is spelled out and marked. */
import { escapeDeceptive, looksDeceptive, shorten } from '@countersign/protocol/text';
import { useState } from 'react';
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
  const shown = escapeDeceptive(whole ? text : shorten(text, max));
  const odd = looksDeceptive(text);
  return (
    <span className={cx('[overflow-wrap:anywhere]', mono && 'font-mono')}>
      {odd ? <Marked text={shown} /> : shown}
      {odd && <span className="sr-only"> (holds characters that could deceive)</span>}
      {!whole && text.length > max && (
        <button type="button" className="ml-2 font-sans text-accent underline" onClick={() => setWhole(true)}>
          Show all
        </button>
      )}
    </span>
  );
}

/** Escapes, and letters of other scripts between Latin ones, stand out; the latter with their code point. */
function Marked({ text }: { text: string }) {
  return text.split(ESCAPES).flatMap((part, at) =>
    ESCAPES.test(part)
      ? // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text
        [<Mark key={at}>{part}</Mark>]
      : part.split(FOREIGN).map((piece, inner) =>
          FOREIGN.test(piece) ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text
            <Mark key={`${at}.${inner}`}>{`${piece}\\u{${piece.codePointAt(0)?.toString(16)}}`}</Mark>
          ) : (
            piece
          ),
        ),
  );
}

function Mark({ children }: { children: string }) {
  return <mark className="rounded bg-warn-soft px-0.5 font-mono text-warn">{children}</mark>;
}
