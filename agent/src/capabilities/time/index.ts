/** The code behind `protocol/src/capabilities/time.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
