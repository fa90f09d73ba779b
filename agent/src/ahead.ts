/**
 * What follows from the schemas and the capability table alone. The bundle has the values of this file worked out ahead, so that
 * a link, which is there all the time, loads neither (agent/install/bundle.ts): only JSON may be exported here.
 */
import { capabilities, capabilityIds as ids } from '@countersign/protocol';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { fromControlPlaneSchema } from '@countersign/protocol/agent-wire/messages';
import type { Form } from '@countersign/protocol/form';
import { formOf } from '@countersign/protocol/form-of';
import {
  fromRunnerSchema,
  identitySchema,
  keptAboutSchema,
  keySchema,
  outboxLines,
  watchStateSchema,
} from './schemas.ts';

export const capabilityIds = ids;
/** Of those that observe, the ones that the runner has to do. */
export const rootCapabilities = ids.filter((id) => capabilities[id].needsRoot);

export const defaultThresholds = thresholdsSchema.parse({});

export const frameForm = formOf(fromControlPlaneSchema);
export const runnerLineForm = formOf(fromRunnerSchema);
export const keyForm = formOf(keySchema);
export const identityForm = formOf(identitySchema);
export const keptAboutForm = formOf(keptAboutSchema);
export const watchStateForm = formOf(watchStateSchema);
/** Each has members that the others lack, so that a line fits one of them only. */
export const outboxLineForm: Form = { is: 'any of', of: outboxLines.map(formOf) };
