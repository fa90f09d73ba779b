/** Where things are. */
import { resolve } from 'node:path';

export const projectFolder = resolve(import.meta.dirname, '../..');
/** The Node that runs the tests, and everything that they start. */
export const node = process.execPath;
