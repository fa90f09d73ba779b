/** `npm run bench`: the first figures, as a table. Loopback only; bounded in count and time. */
import { cpus, totalmem } from 'node:os';
import { startWorld } from '../world/world.ts';
import { agentFigures } from './agent-figures.ts';
import type { Figure } from './figures.ts';
import { fleetFigures } from './fleet-figures.ts';
import { pathFigures } from './path-figures.ts';
import { storeFigures } from './store-figures.ts';

const figures: Figure[] = [];
{
  await using world = await startWorld();
  for (const measure of [agentFigures, pathFigures, fleetFigures]) figures.push(...(await measure(world)));
}
figures.push(...(await storeFigures()));

const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${(totalmem() / 1024 ** 3).toFixed(0)} GiB, Node ${process.versions.node}`;
const width = Math.max(...figures.map(({ what }) => what.length));
process.stdout.write(`${machine}\n\n`);
for (const { what, value, note } of figures)
  process.stdout.write(`${what.padEnd(width)}  ${value}\n${' '.repeat(width)}  ${note}\n`);
