/** What two processes must agree on. Pure: no input or output; the parts that need `node:crypto` are imported by their own path. */
export * from './action-lifecycle.ts';
export * from './action-result.ts';
export * from './canonical.ts';
export * from './capabilities/index.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './expectation.ts';
export * from './findings.ts';
export * from './grant.ts';
export * from './ids.ts';
export * from './keys.ts';
export * from './live-events.ts';
export * from './plan.ts';
export * from './redaction.ts';
export * from './risk.ts';
export * from './text.ts';
