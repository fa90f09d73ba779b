/** The code behind `protocol/src/capabilities/packages.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
