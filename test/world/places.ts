/** Where things are. */
import { resolve } from 'node:path';

export const projectFolder = resolve(import.meta.dirname, '../..');
/** Where compiled code is kept between the processes of one run (`test/all.ts`); for processes that are given an environment of their own. */
export const compiled: Readonly<Record<string, string>> =
  process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };
/** The Node that runs the tests, and everything that they start. */
export const node = process.execPath;
/** argv by which a program of ours starts one of ours with a clean environment, without compiling everything again. */
export const nodeWithCompiled: readonly string[] = [
  ...['/usr/bin/env', ...Object.entries(compiled).map(([name, value]) => `${name}=${value}`)],
  node,
];
