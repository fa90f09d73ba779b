/** Timers and cron jobs. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
