/** The code behind `protocol/src/capabilities/deploys.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
