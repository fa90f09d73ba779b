/** Frames of the control plane: those that have the form of a message are taken as they are, the schemas judge the others. */
import { parseJson } from '@countersign/protocol';
import type { Decoded } from '@countersign/protocol/agent-wire/frame';
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import { fits } from '@countersign/protocol/form';
import { frameForm } from '../ahead.ts';
import { schemas } from '../late.ts';

export function decodeFrame(frame: string): Decoded<FromControlPlane> {
  const value = parsed(frame);
  if (fits(frameForm, value)) return { outcome: 'ok', message: value as FromControlPlane };
  return schemas().decodeFromControlPlane(frame);
}

function parsed(frame: string): unknown {
  try {
    return parseJson(frame);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
