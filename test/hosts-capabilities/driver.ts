/**
 * Runs inside a test host, bundled into one file: one capability per call, asked for as JSON on standard input, answered as JSON
 * on standard output. `driver probe …` is what the runner of a real agent calls itself for.
 */
import { readFileSync } from 'node:fs';
import { changers, observers } from '@countersign/agent/capabilities/index';
import { execute } from '@countersign/agent/host/exec';
import { probeFromWords } from '@countersign/agent/host/probe';
import { unitProcesses } from '@countersign/agent/host/step-processes';
import { type ChangeId, capability, Fault, type Json, type ObservationId, systemClock } from '@countersign/protocol';
import type { DriverAnswer, DriverRequest } from './driver-wire.ts';

async function main(): Promise<void> {
  const [verb, ...words] = process.argv.slice(2);
  if (verb === 'probe') {
    process.stdout.write(`${await probeFromWords(words, systemClock)}\n`);
    return;
  }
  const alive = setInterval(() => undefined, 1000);
  const output: string[] = [];
  process.stdout.write(JSON.stringify(await answer(JSON.parse(readFileSync(0, 'utf8')) as DriverRequest, output)));
  clearInterval(alive);
}

async function answer(request: DriverRequest, output: string[]): Promise<DriverAnswer> {
  try {
    return { value: (await call(request, (text) => output.push(text))) ?? null, output: output.join('') };
  } catch (error) {
    if (error instanceof Fault) return { fault: { code: error.code, message: error.message }, output: output.join('') };
    return {
      fault: { code: 'defect', message: error instanceof Error ? `${error.stack}` : String(error) },
      output: output.join(''),
    };
  }
}

async function call(request: DriverRequest, onOutput: (text: string) => void): Promise<unknown> {
  const context = {
    signal: AbortSignal.timeout(60_000),
    clock: systemClock,
    localPolicy: {
      readRoots: ['/etc', '/var/log', '/srv'],
      writeRoots: ['/etc/nginx', '/srv', '/etc/systemd/system'],
      tmpRoots: [],
    },
    exec: execute,
    self: [process.execPath, process.argv[1] ?? ''],
  };
  const identity = { actionId: request.actionId, step: request.step, stateDir: '/var/lib/driver', clock: systemClock };
  const processes = unitProcesses(identity);
  if (request.call === 'start')
    return processes.start({
      argv: request.argv,
      timeoutMs: request.timeoutMs,
      onOutput,
      ...(request.cwd ? { cwd: request.cwd } : {}),
      ...(request.readsOnly ? { readsOnly: request.readsOnly } : {}),
    });
  if (request.call === 'ended') return processes.ended(1, onOutput);
  if (request.call === 'forget') return processes.forget();
  if (request.call === 'stop') return processes.stop();
  const parameters = capability(request.capability).parameters.parse(request.parameters) as never;
  if (request.call === 'observe') return observers[request.capability as ObservationId](parameters, context);
  const changer = changers[request.capability as ChangeId];
  const change = { ...context, ...identity, processes, onOutput, earlier: request.earlier };
  const memory = request.memory as Json;
  if (request.call === 'preview') return changer.preview(parameters, context);
  if (request.call === 'remember') return changer.remember?.(parameters, change);
  if (request.call === 'perform') return changer.perform(parameters, memory, change);
  if (request.call === 'undo') return changer.undo?.(parameters, memory, change);
  return changer.recover?.(parameters, memory, change);
}

await main();
