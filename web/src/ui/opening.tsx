/** Stands for a dialog whose script is still on its way: keys are meant for it already, so that shortcuts of the page are off. */
export function Opening() {
  return <div role="dialog" aria-busy="true" aria-label="Opening…" className="sr-only" />;
}
