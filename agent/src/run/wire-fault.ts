/** Errors on their way to the control plane: a catalogue code and its slots, worded on arrival. */
import { Fault, type Ids, shorten, stripControl } from '@countersign/protocol';
import type { WireFault } from '@countersign/protocol/agent-wire/messages';
import type { Log } from '../host/log.ts';

const SLOT_MAX = 2000;

/** Turns any error into what crosses the wire. An error that is no fault is a defect: it is logged under a reference. */
export function wireFault(
  error: unknown,
  about: { readonly serverName: string; readonly ids: Ids; readonly log: Log },
): WireFault {
  if (error instanceof Fault) {
    const slots = { server: about.serverName, ...error.slots };
    return {
      code: error.code,
      slots: Object.fromEntries(Object.entries(slots).map(([name, value]) => [name, tame(value)])),
    };
  }
  const reference = about.ids.id('req');
  about.log.error('defect', { reference, error, stack: error instanceof Error ? error.stack : undefined });
  return { code: 'internal', slots: { server: about.serverName, reference } };
}

const tame = (value: string | number) => (typeof value === 'string' ? shorten(stripControl(value), SLOT_MAX) : value);
