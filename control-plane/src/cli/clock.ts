/** The clock of the command line: what a command waits for keeps it alive. */
import { type Clock, systemClock } from '@countersign/protocol';

export const waitingClock: Clock = {
  ...systemClock,
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
