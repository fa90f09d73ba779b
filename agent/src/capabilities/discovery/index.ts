/** The code behind `protocol/src/capabilities/discovery.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
