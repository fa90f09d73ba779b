/** The code behind `protocol/src/capabilities/host.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
