/** The code behind `protocol/src/capabilities/databases.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
