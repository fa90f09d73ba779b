/** A button that opens a file from this machine, as text. */
import type { LucideIcon } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { Button } from './button.tsx';

interface FileButtonProps {
  /** What it is, for screen readers: `A change of the lock`. */
  label: string;
  icon: LucideIcon;
  /** What the browser offers first: `.json`. */
  accept: string;
  onText: (text: string) => void;
  children: ReactNode;
}

export function FileButton({ label, icon, accept, onText, children }: FileButtonProps) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button icon={icon} onClick={() => picker.current?.click()}>
        {children}
      </Button>
      <input
        ref={picker}
        type="file"
        aria-label={label}
        accept={accept}
        className="hidden"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) void file.text().then(onText);
          target.value = '';
        }}
      />
    </>
  );
}
