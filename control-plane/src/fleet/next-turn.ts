/** Resolves in the next turn of the event loop, when everybody else has had theirs: for work that comes in thousands. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
