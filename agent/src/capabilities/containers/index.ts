/** The code behind `protocol/src/capabilities/containers.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
