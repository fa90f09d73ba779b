/**
 * The newest live event that what this tab shows is sure to contain. The stream of live events begins after it, so that nothing
 * is missed between the first reading and the first connection.
 */
export const newestEvent: { id: string | null } = { id: null };
