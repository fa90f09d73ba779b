/** G6: what validating the frames costs beside the socket and JSON. */
import type { Goal } from '../goal.ts';
import { counted } from '../goal.ts';
import { atLeast, judge } from '../judge.ts';
import { perCpuSecond } from '../peers/echo.ts';
import { column, interleave } from '../rounds.ts';

const BYTES = 304;

/** A report of an observation, as long as what was measured before there was a product. */
function frame(): string {
  const finding = { kind: 'overview.calm', severity: 'ok', title: 'Nothing unusual', evidence: [], causes: [] };
  const report = { findings: [finding], figures: { load1: 0.2, cpus: 2 }, redactions: 0, truncated: false, pad: '' };
  const message = { type: 'observed', requestId: 'req_000000000001', result: report };
  report.pad = 'x'.repeat(BYTES - JSON.stringify(message).length);
  return JSON.stringify(message);
}

export const g6: Goal = {
  id: 'G6',
  asks: 'Validated requests and answers go through at least 0.7 × as often per second of CPU as an echo over `ws` with JSON.',
  measure: async (bench) => {
    const times = bench.count(200_000, 20_000);
    const text = frame();
    const reading = (kind: Parameters<typeof perCpuSecond>[0]) => async () => ({
      perSecond: await perCpuSecond(kind, text, times),
    });
    const measured = await interleave({
      wire: reading('ws-wire'),
      json: reading('ws-json'),
      ws: reading('ws'),
      tcp: reading('tcp'),
    });
    const rounds = column(measured.wire, 'perSecond');
    const beside = (name: string, of: typeof measured.ws) => ({ name, rounds: column(of, 'perSecond') });
    const row = { goal: 'G6', what: 'validated frames per second of CPU', unit: '/s', rounds } as const;
    const note = `${counted(times)} frames of ${text.length} bytes in, one of the wire out; 8 connections, 64 under way on each`;
    return [
      judge({ ...row, peer: beside('ws + JSON echo', measured.json), bound: atLeast(0.7), note }),
      judge({ ...row, peer: beside('ws echo', measured.ws), note }),
      judge({ ...row, peer: beside('TCP echo', measured.tcp), note: `${note}; TCP joins frames into larger chunks` }),
    ];
  },
};
