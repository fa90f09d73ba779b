/** What a link loads when something comes that is not as usual: the schemas, which say what is wrong with it. See `late.ts`. */

export { problemsOf } from '@countersign/protocol';
export { decodeFromControlPlane } from '@countersign/protocol/agent-wire/codec';
export { keySchema } from './host/key-schema.ts';
export { identitySchema, keptAboutSchema, outboxLineSchema, outboxLines, watchStateSchema } from './link/kept.ts';
export { fromRunnerSchema } from './run/runner-wire.ts';
export { parseSettingsFile } from './settings.ts';
