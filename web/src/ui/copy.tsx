/** Text to take elsewhere: a button that copies, and a block that shows what it copies. */
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button, IconButton } from './button.tsx';
import { cx } from './cx.ts';
import { ScrollBox } from './scroll-box.tsx';

function useCopy(text: string) {
  const [copied, setCopied] = useState<boolean | 'failed'>(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () =>
    void copyText(text).then(
      () => setCopied(true),
      () => setCopied('failed'),
    );
  return { copied, copy };
}

/** Without TLS there is no clipboard interface, so the old way is kept beside the new one. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('the browser refused to copy');
}

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const { copied, copy } = useCopy(text);
  return (
    <Button size="sm" icon={copied === true ? Check : Copy} onClick={copy}>
      <span aria-live="polite">{copied === true ? 'Copied' : copied === 'failed' ? 'Select and copy' : label}</span>
    </Button>
  );
}

export function CopyIcon({ text, label }: { text: string; label: string }) {
  const { copied, copy } = useCopy(text);
  return (
    <IconButton
      icon={copied === true ? Check : Copy}
      label={copied === true ? 'Copied' : label}
      onClick={copy}
      className="size-7! text-faint"
    />
  );
}

interface CommandProps {
  text: string;
  /** What it is, for screen readers: `Install command`. */
  label: string;
  /** Long lines break at spaces instead of scrolling. */
  wrap?: boolean;
}

/** A command or a snippet with its copy button. */
export function Command({ text, label, wrap = true }: CommandProps) {
  return (
    <div className="rounded-lg border border-line bg-sunken">
      <div className="flex items-center justify-between gap-3 border-b border-line py-1.5 pr-1.5 pl-3">
        <span className="truncate text-xs text-dim">{label}</span>
        <CopyButton text={text} />
      </div>
      <ScrollBox label={label} className="max-h-96">
        <pre
          className={cx('w-fit px-3 py-2.5 font-mono text-sm', wrap && 'whitespace-pre-wrap [overflow-wrap:anywhere]')}
        >
          {text}
        </pre>
      </ScrollBox>
    </div>
  );
}
