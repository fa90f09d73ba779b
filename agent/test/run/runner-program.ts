/** A runner as a process of its own, on the bed in a folder: `runner-program.ts FOLDER PUBLIC_KEY [EXPIRED_ACTION [CLOCK_AHEAD_MS]]`. Talks over its pipes. */
import { systemClock } from '@countersign/protocol';
import { readFailPoint } from '../../src/config.ts';
import { armFailPoint } from '../../src/fail-points.ts';
import { stayAwake } from '../../src/host/clock.ts';
import { claim } from '../../src/run/claim.ts';
import { Journal } from '../../src/run/journal.ts';
import { Runner } from '../../src/run/runner.ts';
import { RunnerService } from '../../src/run/serve.ts';
import { makeBed } from './bed.ts';

const [, , folder = '', publicKey = '', expired = '', ahead = '0'] = process.argv;
armFailPoint(readFailPoint());
using _ = stayAwake();
const bed = makeBed('', { folder, key: { publicKey, seed: '' } });
bed.clock.offsetMs = Number(ahead);
const held = await claim(bed.ports.stateDir, systemClock, new AbortController().signal);
const journal = Journal.open(bed.ports.stateDir, systemClock);
const runner = new Runner(bed.ports, journal, expired === '' ? null : expired);
const service = new RunnerService({
  ...{ runner, journal },
  ports: bed.ports,
  idleMs: 60_000,
  onIdle: () => {
    held.close();
    process.exit(0);
  },
  endWithLinks: true,
});
service.serve(process.stdin, process.stdout);
