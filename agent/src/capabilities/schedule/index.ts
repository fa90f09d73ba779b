/** The code behind `protocol/src/capabilities/schedule.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
