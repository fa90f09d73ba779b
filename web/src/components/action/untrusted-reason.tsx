/** What the assistant says it wants it for. Last, grey, quoted: it is not part of what is approved. */
import { stripControl } from '@countersign/protocol/text';

export function UntrustedReason({ text }: { text: string | null }) {
  return (
    <figure className="rounded-lg border border-dashed border-line-strong bg-sunken px-4 py-3">
      <figcaption className="mb-1 text-xs text-faint">Assistant’s reason (untrusted text)</figcaption>
      {text === null ? (
        <p className="text-sm text-faint">None was given.</p>
      ) : (
        <blockquote className="max-h-48 overflow-y-auto whitespace-pre-wrap text-sm text-dim [overflow-wrap:anywhere]">
          “{stripControl(text)}”
        </blockquote>
      )}
    </figure>
  );
}
