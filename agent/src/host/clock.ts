/** Timers of the machine's clock do not keep a process alive; this does, for a program whose work is to wait. */

/** Keeps the process alive until disposed. */
export function stayAwake(): Disposable {
  const timer = setInterval(() => undefined, 0x3fffffff);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
