#!/usr/bin/env node
/** The agent as a program: `countersign-agent …`. The first signal asks it to end; systemd or a second one makes it. */
import { resolve } from 'node:path';
import { cli } from './cli.ts';
import { readFailPoint, readSurroundings } from './config.ts';
import { armFailPoint } from './fail-points.ts';
import { stayAwake } from './host/clock.ts';

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(name, () => stop.abort(new Error(`ended by ${name}`)));

stayAwake();
armFailPoint(readFailPoint());
const { self: script } = readSurroundings();
const self = script === null ? [process.execPath, resolve(process.argv[1] ?? '')] : [script];
// Only when this file was run to its end: in the bundle, what is loaded late finds parts of itself in it. And without `await` up here: what
// is loaded late is loaded at once, which Node refuses below a module that waits.
Promise.resolve()
  .then(() => cli(process.argv.slice(2), self, stop.signal))
  .then((code) => process.exit(code));
