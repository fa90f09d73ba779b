/** Stands where something is being loaded. Appears only when that takes long enough to be noticed. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div role="status" aria-label="Loading" className="animate-appear space-y-3 py-2">
      {Array.from({ length: lines }, (_, line) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: all are alike
          key={line}
          className="h-4 animate-pulse-soft rounded bg-line"
          style={{ width: `${92 - ((line * 37) % 45)}%` }}
        />
      ))}
    </div>
  );
}
