/** Our mark: a check, countersigned. */
export function Mark({ className = 'size-6' }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <rect x="1" y="1" width="30" height="30" rx="8" className="fill-accent" />
      <path
        d="M8.5 15.5 13.4 20 23.5 9"
        fill="none"
        className="stroke-on-accent"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <path d="M8.5 25h15" className="stroke-on-accent/65" strokeWidth="2.4" strokeLinecap="round" />
    </svg>
  );
}
