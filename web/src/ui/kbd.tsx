/** A key on the keyboard. */
export function Kbd({ children }: { children: string }) {
  return (
    <kbd className="inline-flex min-w-5 items-center justify-center rounded border border-line-strong bg-surface px-1.5 py-px font-sans text-2xs text-dim">
      {children}
    </kbd>
  );
}
